"""Acts as the user: a browser for the login page, and a driver for the main-job programs."""
