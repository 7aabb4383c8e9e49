"""Processes that share one login, and what befalls them."""
