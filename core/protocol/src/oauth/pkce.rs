//! Proof Key for Code Exchange (RFC 7636), method S256 only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::crypto::sha256;
use crate::error::{Error, Result};

/// The S256 challenge of a verifier (RFC 7636, section 4.2).
pub fn challenge(code_verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(sha256([code_verifier.as_bytes()]))
}

/// RFC 7636, section 4.1: 43 to 128 unreserved characters.
pub fn check_verifier(code_verifier: &str) -> Result<()> {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    if (43..=128).contains(&code_verifier.len()) && code_verifier.bytes().all(unreserved) {
        return Ok(());
    }
    Err(Error::argument("code_verifier", "must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636, section 4.1)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        assert_eq!(challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn verifiers_are_43_to_128_unreserved_characters() {
        assert!(check_verifier(&"a".repeat(43)).is_ok());
        assert!(check_verifier(&"~".repeat(128)).is_ok());
        for bad in ["a".repeat(42), "a".repeat(129), format!("{}+", "a".repeat(43)), String::new()] {
            assert!(check_verifier(&bad).is_err(), "{bad}");
        }
    }
}
