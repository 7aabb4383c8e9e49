"""The same made-up inputs in every language."""
