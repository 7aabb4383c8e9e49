"""The shared behaviour suite: cases as data, one runner, one shim per language."""
