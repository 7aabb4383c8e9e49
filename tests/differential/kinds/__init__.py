"""The kinds of input, each made from chance alone."""
