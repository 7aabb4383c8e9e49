"""The kinds of random input."""
