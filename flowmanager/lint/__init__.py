"""Finding mistakes in flows before a caller does."""
