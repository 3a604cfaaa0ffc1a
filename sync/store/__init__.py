"""Everything that touches the database: tables, transactions, queries, migrations."""
