"""What group-relative training would be paid for: the outcome or shaping, in which direction, how far."""
