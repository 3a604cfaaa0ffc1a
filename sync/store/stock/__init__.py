"""What stock needs of the database: readings, captured lines, what shops show, and the items of its work."""
