//! Judging authorization responses (RFC 6749, section 4.1.2; RFC 9207). The order of the rules
//! matters.

use subtle::ConstantTimeEq;
use url::Url;

use super::authorization_code::AuthorizationCode;
use super::authorization_request::{AuthorizationRequest, CALLBACK_PARAMETERS, Parts};
use super::endpoint_response::{clean, explain};
use super::error_code::code_and_words;
use super::syntax::is_code;
use super::{form, uri};
use crate::error::{Error, ErrorCode, OauthError, Remedy, Result, with_oauth};
use crate::secret::Secret;

const MAX_LENGTH: usize = 16 * 1024;

/// Parameters of the implicit and hybrid flows and of signed responses: none was requested.
const FOREIGN_PARAMETERS: [&str; 3] = ["response", "access_token", "id_token"];

/// Parameters that are shown at most. Nothing depends on them.
const TO_SHOW: [&str; 3] = ["error_description", "error_uri", "session_state"];

/// The code of an authorization response to this request, or the error that it is. A code takes the
/// request's single use. A response that is refused leaves it.
///
/// # Errors
///
/// Those of the checks, and what the server says.
pub fn check(request: &AuthorizationRequest, callback: &str, now: i64) -> Result<AuthorizationCode> {
    let parameters = Parameters::of(request.parts(), callback)?;
    request.check_unused()?;
    let code = parameters.code(request.parts(), now)?;
    request.take()?;
    Ok(code)
}

/// The same if the single use is kept in a store, for all processes.
///
/// # Errors
///
/// As [`check`].
pub fn check_shared(request: &AuthorizationRequest, callback: &str, now: i64) -> Result<AuthorizationCode> {
    Parameters::of(request.parts(), callback)?.code(request.parts(), now)
}

/// Whether a query has the `state` of this request: then it is a response to it, good or bad, and
/// else anybody may have sent it.
pub fn has_state(request: &AuthorizationRequest, query: &str) -> bool {
    let states = form::pairs(query).filter(|(name, _)| name == "state");
    states.filter_map(|(_, value)| form::decode(value)).any(|state| state.as_bytes().ct_eq(request.state().as_bytes()).into())
}

/// A callback as it was before it was copied: without white space, quotes or angle brackets around
/// it.
pub fn unwrapped(callback: &str) -> &str {
    let callback = form::trimmed(callback);
    let inside = |open, close| callback.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    inside('<', '>').or_else(|| inside('"', '"')).or_else(|| inside('\'', '\'')).map_or(callback, form::trimmed)
}

/// The query of a callback to an address that is not known.
pub(crate) fn query(callback: &str) -> &str {
    let callback = callback.split('#').next().unwrap_or_default();
    let is_address = |before: &str| before.is_empty() || before.starts_with('/') || scheme(before).is_some();
    callback.split_once('?').filter(|(before, _)| is_address(before)).map_or(callback, |(_, query)| query)
}

struct Parameters(Vec<(String, Secret)>);

impl Parameters {
    fn of(request: &Parts, callback: &str) -> Result<Self> {
        let parameters = Self::read(request, callback)?;
        parameters.check_state(request)?;
        Ok(parameters)
    }

    fn code(&self, request: &Parts, now: i64) -> Result<AuthorizationCode> {
        request.check_time(now)?;
        self.check_issuer(request)?;
        if let Some(error) = self.get("error").filter(|error| !error.is_empty()) {
            return Err(self.error(error));
        }
        let code = self.get("code").ok_or_else(|| refused("has neither code nor error"))?.trim();
        if !is_code(code) {
            return Err(refused("has a code that is empty, too long or not printable ASCII"));
        }
        Ok(AuthorizationCode::new(code)
            .code_verifier(request.code_verifier.as_str())
            .redirect_uri(&request.redirect_uri)
            .scope(request.scope.as_str())
            .id_token(request.id_token_requirements()))
    }

    fn read(request: &Parts, callback: &str) -> Result<Self> {
        let callback = unwrapped(callback);
        if callback.is_empty() {
            return Err(refused("is empty").with_remedy(Remedy::LogInAgain));
        }
        if callback.len() > MAX_LENGTH {
            return Err(refused("is longer than 16 KiB"));
        }
        let (callback, fragment) = callback.split_once('#').unwrap_or((callback, ""));
        let expected = parsed(&request.redirect_uri).expect("checked when the request was made or restored");
        let (address, query) = Address::split(callback, &expected);
        let mut parameters = Self(Vec::new());
        for (name, value) in form::pairs(query) {
            let value = match () {
                () if TO_SHOW.contains(&name.as_str()) => form::decode_to_show(value),
                () if CALLBACK_PARAMETERS.contains(&name.as_str()) => form::decode(value)
                    .ok_or_else(|| refused(format_args!("has a broken percent-escape or something that is not UTF-8 in {name}")))?,
                () if FOREIGN_PARAMETERS.contains(&name.as_str()) => String::new(),
                () => continue,
            };
            parameters.0.push((name, Secret::from(value)));
        }
        check_fragment(fragment)?;
        address.check(&expected)?;
        for name in CALLBACK_PARAMETERS {
            if parameters.0.iter().filter(|(known, _)| known == name).count() > 1 {
                return Err(refused(format_args!("has {name} more than once")));
            }
        }
        if let Some(name) = FOREIGN_PARAMETERS.into_iter().find(|name| parameters.get(name).is_some()) {
            return Err(refused(format_args!("has {name}, which was not requested")));
        }
        Ok(parameters)
    }

    fn check_state(&self, request: &Parts) -> Result<()> {
        let same = self.get("state").is_some_and(|state| state.as_bytes().ct_eq(request.state.as_bytes()).into());
        if same {
            return Ok(());
        }
        Err(Error::new(
            ErrorCode::StateMismatch,
            "state: missing or not that of this authorization request; look the request up in the browser's own session and log in again",
        ))
    }

    fn check_issuer(&self, request: &Parts) -> Result<()> {
        match self.get("iss") {
            Some(issuer) if issuer == request.issuer => Ok(()),
            None if !request.iss_required => Ok(()),
            None => Err(Error::new(ErrorCode::IssuerMismatch, "iss: missing, though this server always sends it; log in again")),
            Some(_) => Err(Error::new(
                ErrorCode::IssuerMismatch,
                format!(
                    "iss: is not {}; check the server's address in the client's configuration, or another server's response was passed on",
                    request.issuer
                ),
            )),
        }
    }

    /// RFC 6749, section 4.1.2.1; OpenID Connect Core, section 3.1.2.6.
    fn error(&self, error: &str) -> Error {
        let known: Vec<&str> = ["code", "state"].into_iter().filter_map(|name| self.get(name)).collect();
        let (error, words) = code_and_words(error);
        let description = self.get("error_description").or(Some(words).filter(|words| !words.is_empty()));
        let oauth = OauthError {
            error: clean(&error, &known),
            description: description.map(|text| clean(text, &known)),
            uri: self.get("error_uri").map(|text| clean(text, &known)),
        };
        let (code, message) = match error.as_str() {
            "access_denied" => (ErrorCode::AuthorizationDenied, "the user denied access; show this and let them retry"),
            "login_required" | "interaction_required" | "consent_required" | "account_selection_required" => {
                (ErrorCode::LoginRequired, "the server needs the user for this login; log in again without prompt=none")
            }
            "server_error" | "temporarily_unavailable" => {
                (ErrorCode::ServerUnavailable, "the server cannot log users in at the moment; try again later")
            }
            _ => (ErrorCode::Oauth, "the server refused the authorization request; check the client's scopes and settings"),
        };
        with_oauth(Error::new(code, explain(message, &oauth)), oauth)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.reveal())
    }
}

fn check_fragment(fragment: &str) -> Result<()> {
    let names = fragment.split('&').map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    match names.into_iter().find(|name| CALLBACK_PARAMETERS.contains(name) || FOREIGN_PARAMETERS.contains(name)) {
        Some(name) => Err(refused(format_args!("has {name} in its fragment, where no response was requested"))),
        None => Ok(()),
    }
}

/// What precedes the query.
enum Address<'a> {
    Absolute(&'a str),
    Path(&'a str),
    None,
}

impl<'a> Address<'a> {
    fn split(callback: &'a str, expected: &Url) -> (Self, &'a str) {
        let (address, query) = callback.split_once('?').unwrap_or((callback, ""));
        if is_absolute(address, expected) {
            (Self::Absolute(address), query)
        } else if address.starts_with('/') {
            (Self::Path(address), query)
        } else {
            (Self::None, if address.is_empty() { query } else { callback })
        }
    }

    fn check(&self, expected: &Url) -> Result<()> {
        match *self {
            Self::Absolute(address) => {
                let came = parsed(address).ok_or_else(|| refused("is not a URL"))?;
                if !(came.path() == expected.path() || both_bare(&came, expected)) {
                    return Err(refused("is for another address than the redirect URI"));
                }
                if !uri::same_origin(&came, expected) {
                    return Err(Error::invalid_argument(
                        "callback",
                        "has the path of the redirect URI but another scheme, host or port; behind a proxy pass path and query only, else correct redirect_uri",
                    ));
                }
            }
            Self::Path(path) => {
                let mut came = expected.clone();
                came.set_path(&uri::with_plain_escapes(path));
                if came.path() != expected.path() {
                    return Err(refused("is for another path than the redirect URI"));
                }
            }
            Self::None => {}
        }
        Ok(())
    }
}

fn is_absolute(address: &str, expected: &Url) -> bool {
    scheme(address).is_some_and(|(scheme, rest)| rest.starts_with("//") || scheme.eq_ignore_ascii_case(expected.scheme()))
}

/// The scheme of an address, and what follows its colon (RFC 3986, section 3.1).
fn scheme(address: &str) -> Option<(&str, &str)> {
    address.split_once(':').filter(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b))
    })
}

fn parsed(address: &str) -> Option<Url> {
    Url::parse(&uri::with_plain_escapes(address)).ok()
}

fn both_bare(one: &Url, other: &Url) -> bool {
    matches!(one.path(), "" | "/") && matches!(other.path(), "" | "/")
}

fn refused(problem: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::CallbackRefused, format!("callback: {problem}; do not use it, the user can log in again"))
}

#[cfg(test)]
mod tests {
    use super::super::authorization_parameters::AuthorizationParameters;
    use super::super::authorization_request::tests::{NOW, request, request_with_iss};
    use super::*;

    fn judge(callback: &str) -> Result<AuthorizationCode> {
        check(&request("a").unwrap(), callback, NOW)
    }

    fn code_of(callback: &str) -> ErrorCode {
        judge(callback).unwrap_err().code()
    }

    #[test]
    fn every_form_of_a_callback_gives_the_code() {
        for callback in [
            "https://app.example/cb?state=drawn-state&code=the+code",
            "https://app.example:443/cb?code=the%20code&session_state=x&state=drawn-state&unknown=1&unknown=2",
            "/cb?state=drawn-state&code=the+code",
            "?state=drawn-state&code=the+code",
            "state=drawn-state&code=the+code",
            "state=drawn-state&code=the+code#_=_",
            "state=drawn-state&iss=https%3A%2F%2Flogin.example%2Frealms%2Fr&code=the+code",
            "redirect=https://elsewhere.example/?a=1&state=drawn-state&code=the+code",
        ] {
            assert_eq!(judge(callback).unwrap().code.reveal(), "the code", "{callback}");
        }
    }

    #[test]
    fn a_response_to_this_request_is_known_by_its_state() {
        let request = request("a").unwrap();
        for query in ["state=drawn-state", "code=c&state=drawn%2Dstate&state=x", "error=access_denied&state=drawn-state"] {
            assert!(has_state(&request, query), "{query}");
        }
        for query in ["", "state", "state=", "state=x&code=drawn-state", "STATE=drawn-state", "state=drawn-state%"] {
            assert!(!has_state(&request, query), "{query}");
        }
    }

    #[test]
    fn what_is_not_the_response_to_this_request_is_refused() {
        for callback in [
            "https://app.example/other?state=drawn-state&code=c",
            "/other?state=drawn-state&code=c",
            "//app.example/cb?state=drawn-state&code=c",
            "state=drawn-state&code=%ff",
            "state=drawn-state&code=c&iss=%zz",
            "state=drawn-state&code=c&error=%ff",
            "state=drawn-state&code=c&code=c",
            "state=drawn-state&state=drawn-state&code=c",
            "state=drawn-state&code=c&iss=&iss=",
            "state=drawn-state&code=c&response=jwt",
            "state=drawn-state&code=c&access_token=t",
            "state=drawn-state&code=c&id_token=t",
            "state=drawn-state&code=c#access_token=t",
            "state=drawn-state",
            "state=drawn-state&code=",
            "state=drawn-state&code=%C3%A4",
        ] {
            assert_eq!(code_of(callback), ErrorCode::CallbackRefused, "{callback}");
        }
        assert_eq!(code_of(&format!("state=drawn-state&code={}", "c".repeat(4097))), ErrorCode::CallbackRefused);
        assert_eq!(code_of(&format!("state=drawn-state&code=c&x={}", "c".repeat(16 * 1024))), ErrorCode::CallbackRefused);
    }

    #[test]
    fn another_origin_with_our_path_is_a_matter_of_configuration() {
        for callback in ["http://app.example/cb?state=drawn-state&code=c", "https://inner.example:8080/cb?state=drawn-state&code=c"] {
            let error = judge(callback).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument);
            assert!(error.to_string().contains("behind a proxy"), "{error}");
        }
    }

    #[test]
    fn a_bare_origin_is_its_root() {
        let request = request(AuthorizationParameters::new("a").redirect_uri("http://127.0.0.1:9999")).unwrap();
        assert!(check(&request, "http://127.0.0.1:9999?state=drawn-state&code=c", NOW).is_ok());
    }

    #[test]
    fn a_private_scheme_is_compared_too() {
        let request = request(AuthorizationParameters::new("a").redirect_uri("com.example.app:/cb")).unwrap();
        assert_eq!(check(&request, "com.example.app:/other?state=drawn-state&code=c", NOW).unwrap_err().code(), ErrorCode::CallbackRefused);
        assert!(check(&request, "com.example.app:/cb?state=drawn-state&code=c", NOW).is_ok());
    }

    #[test]
    fn a_wrong_state_precedes_an_error_and_leaves_the_request_usable() {
        let request = request("a").unwrap();
        for callback in ["error=access_denied", "error=access_denied&state=x", "state=&code=c", "code=c", "state=drawn-stat&code=c"] {
            assert_eq!(check(&request, callback, NOW).unwrap_err().code(), ErrorCode::StateMismatch, "{callback}");
        }
        assert!(check(&request, "state=drawn-state&code=c", NOW).is_ok());
        assert_eq!(check(&request, "state=drawn-state&code=c", NOW).unwrap_err().code(), ErrorCode::LoginAlreadyUsed);
    }

    #[test]
    fn a_refused_response_leaves_the_request_usable() {
        let request = request_with_iss();
        let rest = "&iss=https://login.example/realms/r";
        for callback in [
            "",
            "favicon.ico",
            "/other?state=drawn-state&code=c",
            "state=drawn-state&code=c",
            "state=drawn-state&code=c&iss=x",
            &format!("state=drawn-state{rest}"),
            &format!("state=drawn-state&code=%0A{rest}"),
            &format!("state=drawn-state&error=access_denied{rest}"),
            &format!("state=drawn-state&error=server_error{rest}"),
        ] {
            let error = check(&request, callback, NOW).unwrap_err();
            assert!(![ErrorCode::LoginAlreadyUsed, ErrorCode::InvalidArgument].contains(&error.code()), "{callback}: {error:?}");
        }
        assert_eq!(check(&request, &format!("state=drawn-state&code=c{rest}"), NOW + 1800).unwrap_err().code(), ErrorCode::LoginExpired);
        assert!(check(&request, &format!("state=drawn-state&code=c{rest}"), NOW).is_ok());
        assert_eq!(check(&request, "state=drawn-state&error=x", NOW).unwrap_err().code(), ErrorCode::LoginAlreadyUsed);
    }

    #[test]
    fn what_was_copied_with_something_around_it_is_read() {
        for callback in [
            " https://app.example/cb?state=drawn-state&code=c\n",
            "\u{feff}state=drawn-state&code=c\r\n",
            "code=c&state=drawn-state\u{a0}",
            "<https://app.example/cb?state=drawn-state&code=c>",
            "\"/cb?state=drawn-state&code=c\" ",
            "' state=drawn-state&code=c '",
            "code=c &state=drawn-state",
            "state= drawn-state\n&code=c",
            "state=drawn-state&code=c+",
            "state=drawn-state&code=c%0D%0A",
        ] {
            assert_eq!(judge(callback).unwrap().code.reveal(), "c", "{callback:?}");
        }
        assert_eq!(code_of("state=drawn-state+&code=c"), ErrorCode::StateMismatch);
        assert_eq!(code_of(" \n"), ErrorCode::CallbackRefused);
    }

    #[test]
    fn only_what_is_used_must_be_well_formed() {
        for callback in [
            "state=drawn-state&code=c&utm=100%",
            "state=drawn-state&code=c&%=%ff&f%FCr=%",
            "state=drawn-state&code=c&error_description=%zz&error_uri=%ff&session_state=%",
        ] {
            assert!(judge(callback).is_ok(), "{callback}");
        }
        let denied = judge("state=drawn-state&error=access_denied&error_description=f%FCr+100%").unwrap_err();
        assert_eq!((denied.code(), denied.oauth_error_description()), (ErrorCode::AuthorizationDenied, Some("für 100%")));
        let words = judge("state=drawn-state&error=Access_Denied:+not+today").unwrap_err();
        assert_eq!((words.code(), words.oauth_error_description()), (ErrorCode::AuthorizationDenied, Some("not today")));
    }

    #[test]
    fn an_address_may_be_written_in_several_ways() {
        let judge = |redirect_uri: &str, callback: &str| {
            let request = request(AuthorizationParameters::new("a").redirect_uri(redirect_uri)).unwrap();
            check(&request, &format!("{callback}?state=drawn-state&code=c"), NOW).map(|_| ()).map_err(|error| error.code())
        };
        for (redirect_uri, same) in [
            ("https://app.example/zur%C3%BCck", "https://APP.example:443/zur%c3%bcck"),
            ("https://app.example/zurück", "/zur%c3%bcck"),
            ("https://app.example/%7Eme", "https://app.example/~me"),
            ("https://app.example/a-b", "/%61%2db"),
            ("https://app.example/a/./b/../cb", "https://app.example/a/cb"),
            ("https://app.example/cb", "/x/%2e%2E/cb"),
            ("https://bücher.example/cb", "https://xn--bcher-kva.example/cb"),
            ("com.example.app://Login/cb", "COM.example.app://login/%63b"),
        ] {
            assert_eq!(judge(redirect_uri, same), Ok(()), "{redirect_uri} {same}");
            assert_eq!(judge(same.strip_prefix('/').map_or(same, |_| redirect_uri), redirect_uri), Ok(()), "{redirect_uri} {same}");
        }
        assert_eq!(judge("https://app.example/a%2Fb", "https://app.example/a/b"), Err(ErrorCode::CallbackRefused));
        assert_eq!(judge("https://app.example/a%20b", "https://app.example/a%2520b"), Err(ErrorCode::CallbackRefused));
    }

    #[test]
    fn a_request_expires_after_half_an_hour() {
        assert!(check(&request("a").unwrap(), "state=drawn-state&code=c", NOW + 1799).is_ok());
        assert_eq!(check(&request("a").unwrap(), "state=drawn-state&code=c", NOW + 1800).unwrap_err().code(), ErrorCode::LoginExpired);
    }

    #[test]
    fn the_issuer_is_compared_byte_for_byte_also_beside_an_error() {
        for callback in [
            "state=drawn-state&iss=https://login.example/realms/r/&code=c",
            "state=drawn-state&iss=&code=c",
            "state=drawn-state&iss=x&error=access_denied",
        ] {
            assert_eq!(code_of(callback), ErrorCode::IssuerMismatch, "{callback}");
        }
    }

    #[test]
    fn errors_win_over_codes_and_have_their_kind() {
        for (error, code) in [
            ("access_denied", ErrorCode::AuthorizationDenied),
            ("login_required", ErrorCode::LoginRequired),
            ("interaction_required", ErrorCode::LoginRequired),
            ("consent_required", ErrorCode::LoginRequired),
            ("account_selection_required", ErrorCode::LoginRequired),
            ("server_error", ErrorCode::ServerUnavailable),
            ("temporarily_unavailable", ErrorCode::ServerUnavailable),
            ("invalid_scope", ErrorCode::Oauth),
        ] {
            let failure = judge(&format!("state=drawn-state&code=c&error={error}&error_description=Some+words")).unwrap_err();
            assert_eq!(failure.code(), code, "{error}");
            assert_eq!(failure.oauth_error(), Some(error));
            assert_eq!(failure.oauth_error_description(), Some("Some words"));
        }
        assert!(judge("state=drawn-state&code=c&error=").is_ok());
    }

    #[test]
    fn no_code_shows_in_an_error() {
        let error = judge("state=drawn-state&code=canary&error=x&error_description=the+canary+sings").unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"));
    }

    #[test]
    fn a_server_that_announced_iss_must_send_it_also_beside_an_error() {
        let judge = |callback| check(&request_with_iss(), callback, NOW).map_err(|error| error.code());
        assert_eq!(judge("state=drawn-state&code=c").unwrap_err(), ErrorCode::IssuerMismatch);
        assert_eq!(judge("state=drawn-state&error=access_denied").unwrap_err(), ErrorCode::IssuerMismatch);
        assert!(judge("state=drawn-state&code=c&iss=https://login.example/realms/r").is_ok());
    }

    #[test]
    fn a_callback_is_read_up_to_16_kib() {
        let padded = |length: usize| format!("state=drawn-state&code=c&x={:x<1$}", "", length - "state=drawn-state&code=c&x=".len());
        assert!(judge(&padded(16 * 1024)).is_ok());
        assert!(judge(&padded(16 * 1024 + 1)).unwrap_err().to_string().contains("16 KiB"));
    }

    #[test]
    fn an_empty_path_is_the_root_also_in_a_private_scheme() {
        let judge = |redirect_uri: &str, callback: &str| {
            let request = request(AuthorizationParameters::new("a").redirect_uri(redirect_uri)).unwrap();
            check(&request, &format!("{callback}?state=drawn-state&code=c"), NOW).map_err(|error| error.code())
        };
        assert!(judge("com.example.app://login", "com.example.app://login/").is_ok());
        assert!(judge("com.example.app://login/", "com.example.app://login").is_ok());
        assert_eq!(judge("com.example.app://login", "com.example.app://login/cb").unwrap_err(), ErrorCode::CallbackRefused);
        assert_eq!(judge("com.example.app://login/cb", "com.example.app://login").unwrap_err(), ErrorCode::CallbackRefused);
    }
}
