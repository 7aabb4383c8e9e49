//! The input is a token set that this library or another one saved.

use sipgate_oauth2_protocol::oauth::token_set::TokenSet;

use crate::assert_fit_to_show;

/// What restores can be sent in a header, shows no token, and restores again to the same.
pub fn check(input: &str) {
    match TokenSet::restore(input) {
        Ok(tokens) => assert_sound(&tokens),
        Err(error) => assert_fit_to_show(&error, &[]),
    }
}

pub(crate) fn assert_sound(tokens: &TokenSet) {
    let header = tokens.authorization_header();
    let token = header.reveal().strip_prefix("Bearer ").expect("RFC 6750");
    assert!(!token.is_empty() && token.bytes().all(|byte| matches!(byte, 0x21..=0x7E)));
    assert!(tokens.refresh_token().is_none_or(|token| token.reveal().bytes().all(|byte| matches!(byte, 0x20..=0x7E))));

    let debug = format!("{tokens:?}");
    let shown_anyway = |token: &str| tokens.token_type().contains(token) || tokens.scope().is_some_and(|scope| scope.contains(token));
    let all = [Some(token), tokens.refresh_token().map(|token| token.reveal()), tokens.id_token().map(|token| token.reveal())];
    for token in all.into_iter().flatten().filter(|token| token.starts_with("canary") && !shown_anyway(token)) {
        assert!(!debug.contains(token), "{debug}");
    }

    let exported = tokens.export();
    let restored = TokenSet::restore(exported.reveal()).expect("what was exported restores");
    assert!(restored == *tokens, "{restored:?} is not {tokens:?}");
    assert_eq!(restored.export().reveal(), exported.reveal());
}
