"""The corpus of the comparison: mutated tokens, keys and headers."""
