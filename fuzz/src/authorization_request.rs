//! The input is the parameters of an authorization request, one `name=value` per line: `scope`,
//! `redirect_uri`, `state`, `return_to`, `prompt`, `login_hint`, `ui_locales`; any other name is an
//! extra one.

use std::collections::HashSet;

use sipgate_oauth2_protocol::oauth::authorization_parameters::AuthorizationParameters;
use sipgate_oauth2_protocol::oauth::scope::Scope;
use url::Url;

use crate::{CODE_VERIFIER, assert_fit_to_show, authorization_request, authorization_request_restore};

/// The URL has each parameter once, with the value that was given, and the request can be stored. A
/// scope is refused, or sent as the names that it is made of.
pub fn check(input: &str) {
    let lines: Vec<(&str, &str)> = input.lines().filter_map(|line| line.split_once('=')).collect();
    let scopes = lines.iter().filter(|(name, _)| *name == "scope").map(|(_, value)| *value);
    let names: Vec<&str> = scopes.flat_map(|scope| scope.split(' ')).filter(|name| !name.is_empty()).collect();
    let is_character = |byte| matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    let is_scope = !names.is_empty() && names.iter().all(|name| name.bytes().all(is_character));
    let login = match authorization_request(false, parameters(&lines)) {
        Ok(login) => login,
        Err(error) => {
            assert!(!is_scope || !error.to_string().starts_with("scope: "), "{names:?} was refused");
            return assert_fit_to_show(&error, &[CODE_VERIFIER]);
        }
    };
    assert!(is_scope && login.scope().split(' ').eq(names.iter().copied()), "{names:?} became {:?}", login.scope());
    let url = Url::parse(login.url()).expect("an address for a browser");
    let sent: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let names: HashSet<&str> = sent.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names.len(), sent.len(), "{} has a parameter twice", login.url());
    for (name, value) in [
        ("client_id", "1-0-a:r"),
        ("redirect_uri", login.redirect_uri()),
        ("scope", login.scope()),
        ("response_type", "code"),
        ("state", login.state()),
        ("code_challenge_method", "S256"),
    ] {
        assert!(sent.iter().any(|pair| *pair == (name.to_owned(), value.to_owned())), "{} lacks {name}={value}", login.url());
    }
    for (name, value) in lines.iter().filter(|(name, _)| !matches!(*name, "scope" | "redirect_uri" | "state" | "return_to")) {
        assert!(sent.iter().any(|(known, given)| known == name && (given == value || is_named(name))), "{} lacks {name}", login.url());
    }
    assert_eq!(names.contains("nonce"), login.scope().split(' ').any(|name| name == "openid"));
    assert!(input.contains(CODE_VERIFIER) || !login.url().contains(CODE_VERIFIER), "{} shows the verifier", login.url());
    assert!(url.fragment().is_none() && url.host_str() == Some("login.example"));
    authorization_request_restore::assert_sound(&login);
}

fn parameters(lines: &[(&str, &str)]) -> AuthorizationParameters {
    let scopes = lines.iter().filter(|(name, _)| *name == "scope").map(|(_, value)| *value);
    let others = lines.iter().filter(|(name, _)| *name != "scope");
    others.fold(AuthorizationParameters::new(scopes.collect::<Scope>()), |parameters, (name, value)| match *name {
        "redirect_uri" => parameters.redirect_uri(*value),
        "state" => parameters.state(*value),
        "return_to" => parameters.return_to(*value),
        "prompt" => parameters.prompt(*value),
        "login_hint" => parameters.login_hint(*value),
        "ui_locales" => parameters.ui_locales(*value),
        _ => parameters.extra(*name, *value),
    })
}

/// Set by a setter of its own: if it is given twice, the last counts.
fn is_named(name: &str) -> bool {
    matches!(name, "prompt" | "login_hint" | "ui_locales")
}
