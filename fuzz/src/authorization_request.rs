//! The input is the parameters of an authorization request, one `name=value` a line: `scope`, `redirect_uri`, `state`, `return_to`, `prompt`,
//! `login_hint`, `ui_locales`; any other name is an extra one.

use std::collections::HashSet;

use url::Url;

use crate::oauth::authorization_parameters::AuthorizationParameters;
use crate::{CODE_VERIFIER, assert_fit_to_show, pending, pending_login};

/// The URL holds each parameter once, with the value that was given, and the pending login survives being stored.
pub fn check(input: &str) {
    let lines: Vec<(&str, &str)> = input.lines().filter_map(|line| line.split_once('=')).collect();
    let login = match pending(false, parameters(&lines)) {
        Ok(login) => login,
        Err(error) => return assert_fit_to_show(&error, &[CODE_VERIFIER]),
    };
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
    pending_login::assert_sound(&login);
}

fn parameters(lines: &[(&str, &str)]) -> AuthorizationParameters {
    let scopes: Vec<&str> = lines.iter().filter(|(name, _)| *name == "scope").map(|(_, value)| *value).collect();
    let others = lines.iter().filter(|(name, _)| *name != "scope");
    others.fold(AuthorizationParameters::new(scopes.into_iter().collect::<crate::oauth::scope::Scope>()), |parameters, (name, value)| {
        match *name {
            "redirect_uri" => parameters.redirect_uri(*value),
            "state" => parameters.state(*value),
            "return_to" => parameters.return_to(*value),
            "prompt" => parameters.prompt(*value),
            "login_hint" => parameters.login_hint(*value),
            "ui_locales" => parameters.ui_locales(*value),
            _ => parameters.extra(*name, *value),
        }
    })
}

/// Set by a setter of its own: given twice, the last counts.
fn is_named(name: &str) -> bool {
    matches!(name, "prompt" | "login_hint" | "ui_locales")
}
