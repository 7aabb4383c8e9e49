"""The library against django-oauth-toolkit: a real server that it knows only by discovery."""
