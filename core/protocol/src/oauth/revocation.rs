//! Token revocation (RFC 7009).

use super::any_token::AnyToken;
use super::endpoint_request::{EndpointRequest, OnFailure};
use super::endpoint_response::{ResponseContext, is_success};
use crate::error::Result;
use crate::http::Response;

/// The request to revoke a token (section 2.1). With a refresh token, the access tokens that were
/// issued for it are revoked too.
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) if it cannot be sent.
pub fn request(token: &AnyToken) -> Result<EndpointRequest> {
    Ok(EndpointRequest::new("revocation", OnFailure::Repeatable, token.parameters()?))
}

/// Judges the response (section 2.2). A token that the server does not know is not valid there
/// either, so both count as revoked.
pub fn process(context: &ResponseContext, response: Response) -> Result<()> {
    if is_success(response.status) {
        return Ok(());
    }
    let error = context.error(response);
    if error.oauth_error() == Some("invalid_grant") { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::super::client_auth::Credentials;
    use super::*;
    use crate::error::{ErrorCode, Remedy};
    use crate::http::{Body, FailureKind, Headers, SendState, TransportError};
    use crate::secret::RefreshToken;

    const URL: &str = "https://login.example/revoke";

    fn process(status: u16, body: Body) -> Result<()> {
        let (request, credentials) = (request(&"canary".into())?, Credentials::new("id".into(), None, None)?);
        let context = ResponseContext::new(&request, URL, &credentials, false, 0);
        super::process(&context, Response { status, headers: Headers::from([("retry-after", "7")]), body })
    }

    fn whole(body: &str) -> Body {
        Body::Whole(body.as_bytes().to_vec())
    }

    #[test]
    fn the_token_is_sent_with_its_type() {
        let credentials = Credentials::new("id".into(), None, None).unwrap();
        let request = request(&(&RefreshToken::from("a token")).into()).unwrap().to(URL, &credentials);
        assert_eq!(request.url, URL);
        assert_eq!(request.body.unwrap().reveal(), "token=a+token&token_type_hint=refresh_token&client_id=id");
    }

    #[test]
    fn any_success_counts_and_so_does_a_token_that_is_not_valid_any_more() {
        let cut = TransportError { reached: SendState::Sent, kind: FailureKind::ConnectionLost, cause: None };
        for (status, body) in [
            (200, whole("")),
            (200, whole("<html>")),
            (204, whole("")),
            (200, Body::TooLarge),
            (200, Body::CutShort(Vec::new(), cut)),
            (400, whole(r#"{"error":"invalid_grant"}"#)),
        ] {
            assert!(process(status, body).is_ok(), "{status}");
        }
    }

    #[test]
    fn each_failure_is_its_error() {
        use ErrorCode::{InvalidClient, Oauth, OutcomeUnknown, ServerUnavailable, Unsupported, WrongEndpoint};
        for (status, body, code, retryable) in [
            (503, "", ServerUnavailable, true),
            (429, "", ServerUnavailable, true),
            (500, "", OutcomeUnknown, true),
            (400, r#"{"error":"unsupported_token_type"}"#, Unsupported, false),
            (400, r#"{"error":"invalid_token"}"#, Oauth, false),
            (400, "", Oauth, false),
            (403, "", Oauth, false),
            (401, r#"{"error":"invalid_client"}"#, InvalidClient, false),
            (401, "", InvalidClient, false),
            (404, "<html>", WrongEndpoint, false),
            (405, "", WrongEndpoint, false),
            (302, "", WrongEndpoint, false),
        ] {
            let error = process(status, whole(body)).unwrap_err();
            assert_eq!((error.code(), error.retryable(), error.status()), (code, retryable, Some(status)), "{status} {body}");
            assert!(error.remedy() != Remedy::LogInAgain && !error.to_string().contains("refresh"), "{error}");
        }
        assert_eq!(process(503, whole("")).unwrap_err().retry_after().map(|wait| wait.as_secs()), Some(7));
        assert!(process(404, whole("")).unwrap_err().to_string().contains("is no revocation endpoint"));
    }
}
