//! Claims about the user from the userinfo endpoint (OpenID Connect Core, section 5.3).

use serde_json::{Map, Value};

use super::id_token::Judgement;
use super::token_rules::{Kind, NotAccepted, TokenRules};
use crate::claims::Claims;
use crate::error::{Error, ErrorCode, OauthError, Remedy, Result, with_oauth};
use crate::http::{Request, Response};
use crate::jose::jwks::KeySet;
use crate::oauth::endpoint_response::{ResponseContext, explain};
use crate::oauth::www_authenticate;
use crate::secret::{AccessToken, Secret};

/// The longest response that is read.
const MAX_RESPONSE: usize = 256 * 1024;

const USERINFO: Kind = Kind { name: "userinfo response", types: &["JWT"] };

/// What was received.
#[derive(Clone, Debug)]
pub enum Received {
    /// Something to judge.
    Userinfo(Userinfo),
    /// The server does not accept the access token: with a newer one, it may. The error is for when
    /// it does not either.
    TokenRefused(Error),
}

/// A userinfo response that is not judged yet.
#[derive(Clone)]
pub struct Userinfo(Content);

#[derive(Clone)]
enum Content {
    Plain(Map<String, Value>),
    Signed(Secret),
}

impl std::fmt::Debug for Userinfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Userinfo([redacted])")
    }
}

/// The request for the claims of the user that the access token was issued for (section 5.3.1).
pub fn request(userinfo_endpoint: &str, access_token: &AccessToken) -> Request {
    let request = Request::get(userinfo_endpoint, "application/json, application/jwt");
    request.with_header("Authorization", access_token.authorization_header())
}

/// What is known of that request. `is_keycloak`: the URL follows from a preset for Keycloak. `now`
/// is in seconds since 1970.
pub fn context<'a>(userinfo_endpoint: &'a str, access_token: &AccessToken, is_keycloak: bool, now: i64) -> ResponseContext<'a> {
    ResponseContext::of_get("userinfo", userinfo_endpoint, Some(access_token), is_keycloak, now)
}

/// Reads the response (section 5.3.2 and 5.3.3).
///
/// # Errors
///
/// [`ErrorCode::Oauth`] that names the scope, if the access token lacks one. Others as at any
/// endpoint.
pub fn process(context: &ResponseContext, response: Response) -> Result<Received> {
    let status = response.status;
    if let Some(refusal) = refusal(context, &response) {
        return refusal;
    }
    let media_type = response.headers.get("content-type").unwrap_or_default().split(';').next().unwrap_or_default();
    let is_signed = media_type.trim().eq_ignore_ascii_case("application/jwt");
    let body = context.body(response, MAX_RESPONSE)?;
    if is_signed {
        let token = String::from_utf8(body).map_err(|_| context.bad_response("is not a signed token").with_status(status))?;
        return Ok(Received::Userinfo(Userinfo(Content::Signed(token.trim().into()))));
    }
    match serde_json::from_slice(&body) {
        Ok(Value::Object(claims)) => Ok(Received::Userinfo(Userinfo(Content::Plain(claims)))),
        _ => Err(context.bad_response("is not a JSON object").with_status(status)),
    }
}

/// Judges what was received. `subject` is the user of the ID token: claims about another user may
/// have been put in place of those of the user (section 5.3.4). `keys` are those of the server, if
/// known.
pub fn judge(userinfo: &Userinfo, subject: &str, rules: &TokenRules, keys: Option<&KeySet>) -> Judgement {
    match judged(userinfo, subject, rules, keys) {
        Ok(claims) => Judgement::Accepted(Claims::new(claims)),
        Err(NotAccepted::Refused(error)) => Judgement::Refused(error),
        Err(NotAccepted::NoKey) => Judgement::NoKey,
    }
}

/// The error for a signature that none of the server's current keys can verify.
pub fn not_verified() -> Error {
    Error::new(ErrorCode::IdToken, "signature: no key of the server verifies the userinfo response")
}

fn judged(userinfo: &Userinfo, subject: &str, rules: &TokenRules, keys: Option<&KeySet>) -> Result<Map<String, Value>, NotAccepted> {
    let claims = match &userinfo.0 {
        Content::Plain(claims) => claims.clone(),
        Content::Signed(token) => {
            let claims = rules.verified(USERINFO, token.reveal(), keys)?;
            if claims.get("iss").is_some() {
                rules.check_issuer(&claims)?;
            }
            if claims.get("aud").is_some() {
                rules.check_audience(&claims)?;
            }
            claims.into_members()
        }
    };
    match claims.get("sub").and_then(Value::as_str) {
        Some(user) if user == subject => Ok(claims),
        Some(_) => {
            let problem = "sub: the userinfo response is about another user than the ID token; nothing of it is used";
            Err(Error::new(ErrorCode::IdToken, problem).into())
        }
        None => {
            let problem = "sub: is missing in the userinfo response, or is not a string; report it to the server's operator";
            Err(Error::new(ErrorCode::BadResponse, problem).into())
        }
    }
}

/// What a refusal of the access token means (RFC 6750, section 3.1).
fn refusal(context: &ResponseContext, response: &Response) -> Option<Result<Received>> {
    if !matches!(response.status, 400 | 401 | 403) {
        return None;
    }
    let challenge = www_authenticate::bearer(&response.headers);
    let said = |name| challenge.as_ref().and_then(|challenge| challenge.parameter(name)).map(|text| context.clean(text));
    let oauth = match said("error") {
        Some(error) => Some(OauthError { error, description: said("error_description"), uri: said("error_uri") }),
        // Older servers say it in the body.
        None => context.oauth_error_in(&response.body),
    };
    let error = |problem: &str| {
        let message = oauth.as_ref().map_or_else(|| problem.to_owned(), |oauth| explain(problem, oauth));
        let error = Error::new(ErrorCode::Oauth, message).with_status(response.status);
        oauth.iter().cloned().fold(error, with_oauth)
    };
    match (oauth.as_ref().map(|oauth| oauth.error.as_str()), response.status) {
        (Some("insufficient_scope"), _) => {
            let scope = said("scope").unwrap_or_else(|| "openid".to_owned());
            Some(Err(error(&format!("userinfo requires the scope {scope}, which the access token lacks; request it with the login"))))
        }
        (Some("invalid_token"), _) | (_, 401) => {
            let refused = error("the userinfo endpoint does not accept the access token; log in again");
            Some(Ok(Received::TokenRefused(refused.with_remedy(Remedy::LogInAgain))))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::{Body, Headers};
    use crate::jose::algorithm::Algorithm;
    use crate::jose::testing::{Signer, with};

    const URL: &str = "https://login.example/userinfo";

    fn received(status: u16, headers: &[(&'static str, &str)], body: &str) -> Result<Received> {
        let context = context(URL, &"canary-token".into(), false, 0);
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        process(&context, Response { status, headers, body: Body::Whole(body.as_bytes().to_vec()) })
    }

    fn error(status: u16, challenge: &str, body: &str) -> Error {
        received(status, &[("www-authenticate", challenge)], body).unwrap_err()
    }

    fn refused(status: u16, challenge: &str, body: &str) -> Error {
        match received(status, &[("www-authenticate", challenge)], body).unwrap() {
            Received::TokenRefused(error) => error,
            Received::Userinfo(_) => panic!("accepted"),
        }
    }

    fn rules() -> TokenRules {
        TokenRules {
            issuer: "https://login.example".into(),
            client_id: "client".into(),
            trusted_audiences: vec![],
            algorithms: vec![Algorithm::Es256],
            client_secret: None,
            leeway: 60,
        }
    }

    fn judge(content_type: &str, body: &str, keys: Option<&KeySet>) -> Judgement {
        match received(200, &[("content-type", content_type)], body).unwrap() {
            Received::Userinfo(userinfo) => super::judge(&userinfo, "u", &rules(), keys),
            Received::TokenRefused(error) => panic!("{error}"),
        }
    }

    fn refusal(judgement: Judgement) -> Error {
        match judgement {
            Judgement::Refused(error) => error,
            other => panic!("{other:?}"),
        }
    }

    fn signed(claims: &Value) -> String {
        Signer::of(Algorithm::Es256).token(Algorithm::Es256, r#"{"alg":"ES256"}"#, claims.to_string())
    }

    #[test]
    fn the_access_token_is_in_the_header() {
        let request = request(URL, &"t".into());
        assert_eq!((request.method.as_str(), request.url.as_str()), ("GET", URL));
        assert_eq!(request.header("authorization").unwrap().reveal(), "Bearer t");
        assert_eq!(request.header("accept").unwrap().reveal(), "application/json, application/jwt");
    }

    #[test]
    fn claims_about_the_same_user_are_handed_out() {
        for content_type in ["application/json", "application/json;charset=UTF-8", "text/plain", ""] {
            let judgement = judge(content_type, r#"{"sub":"u","email":"a@b"}"#, None);
            assert!(matches!(&judgement, Judgement::Accepted(claims) if claims.get("email").is_some()), "{judgement:?}");
        }
    }

    #[test]
    fn claims_about_another_user_are_not() {
        for (body, code) in [
            (r#"{"sub":"canary","email":"canary"}"#, ErrorCode::IdToken),
            (r#"{"sub":"u ","email":"canary"}"#, ErrorCode::IdToken),
            (r#"{"sub":"U"}"#, ErrorCode::IdToken),
            (r#"{"sub":""}"#, ErrorCode::IdToken),
            (r#"{"email":"canary"}"#, ErrorCode::BadResponse),
            (r#"{"sub":["u"]}"#, ErrorCode::BadResponse),
            (r#"{"sub":null}"#, ErrorCode::BadResponse),
        ] {
            let error = refusal(judge("application/json", body, None));
            assert_eq!(error.code(), code, "{body}");
            assert!(error.to_string().starts_with("sub: ") && !format!("{error:?}").contains("canary"), "{error:?}");
        }
    }

    #[test]
    fn a_signed_response_is_verified() {
        let keys = KeySet::of([Signer::of(Algorithm::Es256).jwk()]);
        let good = json!({"sub": "u", "iss": "https://login.example", "aud": ["client"], "email": "a@b"});
        let judge = |token: &str, keys| judge("application/jwt; charset=utf-8", token, keys);
        assert!(matches!(judge(&signed(&good), Some(&keys)), Judgement::Accepted(claims) if claims.get("email").is_some()));
        assert!(matches!(judge(&signed(&json!({"sub": "u"})), Some(&keys)), Judgement::Accepted(_)));
        assert!(matches!(judge(&signed(&good), None), Judgement::NoKey));
        let other = KeySet::of([Signer::new(Algorithm::Es256).jwk()]);
        assert!(matches!(judge(&signed(&good), Some(&other)), Judgement::NoKey));
        for (changes, code, name) in [
            (json!({"sub": "other"}), ErrorCode::IdToken, "sub"),
            (json!({"sub": 7}), ErrorCode::IdToken, "sub"),
            (json!({"sub": null}), ErrorCode::BadResponse, "sub"),
            (json!({"iss": "https://login.example/"}), ErrorCode::IssuerMismatch, "iss"),
            (json!({"aud": "other"}), ErrorCode::IdToken, "aud"),
            (json!({"aud": ["client", "other"]}), ErrorCode::IdToken, "aud"),
        ] {
            let error = refusal(judge(&signed(&with(good.clone(), &changes)), Some(&keys)));
            assert_eq!(error.code(), code, "{changes}");
            assert!(error.to_string().starts_with(&format!("{name}: ")), "{error}");
        }
        let unsigned = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1In0.";
        assert_eq!(refusal(judge(unsigned, Some(&keys))).code(), ErrorCode::IdToken);
        assert_eq!(refusal(judge("a.b.c.d.e", Some(&keys))).code(), ErrorCode::Unsupported);
        assert_eq!(refusal(judge(r#"{"sub":"u"}"#, Some(&keys))).code(), ErrorCode::IdToken);
    }

    #[test]
    fn an_access_token_that_is_refused_may_be_replaced() {
        for (status, challenge, body) in [
            (401, r#"Bearer realm="r", error="invalid_token", error_description="Token verification failed""#, ""),
            (401, "Bearer", ""),
            (401, "Basic realm=\"r\"", "<html>"),
            (400, "", r#"{"error":"invalid_token","error_description":"Token invalid: Token is not active"}"#),
            (401, "", r#"{"error":"invalid_request","error_description":"Token not provided"}"#),
            (403, "Basic x, bearer Error=invalid_token", ""),
        ] {
            let error = refused(status, challenge, body);
            assert_eq!((error.code(), error.status(), error.remedy()), (ErrorCode::Oauth, Some(status), Remedy::LogInAgain));
            let says = challenge.contains("invalid_token") || !body.is_empty() && !body.starts_with('<');
            assert_eq!(error.oauth_error().is_some(), says, "{challenge} {body}");
        }
        let error = refused(401, r#"Bearer error="invalid_token", error_description="canary-token is bad""#, "");
        assert_eq!(error.oauth_error_description(), Some("[redacted] is bad"));
        assert!(error.to_string().ends_with("log in again (the server says invalid_token: [redacted] is bad)"), "{error}");
    }

    #[test]
    fn a_scope_that_is_missing_is_named() {
        for (challenge, body, scope) in [
            (r#"Bearer realm="r", error="insufficient_scope", error_description="Missing openid scope""#, "", "openid,"),
            (r#"Bearer error="insufficient_scope", scope="openid profile""#, "", "openid profile,"),
            ("", r#"{"error":"insufficient_scope"}"#, "openid,"),
        ] {
            let error = error(403, challenge, body);
            assert_eq!((error.code(), error.oauth_error(), error.status()), (ErrorCode::Oauth, Some("insufficient_scope"), Some(403)));
            assert!(error.to_string().starts_with(&format!("userinfo requires the scope {scope}")), "{error}");
            assert!(!error.retryable(), "{error}");
        }
    }

    #[test]
    fn each_other_response_is_its_error() {
        use ErrorCode::{BadResponse, Oauth, ServerUnavailable, WrongEndpoint};

        for (status, body, code) in [
            (200, "", BadResponse),
            (200, "[]", BadResponse),
            (200, "<html>", BadResponse),
            (204, "", BadResponse),
            (302, "", WrongEndpoint),
            (400, "", Oauth),
            (403, "", Oauth),
            (403, "<html>", WrongEndpoint),
            (404, "", WrongEndpoint),
            (429, "", ServerUnavailable),
            (500, "", ServerUnavailable),
        ] {
            let error = error(status, "", body);
            assert_eq!((error.code(), error.status()), (code, Some(status)), "{status} {body}: {error}");
        }
        let no_text =
            Response { status: 200, headers: Headers::from([("content-type", "application/jwt")]), body: Body::Whole(vec![0xFF]) };
        assert_eq!(process(&context(URL, &"t".into(), false, 0), no_text).unwrap_err().code(), BadResponse);
    }

    #[test]
    fn debug_shows_nothing_about_the_user() {
        let received = received(200, &[], r#"{"sub":"canary"}"#).unwrap();
        assert!(!format!("{received:?}").contains("canary"));
    }
}
