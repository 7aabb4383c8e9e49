//! The characters of each part of the protocol (RFC 6749, appendix A; RFC 7636, section 4.1), with
//! the lengths that are accepted.

/// A token of 65,536 characters is longer than any header can carry.
const MAX_TOKEN: usize = 65_536;

/// Whether a text has printable ASCII characters only: VSCHAR, the characters of most parts.
pub(super) fn is_printable(text: &str) -> bool {
    has_only(text, b' ')
}

/// RFC 6749, appendix A.11.
pub(super) fn is_code(code: &str) -> bool {
    (1..=4096).contains(&code.len()) && is_printable(code)
}

/// What fits after `Bearer ` in a header: appendix A.12 and RFC 6750, section 2.1, without blanks.
pub(super) fn is_access_token(token: &str) -> bool {
    (1..=MAX_TOKEN).contains(&token.len()) && has_only(token, b'!')
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

/// Whether a text has the ASCII characters from `first` to `~` only. Tokens are most of a response,
/// so many bytes are compared at once. It ends at the first that is not allowed: in a loop that does
/// not, the compiler compares more at once, and leaves pieces of a token on the stack.
fn has_only(text: &str, first: u8) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH_BITS: u64 = 0x80 * ONES;
    // One step up is 0x80 for what is behind `~`, and `first` steps down are below 0 for what is
    // before it. A carry or a borrow comes from a byte that is not allowed either.
    let marks = |word: &[u8; 8]| {
        let word = u64::from_le_bytes(*word);
        word | word.wrapping_add(ONES) | word.wrapping_sub(u64::from(first) * ONES)
    };
    let (words, rest) = text.as_bytes().as_chunks();
    let (fours, words) = words.as_chunks();
    let is_allowed = |marks: u64| marks & HIGH_BITS == 0;
    fours.iter().all(|[a, b, c, d]| is_allowed(marks(a) | marks(b) | marks(c) | marks(d)))
        && words.iter().all(|word| is_allowed(marks(word)))
        && rest.iter().all(|byte| (first..=b'~').contains(byte))
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
    fn a_character_is_judged_alike_wherever_it_is() {
        for (length, at) in (1..=48).flat_map(|length| (0..length).map(move |at| (length, at))) {
            for character in (0..=0xFF).map(char::from) {
                let token: String = (0..length).map(|place| if place == at { character } else { '~' }).collect();
                assert_eq!(is_access_token(&token), character.is_ascii_graphic(), "{token:?}");
                assert_eq!(is_refresh_token(&token), character == ' ' || character.is_ascii_graphic(), "{token:?}");
            }
        }
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
