"""The database: tables, the mapping of records to rows, transactions and migrations, for MySQL, MariaDB and SQLite."""
