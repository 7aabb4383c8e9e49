//! Proof Key for Code Exchange (RFC 7636), method S256 only.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::syntax::is_code_verifier;
use crate::error::{Error, Result};

/// The S256 challenge of a verifier (RFC 7636, section 4.2).
pub(super) fn challenge(code_verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, code_verifier.as_bytes()))
}

pub(super) fn check_verifier(code_verifier: &str) -> Result<()> {
    if is_code_verifier(code_verifier) {
        return Ok(());
    }
    let problem = "must be 43 to 128 characters of A-Z a-z 0-9 - . _ ~ (RFC 7636, section 4.1)";
    Err(Error::invalid_argument("code_verifier", problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_challenge_is_that_of_rfc_7636_appendix_b() {
        assert_eq!(challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn a_bad_verifier_is_named() {
        assert!(check_verifier(&"a".repeat(43)).is_ok());
        assert!(check_verifier("a").unwrap_err().to_string().starts_with("code_verifier: "));
    }
}
