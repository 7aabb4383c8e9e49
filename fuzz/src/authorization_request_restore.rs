//! The input is an exported authorization request, or the JSON in one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use sipgate_oauth2_protocol::oauth::authorization_request::AuthorizationRequest;
use sipgate_oauth2_protocol::oauth::authorization_response;
use sipgate_oauth2_protocol::oauth::grants::TokenRequest;
use url::form_urlencoded::Serializer;

use crate::{CODE, assert_fit_to_show};

/// What restores can be completed, restores again to the same, and shows neither its verifier nor
/// its state.
pub fn check(input: &str) {
    let exported = if input.starts_with('{') { URL_SAFE_NO_PAD.encode(input) } else { input.to_owned() };
    match AuthorizationRequest::restore(&exported) {
        Ok(request) => assert_sound(&request),
        Err(error) => assert_fit_to_show(&error, &[]),
    }
}

pub(crate) fn assert_sound(request: &AuthorizationRequest) {
    let exported = request.export();
    let json = URL_SAFE_NO_PAD.decode(exported.reveal()).expect("an export is base64");
    let json: Value = serde_json::from_slice(&json).expect("with JSON in it");
    let text = |name: &str| json[name].as_str().unwrap_or_default();
    let verifier = text("code_verifier");
    let is_unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    assert!((43..=128).contains(&verifier.len()) && verifier.bytes().all(is_unreserved), "{verifier:?}");
    let endpoint = url::Url::parse(text("token_endpoint")).expect("the token endpoint is a URL");
    assert!(["https", "http"].contains(&endpoint.scheme()) && endpoint.fragment().is_none(), "{endpoint}");
    assert!((1..=512).contains(&request.state().len()));
    assert!(request.url().len() <= 16 * 1024);

    let debug = format!("{request:?}");
    for secret in [request.state(), verifier] {
        let shown_anyway = ["issuer", "client_id", "redirect_uri", "scope"].iter().any(|name| text(name).contains(secret));
        assert!(!secret.starts_with("canary") || shown_anyway || !debug.contains(secret), "{debug}");
    }

    let restored = AuthorizationRequest::restore(exported.reveal()).expect("what was exported restores");
    assert_eq!(restored.export().reveal(), exported.reveal());
    assert_eq!(restored.url(), request.url());
    assert_eq!(restored.state(), request.state());
    assert_eq!(restored.expires_at(), request.expires_at());
    assert_eq!(restored.return_to(), request.return_to());

    let pairs = [("code", CODE), ("state", request.state()), ("iss", text("issuer"))];
    let response = Serializer::new(String::new()).extend_pairs(pairs).finish();
    let code = authorization_response::check(&restored, &response, request.created_at()).expect("a good response");
    let exchange = TokenRequest::code(code, None).expect("a good code");
    assert_eq!(exchange.request().parameter("code").map(|code| code.reveal()), Some(CODE));
    assert_eq!(exchange.request().parameter("code_verifier").map(|sent| sent.reveal()), Some(verifier));
}
