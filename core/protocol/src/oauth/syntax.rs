//! The characters of each part of the protocol (RFC 6749, appendix A; RFC 7636, section 4.1), with
//! the lengths that are accepted.

/// A token of 65,536 characters is longer than any header can carry.
const MAX_TOKEN: usize = 65_536;

/// Whether a text has printable ASCII characters only: VSCHAR, the characters of most parts.
pub(super) fn is_printable(text: &str) -> bool {
    all(text, |byte| matches!(byte, 0x20..=0x7E))
}

/// RFC 6749, appendix A.11.
pub(super) fn is_code(code: &str) -> bool {
    (1..=4096).contains(&code.len()) && is_printable(code)
}

/// What fits after `Bearer ` in a header: appendix A.12 and RFC 6750, section 2.1, without blanks.
pub(super) fn is_access_token(token: &str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len()) && all(token, |byte| matches!(byte, 0x21..=0x7E))
}

/// RFC 6749, appendix A.17.
pub(super) fn is_refresh_token(token: &str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len()) && is_printable(token)
}

/// Scope names with blanks between them (RFC 6749, appendix A.4).
pub(super) fn is_scope(names: &str) -> bool {
    !names.is_empty() && names.bytes().all(|byte| matches!(byte, b' ' | 0x21 | 0x23..=0x5B | 0x5D..=0x7E))
}

/// RFC 7636, section 4.1: 43 to 128 unreserved characters.
pub(super) fn is_code_verifier(verifier: &str) -> bool {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved)
}

/// Looks at each byte, also behind one that is not allowed: so many are compared at once.
fn all(text: &str, is_allowed: impl Fn(u8) -> bool) -> bool {
    text.bytes().fold(true, |all, byte| all & is_allowed(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_1_to_4096_printable_ascii_characters() {
        assert!(is_code(&"~".repeat(4096)) && is_code(" "));
        for bad in [String::new(), "a".repeat(4097), "a\u{7f}".into(), "a\n".into(), "ä".into()] {
            assert!(!is_code(&bad), "{bad}");
        }
    }

    #[test]
    fn a_token_is_1_to_65536_characters_and_an_access_token_has_no_blank() {
        for is_token in [is_access_token, is_refresh_token] {
            assert!(is_token(&"~".repeat(65_536)) && is_token("!"));
            for bad in [String::new(), "r".repeat(65_537), "r\n".into(), "\u{7f}".into(), "ä".into()] {
                assert!(!is_token(&bad), "{bad}");
            }
        }
        assert!(is_refresh_token("a b") && !is_access_token("a b"));
    }

    #[test]
    fn a_scope_has_neither_quotes_nor_backslashes() {
        assert!(is_scope("a !#[]~"));
        for bad in ["", "a\"b", "a\\b", "a\tb", "a\u{7f}", "ä"] {
            assert!(!is_scope(bad), "{bad}");
        }
    }

    #[test]
    fn a_verifier_is_43_to_128_unreserved_characters() {
        assert!(is_code_verifier(&"a".repeat(43)) && is_code_verifier(&"~".repeat(128)));
        for bad in ["a".repeat(42), "a".repeat(129), format!("{}+", "a".repeat(43)), String::new()] {
            assert!(!is_code_verifier(&bad), "{bad}");
        }
    }
}
