//! The input is a callback. It is judged for several authorization requests.

use sipgate_oauth2_protocol::error::{ErrorCode, Result};
use sipgate_oauth2_protocol::oauth::authorization_parameters::AuthorizationParameters;
use sipgate_oauth2_protocol::oauth::authorization_request::AuthorizationRequest;
use sipgate_oauth2_protocol::oauth::authorization_response;
use sipgate_oauth2_protocol::oauth::form;
use sipgate_oauth2_protocol::oauth::grants::TokenRequest;
use url::form_urlencoded::parse;

use crate::{CODE_VERIFIER, ISSUER, NOW, STATE, assert_fit_to_show, authorization_request};

/// Redirect URIs, and whether the server has announced that it sends `iss`.
const REQUESTS: [(&str, bool); 5] = [
    ("https://app.example/cb", false),
    ("https://app.example/cb", true),
    ("https://app.example/cb?own=1", false),
    ("http://127.0.0.1:9999", false),
    ("com.example.app:/cb", false),
];

/// Parameters that a response may have once.
const PARAMETERS: [&str; 8] = ["state", "code", "iss", "error", "error_description", "error_uri", "session_state", "response"];

/// A code is accepted only if the state is right and nothing is repeated; it is the code that was
/// sent; and it is accepted once. If the input can be read in one way only, the verdict is that of
/// the rules.
pub fn check(input: &str) {
    let readings = readings(input);
    for (redirect_uri, iss_required) in REQUESTS {
        let parameters = AuthorizationParameters::new("a").redirect_uri(redirect_uri);
        let request = authorization_request(iss_required, parameters).expect("a good redirect URI");
        judge(&request, input, &readings, iss_required);
    }
    let late = authorization_request(false, "a".into()).expect("good parameters");
    assert!(authorization_response::check(&late, input, NOW + 1800).is_err(), "a response after the expiry was accepted");
    order_does_not_matter(input);
    if let Some(expected) = rules(input) {
        assert_eq!(verdict(input), expected);
    }
}

/// What the rules say about the input, in their order, if it can be read in one way only.
pub fn rules(input: &str) -> Option<Result<String, ErrorCode>> {
    if authorization_response::unwrapped(input) != input || input.len() > 16 * 1024 || input.contains('#') {
        return None;
    }
    let prefixes = ["https://app.example/cb?", "https://app.example:443/cb?", "/cb?", "?"];
    let begins_with_a_name = || {
        let (name, _) = input.split_once('=')?;
        name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_').then_some(input)
    };
    let query = prefixes.iter().find_map(|prefix| input.strip_prefix(prefix)).or_else(begins_with_a_name)?;
    let parameters = Parameters::read(query);
    let mut escapes = query.split('%').skip(1);
    let is_escape = |text: &str| text.len() >= 2 && text.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !escapes.all(is_escape) || parameters.say("\u{fffd}") {
        return None;
    }
    let first = |name| parameters.all(name).next();
    let refused = Some(Err(ErrorCode::CallbackRefused));
    if PARAMETERS.iter().any(|name| parameters.all(name).count() > 1) {
        return refused;
    }
    if ["response", "access_token", "id_token"].iter().any(|name| parameters.has(name)) {
        return refused;
    }
    if first("state") != Some(STATE) {
        return Some(Err(ErrorCode::StateMismatch));
    }
    if first("iss").is_some_and(|issuer| issuer != ISSUER) {
        return Some(Err(ErrorCode::IssuerMismatch));
    }
    match (first("error").filter(|error| !error.is_empty()), first("code").map(str::trim)) {
        (Some(error), _) => of_an_error(error).map(Err),
        (None, Some(code)) if (1..=4096).contains(&code.len()) && code.bytes().all(|byte| (0x20..=0x7E).contains(&byte)) => {
            Some(Ok(code.to_owned()))
        }
        _ => refused,
    }
}

/// Nothing for a known error that is written in another way.
fn of_an_error(error: &str) -> Option<ErrorCode> {
    const KNOWN: [(&str, ErrorCode); 7] = [
        ("access_denied", ErrorCode::AuthorizationDenied),
        ("login_required", ErrorCode::LoginRequired),
        ("interaction_required", ErrorCode::LoginRequired),
        ("consent_required", ErrorCode::LoginRequired),
        ("account_selection_required", ErrorCode::LoginRequired),
        ("server_error", ErrorCode::ServerUnavailable),
        ("temporarily_unavailable", ErrorCode::ServerUnavailable),
    ];
    let known = KNOWN.iter().find(|(name, _)| error.to_ascii_lowercase().contains(name));
    match known {
        Some((name, code)) => (*name == error).then_some(*code),
        None => Some(ErrorCode::Oauth),
    }
}

fn verdict(callback: &str) -> Result<String, ErrorCode> {
    let request = authorization_request(false, "a".into()).expect("good parameters");
    match authorization_response::check(&request, callback, NOW) {
        Ok(code) => Ok(parameter(&TokenRequest::code(code, None).expect("a good code"), "code")),
        Err(error) => Err(error.code()),
    }
}

fn judge(request: &AuthorizationRequest, input: &str, readings: &[Parameters], iss_required: bool) {
    let once_more = |request| authorization_response::check(request, &format!("state={STATE}&iss={ISSUER}&code=c"), NOW);
    match authorization_response::check(request, input, NOW) {
        Ok(code) => {
            let exchange = TokenRequest::code(code, None).expect("a good code");
            let code = parameter(&exchange, "code");
            let agrees = |parameters: &&Parameters| {
                parameters.only("code").map(str::trim) == Some(&code)
                    && parameters.only("state") == Some(request.state())
                    && parameters.is_response(iss_required)
            };
            assert!(readings.iter().any(|parameters| agrees(&parameters)), "no reading of the callback has this code");
            assert!((1..=4096).contains(&code.len()) && code.bytes().all(|byte| (0x20..=0x7E).contains(&byte)));
            assert_eq!(parameter(&exchange, "redirect_uri"), request.redirect_uri());
            assert_eq!(parameter(&exchange, "code_verifier"), CODE_VERIFIER);
            let used = once_more(request).expect_err("the single use was not taken");
            assert_eq!(used.code(), ErrorCode::LoginAlreadyUsed);
        }
        Err(error) => {
            let code = readings.first().and_then(|parameters| parameters.only("code"));
            let canary =
                code.filter(|code| code.starts_with("canary") && readings.iter().all(|parameters| parameters.only("code") == Some(code)));
            let verifier = Some(CODE_VERIFIER).filter(|verifier| !readings.iter().any(|parameters| parameters.say(verifier)));
            assert_fit_to_show(&error, &canary.into_iter().chain(verifier).collect::<Vec<_>>());
            assert!(once_more(request).is_ok(), "a response that was refused used the request up");
        }
    }
}

fn parameter(exchange: &TokenRequest, name: &str) -> String {
    exchange.request().parameter(name).map(|value| value.reveal().to_owned()).unwrap_or_default()
}

fn order_does_not_matter(input: &str) {
    if input.contains(['?', '#', ':', '/']) || input.is_empty() || authorization_response::unwrapped(input) != input {
        return;
    }
    let mut pairs: Vec<&str> = input.split('&').collect();
    pairs.push("unknown=1");
    pairs.reverse();
    let reversed = pairs.join("&");
    if reversed.len() <= 16 * 1024 {
        assert_eq!(verdict(input), verdict(&reversed));
    }
}

struct Parameters(Vec<(String, String)>);

impl Parameters {
    fn read(query: &str) -> Self {
        let pair = |pair: &str| {
            pair.split_once('=').map_or_else(|| form::trimmed(pair).to_owned(), |(name, value)| [name, value].map(form::trimmed).join("="))
        };
        let trimmed = query.split('&').map(pair).collect::<Vec<_>>().join("&");
        Self(parse(trimmed.as_bytes()).into_owned().collect())
    }

    fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that is there once.
    fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        values.next().filter(|_| values.next().is_none())
    }

    fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    fn say(&self, text: &str) -> bool {
        self.0.iter().any(|(_, value)| value.contains(text))
    }

    fn is_response(&self, iss_required: bool) -> bool {
        let issuer = self.only("iss");
        PARAMETERS.iter().all(|name| !self.has(name) || self.only(name).is_some())
            && ["response", "access_token", "id_token"].iter().all(|name| !self.has(name))
            && self.only("error").is_none_or(str::is_empty)
            && if iss_required || issuer.is_some() { issuer == Some(ISSUER) } else { true }
    }
}

/// The input as a bare query, and as what follows its first question mark.
fn readings(input: &str) -> Vec<Parameters> {
    let query = authorization_response::unwrapped(input).split('#').next().unwrap_or_default();
    let behind = query.split_once('?').map(|(_, query)| query);
    [Some(query), behind].into_iter().flatten().map(Parameters::read).collect()
}
