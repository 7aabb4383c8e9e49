"""Processes that share one login while they are killed, stopped, or disturbed."""
