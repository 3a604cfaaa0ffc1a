"""The canonical records, what may be wrong with them, and the strict reading that makes them."""
