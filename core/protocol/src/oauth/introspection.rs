//! Token introspection (RFC 7662).

use std::fmt;

use serde_json::{Map, Value};

use super::any_token::AnyToken;
use super::endpoint_request::{EndpointRequest, OnFailure};
use super::endpoint_response::ResponseContext;
use crate::error::Result;
use crate::http::Response;

/// The longest response that is read.
const MAX_RESPONSE: usize = 256 * 1024;

/// What the server knows of a token, at this moment.
///
/// `Debug` shows the names of the members and no value.
///
/// ```no_run
/// # fn f(client: &sipgate_oauth2::Client, token: &str) -> sipgate_oauth2::Result<()> {
/// use sipgate_oauth2::Introspection;
///
/// let known: Introspection = client.introspect(token)?;
/// println!("{} {:?}", known.is_active(), known.get("scope"));
/// # Ok(()) }
/// ```
#[derive(Clone, PartialEq)]
pub struct Introspection {
    is_active: bool,
    members: Map<String, Value>,
}

impl Introspection {
    /// Whether the token is active.
    pub fn is_active(&self) -> bool {
        self.is_active
    }

    /// One member, such as `scope` or `exp`. A token that is not active has no other than `active`.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    /// The whole response as a JSON object.
    pub fn to_json(&self) -> String {
        Value::Object(self.members.clone()).to_string()
    }
}

impl fmt::Debug for Introspection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.members.keys()).finish()
    }
}

/// The request for what the server knows of a token (section 2.1).
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) if it cannot be sent.
pub fn request(token: &AnyToken) -> Result<EndpointRequest> {
    Ok(EndpointRequest::new("introspection", OnFailure::Harmless, token.parameters()?))
}

/// The response (section 2.2). It holds for this moment only, so it must not be cached.
///
/// # Errors
///
/// [`ErrorCode::BadResponse`](crate::error::ErrorCode::BadResponse) if the response does not say
/// whether the token is active. Others as at any endpoint.
pub fn process(context: &ResponseContext, response: Response) -> Result<Introspection> {
    let status = response.status;
    let body = context.body(response, MAX_RESPONSE)?;
    let problem = match serde_json::from_slice(&body) {
        Ok(Value::Object(members)) => match members.get("active") {
            Some(Value::Bool(is_active)) => return Ok(Introspection { is_active: *is_active, members }),
            _ => "has no active that is true or false",
        },
        _ => "is not a JSON object",
    };
    Err(context.bad_response(problem).with_status(status))
}

#[cfg(test)]
mod tests {
    use super::super::client_auth::Credentials;
    use super::*;
    use crate::error::ErrorCode;
    use crate::http::{Body, Headers};
    use crate::secret::AccessToken;

    const URL: &str = "https://login.example/introspect";

    fn process(status: u16, body: &str) -> Result<Introspection> {
        let (request, credentials) = (request(&"canary".into())?, Credentials::new("id".into(), Some("secret".into()), None)?);
        let context = ResponseContext::new(&request, URL, &credentials, false, 0);
        super::process(&context, Response { status, headers: Headers::default(), body: Body::Whole(body.as_bytes().to_vec()) })
    }

    #[test]
    fn the_client_authenticates_and_says_the_type() {
        let credentials = Credentials::new("id".into(), Some("secret".into()), None).unwrap();
        let request = request(&(&AccessToken::from("t")).into()).unwrap();
        let sent = request.to(URL, &credentials).body.unwrap();
        assert_eq!(sent.reveal(), "token=t&token_type_hint=access_token&client_id=id&client_secret=secret");
        assert_eq!(request.on_failure(), OnFailure::Harmless);
    }

    #[test]
    fn what_the_server_knows_is_passed_on() {
        let response = r#"{"active":true,"sub":"canary","aud":["a"],"x":{"y":1}}"#;
        let active = process(200, response).unwrap();
        assert_eq!((active.is_active(), active.to_json().as_str()), (true, response));
        assert_eq!(active.get("sub").unwrap(), "canary");
        assert_eq!(format!("{active:?}"), r#"{"active", "sub", "aud", "x"}"#);
        assert!(!process(200, r#"{"active":false}"#).unwrap().is_active());
    }

    #[test]
    fn a_response_that_does_not_say_whether_the_token_is_active_is_refused() {
        for bad in [
            "",
            "<html>",
            "true",
            "[]",
            "{}",
            r#"{"active":null}"#,
            r#"{"active":"true"}"#,
            r#"{"active":1}"#,
            r#"{"Active":true}"#,
            r#"{"active":true} x"#,
            r#"{"error":"invalid_token"}"#,
        ] {
            let error = process(200, bad).unwrap_err();
            assert_eq!((error.code(), error.status(), error.retryable()), (ErrorCode::BadResponse, Some(200), true), "{bad}: {error}");
            assert!(error.to_string().contains(URL), "{error}");
        }
    }

    #[test]
    fn each_failure_is_its_error() {
        use ErrorCode::{BadResponse, InvalidClient, Oauth, ServerUnavailable, WrongEndpoint};
        for (status, body, code) in [
            (204, "", BadResponse),
            (401, "", InvalidClient),
            (401, r#"{"error":"invalid_client"}"#, InvalidClient),
            (401, r#"{"error":"invalid_request","error_description":"canary"}"#, Oauth),
            (404, "", WrongEndpoint),
            (500, "", ServerUnavailable),
            (503, "", ServerUnavailable),
        ] {
            let error = process(status, body).unwrap_err();
            assert_eq!((error.code(), error.status()), (code, Some(status)), "{status} {body}: {error}");
            assert!(!format!("{error:?}").contains("canary"), "{error:?}");
        }
    }
}
