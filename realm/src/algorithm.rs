//! The algorithms that tokens are signed with (RFC 7518, 3.1; RFC 8037, 3.1).

use aws_lc_rs::digest::{self, SHA256, SHA384, SHA512};

use crate::bytes::base64url;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Algorithm {
    /// The value of `alg`.
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    pub(crate) hash: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Rsa,
    RsaPss,
    Ecdsa,
    Ed25519,
    /// With the secret of the client, not with a key of the realm.
    Hmac,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Algorithm {
    const fn new(name: &'static str, family: Family, hash: Hash) -> Self {
        Self { name, family, hash }
    }

    /// Keycloak's default.
    pub(crate) const RS256: Self = Self::new("RS256", Family::Rsa, Hash::Sha256);

    /// In the order of Keycloak's metadata.
    pub(crate) const ALL: [Self; 13] = [
        Self::new("PS384", Family::RsaPss, Hash::Sha384),
        Self::new("RS384", Family::Rsa, Hash::Sha384),
        Self::new("EdDSA", Family::Ed25519, Hash::Sha512),
        Self::new("ES384", Family::Ecdsa, Hash::Sha384),
        Self::new("HS256", Family::Hmac, Hash::Sha256),
        Self::new("HS512", Family::Hmac, Hash::Sha512),
        Self::new("ES256", Family::Ecdsa, Hash::Sha256),
        Self::RS256,
        Self::new("HS384", Family::Hmac, Hash::Sha384),
        Self::new("ES512", Family::Ecdsa, Hash::Sha512),
        Self::new("PS256", Family::RsaPss, Hash::Sha256),
        Self::new("PS512", Family::RsaPss, Hash::Sha512),
        Self::new("RS512", Family::Rsa, Hash::Sha512),
    ];

    pub(crate) fn named(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name == name).ok_or_else(|| format!("no such algorithm: {name}"))
    }

    /// The left half of the hash of the access token (OpenID Connect Core 3.1.3.6).
    pub(crate) fn at_hash(self, access_token: &str) -> String {
        let algorithm = match self.hash {
            Hash::Sha256 => &SHA256,
            Hash::Sha384 => &SHA384,
            Hash::Sha512 => &SHA512,
        };
        let hash = digest::digest(algorithm, access_token.as_bytes());
        base64url(&hash.as_ref()[..hash.as_ref().len() / 2])
    }
}
