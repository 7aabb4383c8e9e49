//! The input is a callback; it is judged for several pending logins.

use url::form_urlencoded::parse;

use crate::oauth::authorization::{AuthorizationRequest, CALLBACK_PARAMETERS};
use crate::oauth::authorization_parameters::AuthorizationParameters;
use crate::oauth::{callback, form};
use crate::{CODE_VERIFIER, NOW, assert_fit_to_show, pending};

/// Redirect URIs, and whether the server has announced that it sends `iss`.
const LOGINS: [(&str, bool); 5] = [
    ("https://app.example/cb", false),
    ("https://app.example/cb", true),
    ("https://app.example/cb?own=1", false),
    ("http://127.0.0.1:9999", false),
    ("com.example.app:/cb", false),
];

/// A code comes out only where the state is right and nothing is doubled, it is the code that was sent, and it does so once.
pub fn check(input: &str) {
    let readings = readings(input);
    for (redirect_uri, iss_required) in LOGINS {
        let login = pending(iss_required, AuthorizationParameters::new("a").redirect_uri(redirect_uri)).expect("a good redirect URI");
        judge(&login, input, &readings, iss_required);
    }
    let late = pending(false, "a".into()).expect("good parameters");
    assert!(callback::check(&late, input, NOW + 1800).is_err(), "a callback after the end was accepted");
    order_does_not_matter(input);
}

fn judge(login: &AuthorizationRequest, input: &str, readings: &[Parameters], iss_required: bool) {
    match callback::check(login, input, NOW) {
        Ok(code) => {
            let agrees = |parameters: &&Parameters| {
                parameters.only("code").map(str::trim) == Some(code.code.reveal())
                    && parameters.only("state") == Some(login.state())
                    && parameters.is_answer(iss_required)
            };
            assert!(readings.iter().any(|parameters| agrees(&parameters)), "no reading of the callback has this code");
            assert!((1..=4096).contains(&code.code.reveal().len()));
            assert!(code.code.reveal().bytes().all(|byte| (0x20..=0x7E).contains(&byte)));
            assert_eq!(code.redirect_uri.as_deref(), Some(login.redirect_uri()));
            assert_eq!(code.code_verifier.as_ref().map(|verifier| verifier.reveal()), Some(CODE_VERIFIER));
            assert!(login.take().is_err(), "the single use was not taken");
        }
        Err(error) => {
            let code = readings.first().and_then(|parameters| parameters.only("code"));
            let canary =
                code.filter(|code| code.starts_with("canary") && readings.iter().all(|parameters| parameters.only("code") == Some(code)));
            let verifier = Some(CODE_VERIFIER).filter(|verifier| !readings.iter().any(|parameters| parameters.say(verifier)));
            assert_fit_to_show(&error, &canary.into_iter().chain(verifier).collect::<Vec<_>>());
            assert!(login.take().is_ok(), "a callback that was refused used the login up");
        }
    }
}

fn order_does_not_matter(input: &str) {
    if input.contains(['?', '#', ':', '/']) || input.is_empty() || callback::unwrapped(input) != input {
        return;
    }
    let verdict = |callback: &str| match callback::check(&pending(false, "a".into()).expect("good parameters"), callback, NOW) {
        Ok(code) => Ok(code.code),
        Err(error) => Err(error.code()),
    };
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
    /// The value of a parameter that is there once.
    fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        values.next().filter(|_| values.next().is_none())
    }

    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    fn say(&self, text: &str) -> bool {
        self.0.iter().any(|(_, value)| value.contains(text))
    }

    fn is_answer(&self, iss_required: bool) -> bool {
        let issuer = self.only("iss");
        CALLBACK_PARAMETERS.iter().all(|name| !self.has(name) || self.only(name).is_some())
            && ["response", "access_token", "id_token"].iter().all(|name| !self.has(name))
            && self.only("error").is_none_or(str::is_empty)
            && if iss_required || issuer.is_some() { issuer == Some("https://login.example/realms/r") } else { true }
    }
}

/// The input as a bare query, and as what stands behind its first question mark.
fn readings(input: &str) -> Vec<Parameters> {
    let query = callback::unwrapped(input).split('#').next().unwrap_or_default();
    let behind = query.split_once('?').map(|(_, query)| query);
    let trimmed = |query: &str| {
        let pair = |pair: &str| {
            pair.split_once('=').map_or_else(|| form::trimmed(pair).to_owned(), |(name, value)| [name, value].map(form::trimmed).join("="))
        };
        query.split('&').map(pair).collect::<Vec<_>>().join("&")
    };
    [Some(query), behind].into_iter().flatten().map(|query| Parameters(parse(trimmed(query).as_bytes()).into_owned().collect())).collect()
}
