"""What maintainers run; nothing here is shipped."""
