"""A run and a drain of stock, and what becomes of its items."""
