//! Signature algorithms (RFC 7518, section 3.1; RFC 8037, section 3.1).

use aws_lc_rs::digest::{Algorithm as Digest, SHA256, SHA384, SHA512};

/// An algorithm that a token may be signed with. There is no `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256, also for its mask and the length of its salt.
    Ps256,
    /// RSASSA-PSS with SHA-384, also for its mask and the length of its salt.
    Ps384,
    /// RSASSA-PSS with SHA-512, also for its mask and the length of its salt.
    Ps512,
    /// ECDSA with the curve P-256 and SHA-256.
    Es256,
    /// ECDSA with the curve P-384 and SHA-384.
    Es384,
    /// ECDSA with the curve P-521 and SHA-512.
    Es512,
    /// EdDSA with the curve Ed25519.
    EdDsa,
    /// HMAC with SHA-256.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
}

impl Algorithm {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::EdDsa,
        Self::Hs256,
        Self::Hs384,
        Self::Hs512,
    ];

    /// The algorithm of this name. Upper and lower case differ.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|algorithm| algorithm.as_str() == name)
    }

    /// The value of `alg`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
        }
    }

    /// Whether the signature is made with the client's secret.
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::Hs256 | Self::Hs384 | Self::Hs512)
    }

    /// The hash of the algorithm, which `at_hash` is made with too. Ed25519 has SHA-512.
    pub fn digest(self) -> &'static Digest {
        match self {
            Self::Rs256 | Self::Ps256 | Self::Es256 | Self::Hs256 => &SHA256,
            Self::Rs384 | Self::Ps384 | Self::Es384 | Self::Hs384 => &SHA384,
            Self::Rs512 | Self::Ps512 | Self::Es512 | Self::Hs512 | Self::EdDsa => &SHA512,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_as_it_is_written_only() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::parse(algorithm.as_str()), Some(*algorithm));
            assert_eq!(Algorithm::parse(&algorithm.as_str().to_lowercase()), None);
        }
        for other in ["none", "None", "", " RS256", "RS256 ", "RS1", "ES256K", "EDDSA", "Ed448"] {
            assert_eq!(Algorithm::parse(other), None, "{other}");
        }
    }

    #[test]
    fn the_secret_signs_for_hmac_only() {
        let symmetric: Vec<_> =
            Algorithm::ALL.iter().filter(|algorithm| algorithm.is_symmetric()).map(|algorithm| algorithm.as_str()).collect();
        assert_eq!(symmetric, ["HS256", "HS384", "HS512"]);
    }

    #[test]
    fn the_hash_is_as_long_as_the_name_says() {
        for algorithm in Algorithm::ALL {
            let bits = algorithm.as_str().trim_start_matches(char::is_alphabetic);
            assert_eq!(8 * algorithm.digest().output_len(), bits.parse().unwrap_or(512), "{algorithm:?}");
        }
    }
}
