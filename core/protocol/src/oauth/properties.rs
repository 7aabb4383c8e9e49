//! What must hold for inputs that no table lists. The inputs are drawn from a seed, the same ones in each run; a failure prints its seed.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use url::form_urlencoded;

use super::authorization_code::AuthorizationCode;
use super::authorization_parameters::{AuthorizationParameters, ResponseMode};
use super::authorization_request::tests::{NOW, request};
use super::client_auth::{ClientAuthentication, Credentials};
use super::endpoint_response::ResponseContext;
use super::grants::{Grant, RefreshParameters};
use super::scope::Scope;
use super::token_set::TokenSet;
use super::{authorization, callback, form};
use crate::error::{Error, ErrorCode, Remedy, Result};
use crate::http::{Body, Response};
use crate::secret::{ClientSecret, Secret};

const NASTY: [char; 20] = ['a', 'Z', '0', ':', '+', '%', '&', '=', ' ', '€', 'ü', '"', '\\', '/', '?', '#', ';', '~', '\u{1F512}', '2'];

/// SplitMix64: good enough to draw inputs, and four lines.
struct Draw {
    seed: u64,
    state: u64,
}

impl Draw {
    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.number() % end as u64).unwrap()
    }

    fn within(&mut self, range: Range<usize>) -> usize {
        range.start + self.below(range.end - range.start)
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn text(&mut self, alphabet: &[char], length: Range<usize>) -> String {
        let length = self.within(length);
        (0..length).map(|_| *self.one(alphabet)).collect()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

impl Drop for Draw {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("seed: {}", self.seed);
        }
    }
}

fn for_seeds(count: u64, property: impl Fn(&mut Draw)) {
    for seed in 0..count {
        property(&mut Draw { seed, state: seed });
    }
}

/// A text as some browser or server might escape it: what could be misread always, all else at times, in either case.
fn escape(draw: &mut Draw, text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' if draw.one_in(2) => escaped.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' if !draw.one_in(8) => escaped.push(char::from(byte)),
            b':' | b'/' | b'?' | b'"' | b';' | b'=' if draw.one_in(2) => escaped.push(char::from(byte)),
            _ if draw.one_in(2) => escaped.push_str(&format!("%{byte:02X}")),
            _ => escaped.push_str(&format!("%{byte:02x}")),
        }
    }
    escaped
}

/// What the rules say about these parameters, in their order.
fn callback_verdict(pairs: &[(String, String)]) -> Result<&str, ErrorCode> {
    let all = |name: &str| pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect::<Vec<_>>();
    let single = |name: &str| all(name).first().copied();
    if authorization::CALLBACK_PARAMETERS.iter().any(|name| all(name).len() > 1) {
        return Err(ErrorCode::CallbackRefused);
    }
    if ["response", "access_token", "id_token"].into_iter().any(|name| single(name).is_some()) {
        return Err(ErrorCode::CallbackRefused);
    }
    if single("state") != Some("drawn-state") {
        return Err(ErrorCode::StateMismatch);
    }
    if single("iss").is_some_and(|issuer| issuer != "https://login.example/realms/r") {
        return Err(ErrorCode::IssuerMismatch);
    }
    match (single("error"), single("code").map(str::trim)) {
        (Some("access_denied"), _) => Err(ErrorCode::AuthorizationDenied),
        (Some("login_required"), _) => Err(ErrorCode::LoginRequired),
        (Some("server_error"), _) => Err(ErrorCode::ServerUnavailable),
        (Some(error), _) if !error.is_empty() => Err(ErrorCode::Oauth),
        (_, Some(code)) if (1..=4096).contains(&code.len()) && code.bytes().all(|byte| (0x20..=0x7E).contains(&byte)) => Ok(code),
        _ => Err(ErrorCode::CallbackRefused),
    }
}

#[test]
fn a_callback_is_judged_the_same_in_any_order_encoding_and_company() {
    let judge = |callback: &str| match callback::check(&request("a").unwrap(), callback, NOW) {
        Ok(code) => Ok(code.code.reveal().to_owned()),
        Err(error) => Err(error.code()),
    };
    for_seeds(1500, |draw| {
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut put = |name: &str, value: String| pairs.push((name.to_owned(), value));
        let state = if draw.one_in(8) { draw.text(&NASTY, 0..20) } else { "drawn-state".to_owned() };
        put("state", state);
        let alphabet: &[char] = if draw.one_in(6) { &NASTY } else { &['c', 'o', 'D', ' ', '.', '+', '~'] };
        put("code", draw.text(alphabet, 0..40));
        for (name, values, chances) in [
            ("iss", &["https://login.example/realms/r", "https://login.example/realms/r", "https://login.example/realms/r/", ""][..], 2),
            ("error", &["access_denied", "login_required", "server_error", "else", ""], 4),
            ("error_description", &["Some words", ""], 4),
            ("session_state", &["a", "b"], 3),
            ("response", &["jwt"], 30),
            ("id_token", &["t"], 30),
        ] {
            if draw.one_in(chances) {
                put(name, (*draw.one(values)).to_owned());
            }
        }
        for _ in 0..draw.below(4) {
            put(&format!("x{}", draw.text(&NASTY, 0..4)), draw.text(&NASTY, 0..30));
        }
        if draw.one_in(5) {
            pairs.push(pairs[draw.below(pairs.len())].clone());
        }
        draw.shuffle(&mut pairs);

        let encoded: Vec<_> = pairs.iter().map(|(name, value)| format!("{}={}", escape(draw, name), escape(draw, value))).collect();
        let query = encoded.join(if draw.one_in(8) { "&&" } else { "&" });
        let before = *draw.one(&["?", "/cb?", "https://app.example/cb?", "https://app.example:443/cb?"]);
        let callback = format!("{before}{query}");
        assert_eq!(judge(&callback), callback_verdict(&pairs).map(str::to_owned), "{callback}");
    });
}

/// A lifetime as JSON, and what it means.
fn lifetime(draw: &mut Draw) -> (Value, Option<i64>) {
    let seconds = i64::try_from(draw.below(400_000_000)).unwrap() - 1_000_000;
    let usable = Some(seconds).filter(|seconds| *seconds <= 315_360_000);
    match draw.below(5) {
        0 => (json!(seconds), usable),
        1 => (json!(seconds.to_string()), usable),
        2 => (json!(seconds as f64 + 0.25), usable),
        3 => (draw.one(&[json!([]), json!({}), json!(true), json!(1e300), json!("1 day"), json!("")]).clone(), None),
        _ => (Value::Null, None),
    }
}

#[test]
fn tokens_are_never_lost_to_what_stands_beside_them() {
    for_seeds(1500, |draw| {
        let (expires_in, life) = lifetime(draw);
        let (refresh_expires_in, refresh_life) = lifetime(draw);
        let mut members = vec![
            ("access_token".to_owned(), json!("an-access-token")),
            ("refresh_token".to_owned(), json!("a refresh token")),
            ("expires_in".to_owned(), expires_in),
            ("refresh_expires_in".to_owned(), refresh_expires_in),
        ];
        let odd = [json!(null), json!(1), json!([1, "a"]), json!({"deep": [[]]}), json!("text €"), json!(false)];
        for name in ["id_token", "scope", "error_description", "session_state", "not-before-policy", "x€\"\\"] {
            if draw.one_in(2) {
                members.push((name.to_owned(), draw.one(&odd).clone()));
            }
        }
        draw.shuffle(&mut members);
        let body: Vec<_> = members.iter().map(|(name, value)| format!("{}: {value}", json!(name))).collect();
        let body = format!(" {{{}}}\n", body.join(" ,"));

        let tokens = completed(&refresh("old"), &body).unwrap();
        assert_eq!(tokens.access_token().reveal(), "an-access-token", "{body}");
        assert_eq!(tokens.refresh_token().unwrap().reveal(), "a refresh token", "{body}");
        assert_eq!(tokens.expires_at(), Some(NOW + life.unwrap_or(300).max(0)), "{body}");
        assert_eq!(tokens.refresh_expires_at(), refresh_life.filter(|life| *life > 0).map(|life| NOW + life), "{body}");
        assert_eq!(TokenSet::restore(tokens.export().reveal()).unwrap(), tokens, "{body}");
    });
}

#[test]
fn a_damaged_answer_never_becomes_another_token() {
    let whole = r#"{"access_token":"a-token","token_type":"bearer","expires_in":300,"refresh_token":"r-token","scope":"a b"}"#;
    for_seeds(1000, |draw| {
        let mut body = whole.as_bytes().to_vec();
        if draw.one_in(2) {
            body.truncate(draw.below(body.len()));
        } else {
            let at = draw.below(body.len());
            body[at] = *draw.one(b"\x00\xFF\"\\{}[],: \n");
        }
        let grant = refresh("old");
        match judge(&grant, 200, &body).and_then(|answer| grant.complete(answer, NOW)) {
            Ok(tokens) => {
                let text = String::from_utf8_lossy(&body).into_owned();
                assert!(text.contains(&format!(r#""access_token":"{}""#, tokens.access_token().reveal())), "{text}");
            }
            Err(error) => {
                let known = [ErrorCode::OutcomeUnknown, ErrorCode::BadResponse, ErrorCode::Unsupported];
                assert!(known.contains(&error.code()), "{error:?}");
            }
        }
    });
}

#[test]
fn every_status_with_every_body_is_an_error_that_tells_the_truth() {
    let mut bodies = vec![String::new(), "<html>".to_owned(), "{}".to_owned(), "[]".to_owned(), r#"{"access_token":"a"}"#.to_owned()];
    for error in ["invalid_grant", "invalid_scope", "invalid_client", "unauthorized_client", "access_denied", "not_allowed", "else"] {
        bodies.push(format!(r#"{{"error":"{error}","error_description":"canary\ncanary"}}"#));
    }
    for status in 200..600 {
        for body in &bodies {
            if let Err(error) = judge(&code("canary"), status, body.as_bytes()) {
                let unspent = status == 429 || (status == 403 && error.oauth_error() == Some("access_denied"));
                assert!(!error.retryable() || unspent, "{status} {body}: {error:?}");
                assert_ne!(error.code(), ErrorCode::OutcomeUnknown, "{status} {body}");
                assert_fit_to_show(&error, status);
            }
            match judge(&refresh("canary"), status, body.as_bytes()) {
                Ok(_) => assert!(status < 300, "{status} {body}"),
                Err(error) => {
                    let dead = matches!(error.oauth_error(), Some("invalid_grant" | "invalid_scope"));
                    let over = dead || error.is_unexplained_refusal();
                    assert_eq!(error.remedy() == Remedy::LogInAgain, over, "{status} {body}: {error:?}");
                    let client = matches!(error.oauth_error(), Some("invalid_client" | "unauthorized_client"));
                    assert!(status < 500 || dead || client || error.code() == ErrorCode::OutcomeUnknown, "{status} {body}: {error:?}");
                    assert_fit_to_show(&error, status);
                }
            }
        }
    }
}

fn assert_fit_to_show(error: &Error, status: u16) {
    let shown = format!("{error} {error:?} {:?}", error.oauth_error_description());
    assert!(!shown.contains("canary") && !error.to_string().contains('\n'), "{shown}");
    assert_eq!(error.status(), Some(status));
}

#[test]
fn any_scope_is_refused_or_sent_as_the_names_it_is_made_of() {
    for_seeds(1500, |draw| {
        let alphabet: &[char] = if draw.one_in(3) { &NASTY } else { &['a', ':', '/', '#', '[', ']', '!', '~', ' '] };
        let text = draw.text(alphabet, 0..20);
        let names: Vec<&str> = text.split(' ').filter(|name| !name.is_empty()).collect();
        let possible = names.iter().all(|name| name.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)));
        match Scope::from(text.as_str()).check("scope") {
            Ok(scope) => assert!(possible && !names.is_empty() && scope.split(' ').eq(names), "{text:?} became {scope:?}"),
            Err(_) => assert!(!possible || names.is_empty(), "{text:?} was refused"),
        }
    });
}

#[test]
fn any_client_id_and_secret_arrive_through_the_form_and_through_basic() {
    let credentials = |id: &str, secret: &str, method| {
        Credentials::new(id.to_owned(), Some(ClientSecret::from(secret)), Some(method))
            .unwrap()
            .request("https://login.example/token", &[("grant_type", "x")])
    };
    let read = |text: &str| form_urlencoded::parse(text.as_bytes()).into_owned().collect::<Vec<_>>();
    for_seeds(500, |draw| {
        let longest = if draw.one_in(10) { 256 } else { 40 };
        let (id, secret) = (draw.text(&NASTY, 1..longest), draw.text(&NASTY, 1..longest));

        let post = credentials(&id, &secret, ClientAuthentication::ClientSecretPost);
        let pairs = [("grant_type", "x"), ("client_id", &id), ("client_secret", &secret)].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(read(post.body.reveal()), pairs);
        let decoded: Vec<_> = form::pairs(post.body.reveal()).map(|(name, value)| (name, form::decode(value).unwrap())).collect();
        assert_eq!(decoded, pairs);

        let basic = credentials(&id, &secret, ClientAuthentication::ClientSecretBasic);
        let header = basic.authorization.unwrap();
        let pair = String::from_utf8(STANDARD.decode(header.reveal().strip_prefix("Basic ").unwrap()).unwrap()).unwrap();
        let (sent_id, sent_secret) = pair.split_once(':').unwrap();
        assert_eq!(read(&format!("{sent_id}={sent_secret}")), [(id, secret)]);
        assert_eq!(basic.body.reveal(), "grant_type=x");
    });
}

#[test]
fn any_pending_login_survives_being_stored() {
    for_seeds(500, |draw| {
        let printable: Vec<char> = (' '..='~').collect();
        let mut parameters = AuthorizationParameters::new(draw.text(&['a', ':', '!'], 1..30)).state(draw.text(&printable, 1..513));
        if draw.one_in(2) {
            parameters = parameters.return_to(draw.text(&NASTY, 1..400)).response_mode(ResponseMode::FormPost);
        }
        for index in 0..draw.below(4) {
            parameters = parameters.extra(format!("x{index}{}", draw.text(&NASTY, 0..5)), draw.text(&NASTY, 1..30));
        }
        let login = request(parameters).unwrap();
        let exported = login.export();
        let restored = authorization::AuthorizationRequest::restore(exported.reveal()).unwrap();
        assert_eq!(restored.export(), exported);
        assert_eq!(restored.url(), login.url());
        assert_eq!(restored.return_to(), login.return_to());
        assert_eq!(restored.state(), login.state());

        let answer = form::encode([("code", "the code"), ("state", login.state())]);
        assert_eq!(callback::check(&restored, &answer, NOW).unwrap().code.reveal(), "the code");
    });
}

fn refresh(token: &str) -> Grant {
    Grant::refresh(RefreshParameters::new(token)).unwrap()
}

fn code(code: &str) -> Grant {
    Grant::code(AuthorizationCode::new(code), None).unwrap()
}

fn judge(grant: &Grant, status: u16, body: &[u8]) -> Result<super::token_set::TokenResponse> {
    let secrets: Vec<Secret> = grant.secrets();
    let asked = ResponseContext {
        grant,
        endpoint: "https://login.example/token",
        authentication: ClientAuthentication::ClientSecretPost,
        is_keycloak: true,
        secrets: &secrets,
    };
    asked.judge(&Response { status, retry_after: None, body: Body::Whole(body.to_vec()) })
}

fn completed(grant: &Grant, body: &str) -> Result<TokenSet> {
    grant.complete(judge(grant, 200, body.as_bytes())?, NOW)
}
