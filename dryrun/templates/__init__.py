"""Text files that exports are made of."""
