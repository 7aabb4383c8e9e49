"""The library against oidc-provider: a second real server, with strict refresh token rotation."""
