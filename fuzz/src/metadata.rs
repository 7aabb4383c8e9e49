//! The input is a server's metadata document.

use serde_json::{Map, Value};
use sipgate_oauth2_protocol::error::ErrorCode;
use sipgate_oauth2_protocol::http::{Body, Headers, Response};
use sipgate_oauth2_protocol::oauth::authorization_request::{RandomValues, build};
use sipgate_oauth2_protocol::oauth::client_auth::Credentials;
use sipgate_oauth2_protocol::oauth::metadata::{ServerMetadata, checked};
use sipgate_oauth2_protocol::openid::discovery;
use url::Url;

use crate::{CODE_VERIFIER, ISSUER, NOW, REDIRECT_URI, STATE, assert_fit_to_show};

/// No member is lost, and what discovery accepts is safe to use.
pub fn check(input: &str) {
    if let Ok(metadata) = ServerMetadata::from_json(input) {
        let document: Map<String, Value> = serde_json::from_str(input).expect("it was read as an object");
        let kept: Map<String, Value> = serde_json::from_str(&metadata.to_json()).expect("it is written as an object");
        let lost = document.iter().find(|(name, value)| !value.is_null() && kept.get(*name) != Some(value));
        assert!(lost.is_none(), "{lost:?} is lost");
        assert!(ServerMetadata::from_json(&metadata.to_json()).is_ok_and(|again| again == metadata));
        let credentials = Credentials::new("id".into(), Some("secret".into()), None).expect("good credentials");
        for error in [checked(metadata.clone()).err(), credentials.for_server(&metadata, None).err()].into_iter().flatten() {
            assert_fit_to_show(&error, &[]);
        }
    }
    let url = &discovery::urls(ISSUER).expect("a good issuer")[0];
    let response = Response { status: 200, headers: Headers::default(), body: Body::Whole(input.as_bytes().to_vec()) };
    match discovery::process(ISSUER, url, response, NOW) {
        Ok(metadata) => assert_safe(&metadata.expect("not 404")),
        Err(error) => {
            assert_fit_to_show(&error, &[]);
            assert!(matches!(error.code(), ErrorCode::BadResponse | ErrorCode::IssuerMismatch), "{error:?}");
        }
    }
}

fn assert_safe(metadata: &ServerMetadata) {
    assert_eq!(metadata.issuer, ISSUER);
    let endpoints = [
        &metadata.authorization_endpoint,
        &metadata.token_endpoint,
        &metadata.jwks_uri,
        &metadata.userinfo_endpoint,
        &metadata.revocation_endpoint,
        &metadata.introspection_endpoint,
        &metadata.end_session_endpoint,
        &metadata.device_authorization_endpoint,
        &metadata.pushed_authorization_request_endpoint,
    ];
    for url in endpoints.into_iter().flatten() {
        let odd = |c: char| c.is_control() || c.is_whitespace() || "\"'`\\<>^{|}".contains(c);
        assert!(!url.contains(odd), "{url:?}");
        let parsed = Url::parse(url).expect("a URL");
        assert!(parsed.scheme() == "https" && parsed.has_host() && parsed.fragment().is_none(), "{url}");
        assert!(parsed.username().is_empty() && parsed.password().is_none(), "{url}");
    }
    if let Ok(metadata) = checked(metadata.clone()) {
        let random = RandomValues { state: STATE.into(), nonce: "the-nonce".into(), code_verifier: CODE_VERIFIER.into() };
        let request = build(&metadata, "1-0-a:r", Some(REDIRECT_URI), "openid".into(), random, NOW).expect("good parameters");
        let endpoint = metadata.authorization_endpoint.expect("required");
        assert!(request.url().starts_with(&endpoint) && request.url().is_ascii(), "{}", request.url());
    }
}
