"""A drain of customers, and what becomes of its items."""
