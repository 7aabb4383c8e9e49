//! The input is an exported pending login, or the JSON inside of one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::assert_fit_to_show;
use crate::oauth::authorization::AuthorizationRequest;
use crate::oauth::{pkce, uri};

/// What restores is a login that can be completed, restores again to the same, and shows neither its verifier nor its state.
pub fn check(input: &str) {
    let exported = if input.starts_with('{') { URL_SAFE_NO_PAD.encode(input) } else { input.to_owned() };
    match AuthorizationRequest::restore(&exported) {
        Ok(login) => assert_sound(&login),
        Err(error) => assert_fit_to_show(&error, &[]),
    }
}

pub(crate) fn assert_sound(login: &AuthorizationRequest) {
    let pending = login.pending();
    assert!(pkce::check_verifier(&pending.code_verifier).is_ok());
    assert!(uri::endpoint("token_endpoint", &pending.token_endpoint).is_ok());
    assert!((1..=512).contains(&login.state().len()));
    assert!(login.url().len() <= 16 * 1024);

    let debug = format!("{login:?}");
    for secret in [login.state(), pending.code_verifier.as_str()] {
        let shown_anyway =
            [&pending.issuer, &pending.client_id, &pending.redirect_uri, &pending.scope].iter().any(|text| text.contains(secret));
        assert!(!secret.starts_with("canary") || shown_anyway || !debug.contains(secret), "{debug}");
    }

    let exported = login.export();
    let restored = AuthorizationRequest::restore(exported.reveal()).expect("what was exported restores");
    assert_eq!(restored.export().reveal(), exported.reveal());
    assert_eq!(restored.url(), login.url());
    assert_eq!(restored.expires_at(), login.expires_at());
    assert_eq!(restored.return_to(), login.return_to());
}
