"""The library against oidc-provider: a second real authorization server, with strict refresh token rotation."""
