"""What the results page says of the training itself, before it and after."""
