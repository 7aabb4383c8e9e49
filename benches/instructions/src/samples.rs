//! Responses as long as those of a Keycloak.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sipgate_oauth2_protocol::oauth::token_set::TokenSet;

pub(crate) const BASE: &str = "https://login.example.com/auth";
pub(crate) const REALM: &str = "third-party";
pub(crate) const ISSUER: &str = "https://login.example.com/auth/realms/third-party";
pub(crate) const TOKEN_ENDPOINT: &str = "https://login.example.com/auth/realms/third-party/protocol/openid-connect/token";
pub(crate) const CLIENT_ID: &str = "2556404-0-dc848ae6-085c-11e8-92a6-31b99c83912e:third-party";
pub(crate) const CLIENT_SECRET: &str = "a1138f1-7-dc848ae6-99aa-23ed-23a4-b7da6846f141";
pub(crate) const REDIRECT_URI: &str = "https://app.example.com/auth/callback";
pub(crate) const NONCE: &str = "PbYRTDIY1YzTIKcIPFGYSh7mbRtzX9kCHRIXbhVSpvk";
pub(crate) const NOW: i64 = 1_700_000_000;

/// A token response.
pub(crate) fn token_response() -> String {
    format!(
        r#"{{"access_token":"{}","expires_in":300,"refresh_expires_in":2592000,"refresh_token":"{}","token_type":"Bearer","not-before-policy":0,"session_state":"4e0e4b22-7c7c-4b0c-9d1e-0e6f2c1b7a55","scope":"balance:read sms:write"}}"#,
        token(1200),
        token(700),
    )
}

/// The tokens of a login, which are valid for long.
pub(crate) fn saved_tokens() -> String {
    token_response().replace(r#""expires_in":300"#, r#""expires_at":4000000000"#)
}

pub(crate) fn tokens() -> TokenSet {
    TokenSet::restore(&saved_tokens()).unwrap()
}

/// A text that looks like a token.
fn token(length: usize) -> String {
    URL_SAFE_NO_PAD.encode((0..=255).cycle().take(length * 3 / 4).collect::<Vec<u8>>())
}

/// An ID token that the client's secret verifies.
pub(crate) fn id_token() -> String {
    let header = r#"{"alg":"HS256","typ":"JWT"}"#;
    let claims = format!(
        r#"{{"exp":{},"iat":{NOW},"auth_time":{NOW},"jti":"5a1e7d2f-3b21-4f55-9b0a-1f0a1f1d3c44","iss":"{ISSUER}","aud":"{CLIENT_ID}","sub":"f:a1b2c3d4-0000-1111-2222-333344445555:1234567w0","typ":"ID","azp":"{CLIENT_ID}","nonce":"{NONCE}","sid":"0a6f6b5e-7d6b-4a58-8d0e-0f4cf9f7a1b2","acr":"1","email_verified":true,"name":"Anna Example","preferred_username":"anna","given_name":"Anna","family_name":"Example","email":"anna@example.com"}}"#,
        NOW + 300
    );
    let input = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes()), input.as_bytes());
    format!("{input}.{}", URL_SAFE_NO_PAD.encode(signature))
}
