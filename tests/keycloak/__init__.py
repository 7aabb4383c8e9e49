"""The same questions to a real Keycloak and to the local realm, and the whole job against Keycloak."""
