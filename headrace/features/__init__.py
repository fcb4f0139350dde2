"""What a model sees of a row, from its declaration."""
