"""The profile as files, and the rows that are chosen from it."""
