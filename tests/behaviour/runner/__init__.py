"""The runner of the behaviour suite."""
