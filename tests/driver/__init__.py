"""Plays the part of the person: a browser for the login page, and the driver of the main-job programs."""
