"""The results page on the training itself, before it and after."""
