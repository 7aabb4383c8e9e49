//! Requests to the endpoints at which the client authenticates: what is sent, and what a failure
//! means for what was sent.

use super::client_auth::Credentials;
use crate::http::Request;
use crate::secret::Secret;

/// Parameters that may show in an error. All others may not.
const PUBLIC_PARAMETERS: [&str; 4] = ["grant_type", "redirect_uri", "scope", "token_type_hint"];

/// A request to one endpoint as a value, before the client's credentials are added.
#[derive(Clone, Debug)]
pub struct EndpointRequest {
    kind: &'static str,
    on_failure: OnFailure,
    parameters: Vec<(&'static str, Secret)>,
    /// Secrets that are not sent, and that a server may still repeat in its words.
    related: Vec<Secret>,
}

/// What a failure means for what the request was made with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// It works once, and the attempt may have used it: an authorization code or a device code.
    SpentByTheAttempt,
    /// It still works unless the server has said that it does not: a refresh token.
    StillGood,
    /// The same request may be sent again at any time: client credentials, or a revocation.
    Repeatable,
    /// The request only reads, so nothing has happened: metadata, keys, or an introspection.
    Harmless,
}

impl EndpointRequest {
    /// `kind` names the endpoint in messages: `token` is for the token endpoint.
    pub(super) fn new(kind: &'static str, on_failure: OnFailure, parameters: Vec<(&'static str, Secret)>) -> Self {
        Self { kind, on_failure, parameters, related: Vec::new() }
    }

    pub(super) fn with_related(mut self, secrets: impl IntoIterator<Item = Secret>) -> Self {
        self.related.extend(secrets);
        self
    }

    /// The HTTP request to the endpoint at this URL.
    pub fn to(&self, url: &str, credentials: &Credentials) -> Request {
        let parameters: Vec<_> = self.parameters.iter().map(|(name, value)| (*name, value.reveal())).collect();
        credentials.request(url, &parameters)
    }

    /// What a failure means for what was sent.
    pub fn on_failure(&self) -> OnFailure {
        self.on_failure
    }

    /// The value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&Secret> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// What must not show in an error about this request, without the client's credentials.
    pub fn secrets(&self) -> Vec<Secret> {
        let sent = self.parameters.iter().filter(|(name, _)| !PUBLIC_PARAMETERS.contains(name)).map(|(_, value)| value);
        sent.chain(&self.related).cloned().collect()
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_secret_unless_it_is_known_to_be_public() {
        let parameters = vec![("grant_type", "x".into()), ("scope", "a".into()), ("assertion", "b".into())];
        let request = EndpointRequest::new("token", OnFailure::Repeatable, parameters).with_related(["c".into()]);
        assert_eq!(request.secrets(), [Secret::from("b"), Secret::from("c")]);
        assert!(!format!("{request:?}").contains("\"b\""));
    }

    #[test]
    fn the_parameters_are_sent_in_order_with_the_credentials() {
        let credentials = Credentials::new("id".into(), None, None).unwrap();
        let parameters = vec![("token", "a b".into()), ("token_type_hint", "refresh_token".into())];
        let request = EndpointRequest::new("revocation", OnFailure::Repeatable, parameters).to("https://a.example/r", &credentials);
        assert_eq!(request.url, "https://a.example/r");
        assert_eq!(request.body.unwrap().reveal(), "token=a+b&token_type_hint=refresh_token&client_id=id");
    }
}
