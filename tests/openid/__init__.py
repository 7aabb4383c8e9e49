"""Tests of OpenID Connect: the judge of section rows, and the comparison with other libraries."""
