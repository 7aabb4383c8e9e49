"""The same generated inputs in every language."""
