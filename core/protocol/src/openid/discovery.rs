//! Discovery of a server's metadata (OpenID Connect Discovery, section 4; RFC 8414, section 3).

use url::Position;

use crate::error::{Error, ErrorCode, Result, short};
use crate::http::{Request, Response};
use crate::oauth::endpoint_response::ResponseContext;
use crate::oauth::metadata::{self, Problem, ServerMetadata};
use crate::oauth::uri;

/// The longest document that is read.
const MAX_DOCUMENT: usize = 256 * 1024;

const OPENID: &str = "/.well-known/openid-configuration";
const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// Where the metadata of this issuer may be: the second URL is for servers that have nothing at the
/// first.
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`] if this cannot be an issuer.
pub fn urls(issuer: &str) -> Result<[String; 2]> {
    let url = uri::endpoint("issuer", issuer)?;
    if url.query().is_some() {
        return Err(Error::invalid_argument("issuer", "has a query; give the name that the server has for itself"));
    }
    if url.path().contains("/.well-known/") {
        return Err(Error::invalid_argument("issuer", "is the address of a document; give the part before /.well-known"));
    }
    let (origin, path) = (&url[..Position::BeforePath], url.path());
    let path = path.strip_suffix('/').unwrap_or(path);
    Ok([format!("{origin}{path}{OPENID}"), format!("{origin}{OAUTH}{path}")])
}

/// The request for the document at one of the URLs.
pub fn request(url: &str) -> Request {
    Request::get(url, "application/json")
}

/// What is known of that request. `now` is in seconds since 1970.
pub fn context(url: &str, now: i64) -> ResponseContext<'_> {
    ResponseContext::of_get("metadata", url, None, false, now)
}

/// The metadata in a response. `None` if there is nothing at this URL, and the next may have it.
///
/// # Errors
///
/// [`ErrorCode::IssuerMismatch`] if it is the metadata of another issuer, and
/// [`ErrorCode::BadResponse`] that names the member that cannot be used. Others as at any endpoint.
pub fn process(issuer: &str, url: &str, response: Response, now: i64) -> Result<Option<ServerMetadata>> {
    if response.status == 404 {
        return Ok(None);
    }
    let body = context(url, now).body(response, MAX_DOCUMENT)?;
    let metadata = ServerMetadata::read(&body).map_err(|Problem { member, what }| unusable(url, member, what))?;
    if metadata.issuer != issuer {
        let named = short(&metadata.issuer);
        let problem =
            format!("issuer: is {named} in the document at {url}, expected {issuer}; both must be equal, also in a slash at the end");
        return Err(Error::new(ErrorCode::IssuerMismatch, problem));
    }
    if let Some(member) = metadata::missing(&metadata) {
        return Err(unusable(url, member, "is missing"));
    }
    if let Some(member) = metadata::unusable_url(&metadata) {
        return Err(unusable(url, member, "is not an absolute https URL without user name and fragment"));
    }
    Ok(Some(metadata))
}

/// The error for an issuer that has nothing at either URL.
pub fn not_found([first, second]: &[String; 2]) -> Error {
    let problem = format!("there is no metadata at {first} or {second} (status 404); check the issuer, or give the metadata itself");
    Error::new(ErrorCode::WrongEndpoint, problem).with_status(404)
}

fn unusable(url: &str, member: &str, what: &str) -> Error {
    Error::new(ErrorCode::BadResponse, format!("{member}: {what}, in the document at {url}; report it to the server's operator"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{Body, FailureKind, Headers, SendState, TransportError};

    const ISSUER: &str = "https://i.example/realms/r";

    fn url() -> String {
        urls(ISSUER).unwrap()[0].clone()
    }

    fn judge(issuer: &str, status: u16, body: Body) -> Result<Option<ServerMetadata>> {
        process(issuer, &url(), Response { status, headers: Headers::from([("retry-after", "7")]), body }, 0)
    }

    fn judge_document(issuer: &str, document: &serde_json::Value) -> Result<Option<ServerMetadata>> {
        judge(issuer, 200, Body::Whole(document.to_string().into_bytes()))
    }

    fn document(issuer: &str) -> serde_json::Value {
        serde_json::json!({
            "issuer": issuer,
            "authorization_endpoint": "https://i.example/a",
            "token_endpoint": "https://backend.example:8443/t?x=1",
            "jwks_uri": "https://keys.example/certs",
            "scopes_supported": ["openid"],
            "mtls_endpoint_aliases": {"token_endpoint": "file:///etc/passwd"},
        })
    }

    fn with(member: &str, value: impl Into<serde_json::Value>) -> serde_json::Value {
        let mut document = document(ISSUER);
        document[member] = value.into();
        document
    }

    #[test]
    fn an_issuer_has_two_places_for_its_metadata() {
        for (issuer, openid, oauth) in [
            (
                "https://i.example",
                "https://i.example/.well-known/openid-configuration",
                "https://i.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://i.example/",
                "https://i.example/.well-known/openid-configuration",
                "https://i.example/.well-known/oauth-authorization-server",
            ),
            (
                "https://i.example:8443/auth/realms/r/",
                "https://i.example:8443/auth/realms/r/.well-known/openid-configuration",
                "https://i.example:8443/.well-known/oauth-authorization-server/auth/realms/r",
            ),
            (
                "http://localhost/ü",
                "http://localhost/%C3%BC/.well-known/openid-configuration",
                "http://localhost/.well-known/oauth-authorization-server/%C3%BC",
            ),
        ] {
            assert_eq!(urls(issuer).unwrap(), [openid, oauth], "{issuer}");
        }
        for bad in [
            "",
            "i.example",
            "http://i.example",
            "https://i.example/?a",
            "https://i.example/#",
            "https://u@i.example",
            "https://i.example/.well-known/openid-configuration",
        ] {
            let error = urls(bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument);
            assert!(error.to_string().starts_with("issuer: "), "{bad}: {error}");
        }
    }

    #[test]
    fn the_document_is_read_without_credentials() {
        let request = request("https://i.example/m");
        assert_eq!((request.method.as_str(), request.url.as_str(), request.headers.len()), ("GET", "https://i.example/m", 1));
        assert_eq!(request.header("accept").unwrap().reveal(), "application/json");
    }

    #[test]
    fn a_document_keeps_what_is_not_known_and_may_name_other_hosts() {
        let metadata = judge_document(ISSUER, &document(ISSUER)).unwrap().unwrap();
        assert_eq!(metadata.jwks_uri.as_deref(), Some("https://keys.example/certs"));
        assert!(metadata.to_json().contains("file:///etc/passwd"), "{}", metadata.to_json());
        assert!(metadata::checked(metadata).is_ok());
    }

    #[test]
    fn the_issuer_is_compared_byte_for_byte() {
        for other in [
            "https://i.example/realms/r/",
            "https://i.example/realms/R",
            "https://I.example/realms/r",
            "https://i.example:443/realms/r",
            "https://i.example/realms/%72",
            "https://i.example/realms",
            "http://i.example/realms/r",
            "",
        ] {
            let error = judge_document(ISSUER, &document(other)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::IssuerMismatch, "{other}");
            assert!(error.to_string().contains(&format!("issuer: is {other} in the document at {}, expected {ISSUER};", url())), "{error}");
        }
        let long = judge_document(ISSUER, &document(&"x\n".repeat(5000))).unwrap_err().to_string();
        assert!(long.len() < 400 && !long.contains('\n'), "{long}");
        let slash = "https://i.example/realms/r/";
        assert!(judge_document(slash, &document(slash)).is_ok());
    }

    #[test]
    fn each_status_and_body_is_its_outcome() {
        use ErrorCode::{BadResponse, ServerUnavailable, WrongEndpoint};

        let whole = |text: &str| Body::Whole(text.as_bytes().to_vec());
        assert_eq!(judge(ISSUER, 404, whole(r#"{"error":"Realm does not exist"}"#)).unwrap(), None);
        for (status, body, code) in [
            (200, "", BadResponse),
            (200, "<html>", BadResponse),
            (200, "[]", BadResponse),
            (200, "{} {}", BadResponse),
            (204, "", BadResponse),
            (301, "", WrongEndpoint),
            (401, "", WrongEndpoint),
            (403, "", WrongEndpoint),
            (405, "", WrongEndpoint),
            (429, "", ServerUnavailable),
            (500, "<html>", ServerUnavailable),
            (503, r#"{"error":"temporarily_unavailable"}"#, ServerUnavailable),
        ] {
            let error = judge(ISSUER, status, whole(body)).unwrap_err();
            assert_eq!((error.code(), error.retryable()), (code, code != WrongEndpoint), "{status} {body}: {error}");
            assert!(error.to_string().contains(&url()) || error.status() == Some(503) || error.status() == Some(429), "{error}");
        }
        assert_eq!(judge(ISSUER, 503, whole("")).unwrap_err().retry_after().map(|wait| wait.as_secs()), Some(7));
        let cut = TransportError { reached: SendState::Sent, kind: FailureKind::ConnectionLost, cause: None };
        let cut = judge(ISSUER, 200, Body::CutShort(document(ISSUER).to_string().into_bytes(), cut)).unwrap_err();
        assert_eq!((cut.code(), cut.retryable()), (ServerUnavailable, true));
    }

    #[test]
    fn a_document_has_at_most_256_kib() {
        let document = document(ISSUER).to_string();
        let padded = |length: usize| Body::Whole(format!("{document}{}", " ".repeat(length - document.len())).into_bytes());
        assert!(judge(ISSUER, 200, padded(256 * 1024)).is_ok());
        for large in [padded(256 * 1024 + 1), Body::TooLarge] {
            let error = judge(ISSUER, 200, large).unwrap_err();
            assert!(error.code() == ErrorCode::BadResponse && error.to_string().contains("longer than 256 KiB"), "{error}");
        }
    }

    #[test]
    fn deep_json_is_refused() {
        let deep = format!(r#"{{"issuer":{}{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(judge(ISSUER, 200, Body::Whole(deep.into_bytes())).unwrap_err().code(), ErrorCode::BadResponse);
    }

    #[test]
    fn a_member_that_cannot_be_used_is_named() {
        let mut without = document(ISSUER);
        without.as_object_mut().unwrap().remove("token_endpoint");
        for (document, member) in [
            (without, "token_endpoint"),
            (serde_json::json!({}), "issuer"),
            (with("issuer", 7), "issuer"),
            (with("authorization_endpoint", 7), "authorization_endpoint"),
            (with("token_endpoint", "http://i.example/t"), "token_endpoint"),
            (with("jwks_uri", "/certs"), "jwks_uri"),
            (with("userinfo_endpoint", "https://u:p@i.example/"), "userinfo_endpoint"),
            (with("end_session_endpoint", "javascript:alert(1)"), "end_session_endpoint"),
            (with("authorization_response_iss_parameter_supported", "yes"), "authorization_response_iss_parameter_supported"),
            (with("response_types_supported", "code"), "response_types_supported"),
        ] {
            let error = judge_document(ISSUER, &document).unwrap_err();
            assert_eq!((error.code(), error.retryable()), (ErrorCode::BadResponse, true));
            let message = error.to_string();
            assert!(message.starts_with(&format!("{member}: ")) && message.contains(&url()), "{message}");
        }
    }

    #[test]
    fn plain_http_is_for_an_issuer_on_this_machine_that_has_it_itself() {
        let local = "http://127.0.0.1:8080/r";
        let judge = |issuer: &str, endpoint: &str| {
            let mut document = document(issuer);
            document["authorization_endpoint"] = endpoint.into();
            judge_document(issuer, &document).map_err(|error| error.code())
        };
        assert!(judge(local, "http://localhost:8081/a").is_ok());
        assert!(judge(local, "https://i.example/a").is_ok());
        assert_eq!(judge(local, "http://i.example/a"), Err(ErrorCode::BadResponse));
        assert_eq!(judge(ISSUER, "http://127.0.0.1/a"), Err(ErrorCode::BadResponse));
        assert_eq!(judge("https://localhost/r", "http://localhost/a"), Err(ErrorCode::BadResponse));
    }

    #[test]
    fn t_open_1_hostile_authorization_endpoints_never_reach_a_browser_or_a_shell() {
        let hostile = [
            "",
            " ",
            "javascript:alert(1)",
            "JavaScript:alert(1)",
            " javascript:alert(1)",
            "java\nscript:alert(1)",
            "javascript://i.example/%0aalert(1)",
            "data:text/html,<script>alert(1)</script>",
            "vbscript:msgbox(1)",
            "file:///etc/passwd",
            "file://i.example/share/run.exe",
            "ftp://i.example/a",
            "ws://i.example/a",
            "view-source:https://i.example/a",
            "ms-settings:privacy",
            "tel:+4921112345",
            "-https://i.example/a",
            "--version",
            "-a Calculator",
            "/bin/sh",
            "C:\\Windows\\System32\\calc.exe",
            "\\\\evil.example\\share",
            "//evil.example/a",
            "https:evil.example",
            "https:/evil.example",
            "https:///evil.example/a",
            "https://",
            "http://evil.example/a",
            "https://i.example@evil.example/a",
            "https://i.example:pw@evil.example/a",
            "https://@evil.example/a",
            "https://evil.example\\@i.example/a",
            "https://i.example/a#https://evil.example",
            "https://i.example/\"><script>alert(1)</script>",
            "https://i.example/' & calc & '",
            "https://i.example/'||calc||'",
            "https://i.example/`id`",
            "https://i.example/a|id",
            "https://i.example/a\r\nSet-Cookie: a=b",
            "https://i.example/a b",
            "https://i.example/\u{0}",
            "https://i.example/\u{1b}]0;x\u{7}",
            "https://i.example/\u{202e}moc.live//:sptth",
            "https://i.example/\u{2028}",
            "https://i.example/^{calc}",
            "https://i.example:99999/a",
            "https://[::1/a",
        ];
        assert!(hostile.len() >= 40);
        for url in hostile {
            let error = judge_document(ISSUER, &with("authorization_endpoint", url)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::BadResponse, "{url:?}");
            assert!(error.to_string().starts_with("authorization_endpoint: is not"), "{error}");
            let mut given = ServerMetadata::new(ISSUER);
            given.authorization_endpoint = Some(url.into());
            given.token_endpoint = Some("https://i.example/t".into());
            assert!(metadata::checked(given).unwrap_err().to_string().starts_with("authorization_endpoint: "), "{url:?}");
        }
        let long = format!("https://i.example/{}", "a".repeat(3000));
        assert!(judge_document(ISSUER, &with("authorization_endpoint", long)).is_err());
    }

    #[test]
    fn both_places_are_named_if_neither_has_a_document() {
        let urls = urls(ISSUER).unwrap();
        let error = not_found(&urls);
        assert_eq!((error.code(), error.status()), (ErrorCode::WrongEndpoint, Some(404)));
        assert!(urls.iter().all(|url| error.to_string().contains(url)), "{error}");
    }
}
