"""PostgreSQL, asked for one institution at a time (decision 0017)."""
