//! The codes of OAuth errors (RFC 6749, sections 4.1.2.1 and 5.2), and how servers write them.

/// Codes that another login does not fix.
pub(super) const OF_CONFIGURATION: [&str; 9] = [
    "invalid_request",
    "invalid_scope",
    "unsupported_grant_type",
    "unsupported_response_type",
    "redirect_uri_mismatch",
    "invalid_redirect_uri",
    "invalid_target",
    "invalid_dpop_proof",
    "use_dpop_nonce",
];

/// Codes that mean `invalid_client`, some of them from servers with names of their own.
pub(super) const OF_THE_CLIENT: [&str; 3] = ["invalid_client", "unauthorized_client", "incorrect_client_credentials"];

/// Other codes that have a meaning here.
const OTHERS: [&str; 9] = [
    "invalid_grant",
    "access_denied",
    "not_allowed",
    "server_error",
    "temporarily_unavailable",
    "login_required",
    "interaction_required",
    "consent_required",
    "account_selection_required",
];

/// An OAuth error's code, and the words that some servers add (`invalid_grant: Token is expired`).
/// A code without a meaning here stays as it is.
pub(super) fn code_and_words(error: &str) -> (String, &str) {
    let error = error.trim();
    let end = error.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(error.len());
    let (first, words) = error.split_at(end);
    let words = words.trim_start_matches(|c: char| !c.is_alphanumeric());
    let small = first.to_ascii_lowercase();
    if OTHERS.iter().chain(&OF_CONFIGURATION).chain(&OF_THE_CLIENT).any(|known| *known == small) {
        (small, words)
    } else {
        (error.to_owned(), "")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_code_is_found_in_any_letters_and_with_words_after_it() {
        for (written, code, words) in [
            ("invalid_grant", "invalid_grant", ""),
            ("invalid_grant: Token is expired", "invalid_grant", "Token is expired"),
            (" invalid_grant ", "invalid_grant", ""),
            ("Invalid_Grant", "invalid_grant", ""),
            ("INVALID_CLIENT (basic)", "invalid_client", "basic)"),
            ("Realm does not exist", "Realm does not exist", ""),
            ("Something_New: x", "Something_New: x", ""),
            ("invalid_grants", "invalid_grants", ""),
            ("", "", ""),
        ] {
            assert_eq!(code_and_words(written), (code.to_owned(), words), "{written}");
        }
    }
}
