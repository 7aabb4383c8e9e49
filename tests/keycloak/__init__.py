"""Compares a real Keycloak with the local realm, and runs the main job against Keycloak."""
