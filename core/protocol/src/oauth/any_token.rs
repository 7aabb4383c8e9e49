//! A token of a type that the server may find out by itself (RFC 7009, section 2.1; RFC 7662,
//! section 2.1).

use super::syntax::is_refresh_token;
use crate::error::{Error, Result};
use crate::secret::{AccessToken, RefreshToken, Secret};

/// An access token or a refresh token. Made from either, or from a text: the server is then not
/// told the type, and looks for both.
///
/// ```
/// use sipgate_oauth2::{AnyToken, RefreshToken};
///
/// let of_known_type = AnyToken::from(&RefreshToken::from("a refresh token"));
/// let of_unknown_type = AnyToken::from("a token");
/// ```
#[derive(Clone, Debug)]
pub struct AnyToken {
    token: Secret,
    type_hint: Option<&'static str>,
}

impl AnyToken {
    /// The parameters that name the token.
    pub(super) fn parameters(&self) -> Result<Vec<(&'static str, Secret)>> {
        if !is_refresh_token(self.token.reveal()) {
            let problem = "must be 1 to 65536 printable ASCII characters; pass it as the server sent it";
            return Err(Error::invalid_argument("token", problem));
        }
        let type_hint = self.type_hint.map(|hint| ("token_type_hint", hint.into()));
        Ok([("token", self.token.clone())].into_iter().chain(type_hint).collect())
    }
}

impl From<&str> for AnyToken {
    fn from(token: &str) -> Self {
        Self { token: token.into(), type_hint: None }
    }
}

impl From<&AccessToken> for AnyToken {
    fn from(token: &AccessToken) -> Self {
        Self { token: token.reveal().into(), type_hint: Some("access_token") }
    }
}

impl From<&RefreshToken> for AnyToken {
    fn from(token: &RefreshToken) -> Self {
        Self { token: token.reveal().into(), type_hint: Some("refresh_token") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_sent_if_it_is_known() {
        let parameters = |token: AnyToken| {
            let parameters = token.parameters().unwrap();
            parameters.into_iter().map(|(name, value)| format!("{name}={}", value.reveal())).collect::<Vec<_>>()
        };
        assert_eq!(parameters("t".into()), ["token=t"]);
        assert_eq!(parameters((&AccessToken::from("a")).into()), ["token=a", "token_type_hint=access_token"]);
        assert_eq!(parameters((&RefreshToken::from("r 1")).into()), ["token=r 1", "token_type_hint=refresh_token"]);
    }

    #[test]
    fn what_is_no_token_is_refused_and_does_not_show() {
        for bad in [String::new(), "canary\n".into(), "canary\u{e4}".into(), "canary".repeat(11_000)] {
            let token = AnyToken::from(bad.as_str());
            let error = token.parameters().unwrap_err().to_string();
            assert!(error.starts_with("token: ") && !format!("{error}{token:?}").contains("canary"), "{error}");
        }
    }
}
