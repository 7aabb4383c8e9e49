//! Checks of URIs from the application's configuration. The exact text is kept: servers compare it.

use url::{Host, Url};

use crate::error::{Error, Result, breaks_lines};

const MAX_LENGTH: usize = 2048;

/// ASCII characters that no URL has as they are (RFC 3986, section 2), and the single quote: an
/// endpoint is opened in browsers, and sometimes through a shell.
const NEVER_PLAIN: &str = "\"'<>\\^`{|}";

/// Parses an absolute URI that the `url` crate does not have to repair.
pub(super) fn absolute(field: &str, text: &str) -> Result<Url> {
    if text.is_empty() {
        return Err(Error::invalid_argument(field, "is empty; give an absolute URL such as https://example.com/auth"));
    }
    if text.len() > MAX_LENGTH {
        return Err(Error::invalid_argument(field, format_args!("is longer than {MAX_LENGTH} bytes; give the plain URL")));
    }
    if text.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::invalid_argument(field, "holds a space or a control character; percent-encode it or remove it"));
    }
    let url = Url::parse(text).map_err(|cause| {
        Error::invalid_argument(field, "is not an absolute URL; give one with scheme and host, such as https://example.com/auth")
            .with_cause(cause)
    })?;
    if matches!(url.scheme(), "http" | "https") && authority(text).is_none_or(str::is_empty) {
        return Err(Error::invalid_argument(field, "has no // after its scheme; give scheme and host, such as https://example.com/auth"));
    }
    Ok(url)
}

/// Parses a URL that secrets are sent to: https, or http on this machine only.
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`](crate::error::ErrorCode::InvalidArgument) that names `field`.
pub fn endpoint(field: &str, text: &str) -> Result<Url> {
    let url = absolute(field, text)?;
    if text.contains(|c: char| NEVER_PLAIN.contains(c) || breaks_lines(c)) {
        return Err(Error::invalid_argument(field, "holds a quote or another character that no URL has as it is; percent-encode it"));
    }
    if url.fragment().is_some() {
        return Err(Error::invalid_argument(field, "has a fragment; remove everything from the # on"));
    }
    if authority(text).is_some_and(|authority| authority.contains('@')) {
        return Err(Error::invalid_argument(field, "holds a user name or password; remove them"));
    }
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback(&url) => Ok(url),
        _ => Err(Error::invalid_argument(field, "is not https; plain http is allowed for localhost, 127.0.0.0/8 and [::1] only")),
    }
}

/// The same URL in ASCII: the host in Punycode, other characters percent-encoded.
pub(super) fn in_ascii(text: &str) -> String {
    if text.is_ascii() { text.to_owned() } else { Url::parse(text).map_or_else(|_| text.to_owned(), String::from) }
}

/// The same URI with its escapes as RFC 3986, sections 6.2.2.1 and 6.2.2.2, writes them: in
/// capitals, and only where one is required. Parsing does the rest of section 6.2.2.
pub(super) fn with_plain_escapes(text: &str) -> String {
    let mut parts = text.split('%');
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let escaped = part.get(..2).filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => plain.push(char::from(byte)),
            Some(byte) => plain.push_str(&format!("%{byte:02X}")),
            None => plain.push('%'),
        }
        plain.push_str(if escaped.is_some() { &part[2..] } else { part });
    }
    plain
}

/// Whether two URIs have the same scheme, host and port. On this machine the port may differ
/// (RFC 8252, section 7.3).
pub(super) fn same_host(one: &str, other: &str) -> bool {
    match (Url::parse(one), Url::parse(other)) {
        (Ok(mut one), Ok(other)) if is_loopback(&one) => one.set_port(other.port()).is_ok() && same_origin(&one, &other),
        (Ok(one), Ok(other)) => same_origin(&one, &other),
        _ => false,
    }
}

/// Whether scheme, host and port are the same. Parsing does not lower the host of a private-use
/// scheme.
pub(super) fn same_origin(one: &Url, other: &Url) -> bool {
    let host = |url: &Url| url.host_str().map(str::to_ascii_lowercase);
    one.scheme() == other.scheme() && host(one) == host(other) && one.port_or_known_default() == other.port_or_known_default()
}

/// Whether the URL's host is this machine, by name or number (RFC 8252, section 7.3).
pub fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// What is between the `//` after the scheme and the path.
fn authority(text: &str) -> Option<&str> {
    let (_, rest) = text.split_once(':')?;
    rest.strip_prefix("//")?.split(['/', '?', '#']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_https_or_loopback() {
        for good in
            ["https://login.sipgate.com/auth", "http://127.0.0.1:8080/x", "http://[::1]/x", "http://localhost/x", "http://a.localhost/"]
        {
            assert!(endpoint("token_endpoint", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "http://example.com/",
            "ftp://127.0.0.1/",
            "/token",
            "https://",
            "https:/example.com",
            "https://u:p@example.com/",
            "https://example.com/#a",
            "https://exa mple.com/",
            "http://127.0.0.1.evil.example/",
        ] {
            assert!(endpoint("token_endpoint", bad).unwrap_err().to_string().starts_with("token_endpoint: "), "{bad}");
        }
    }

    #[test]
    fn an_address_has_at_most_2048_bytes() {
        let padded = |length: usize| format!("https://example.com/{}", "a".repeat(length - 20));
        assert!(absolute("redirect_uri", &padded(2048)).is_ok());
        assert!(absolute("redirect_uri", &padded(2049)).unwrap_err().to_string().contains("2048"));
    }

    #[test]
    fn a_url_of_other_characters_is_written_in_ascii() {
        assert_eq!(in_ascii("https://bücher.example/zurück?a=ä"), "https://xn--bcher-kva.example/zur%C3%BCck?a=%C3%A4");
        assert_eq!(in_ascii("https://Example.com:443/%7e"), "https://Example.com:443/%7e");
    }

    #[test]
    fn escapes_are_written_in_one_way() {
        for (written, plain) in [
            ("/zur%c3%bcck", "/zur%C3%BCck"),
            ("/%7Eme/%41%2d%2E%5f", "/~me/A-._"),
            ("/%2f%20%25", "/%2F%20%25"),
            ("%", "%"),
            ("%4", "%4"),
            ("%zz%%41", "%zz%A"),
            ("%+1", "%+1"),
            ("/ü%€", "/ü%€"),
        ] {
            assert_eq!(with_plain_escapes(written), plain, "{written}");
        }
    }

    #[test]
    fn what_the_parser_would_repair_is_refused() {
        for bad in [
            "https://exam\tple.com/",
            "https://example.com/\u{a0}",
            "http:example.com",
            "https:/example.com",
            "HTTPS:example.com",
            "https:///example.com",
        ] {
            assert!(absolute("redirect_uri", bad).is_err(), "{bad}");
        }
        assert!(absolute("redirect_uri", "com.example.app:/cb").is_ok());
    }

    #[test]
    fn an_endpoint_holds_neither_a_name_nor_a_password() {
        for bad in ["https://u@example.com/", "https://:p@example.com/", "https://@example.com/", "https://example.com/#"] {
            assert!(endpoint("token_endpoint", bad).is_err(), "{bad}");
        }
        assert!(endpoint("token_endpoint", "https://example.com/@?@").is_ok());
    }

    #[test]
    fn an_endpoint_has_no_character_that_a_page_or_a_shell_could_take_for_its_own() {
        for bad in NEVER_PLAIN.chars().chain(['\u{202e}', '\u{2066}']) {
            let text = format!("https://example.com/a{bad}b");
            assert!(endpoint("token_endpoint", &text).unwrap_err().to_string().starts_with("token_endpoint: "), "{text}");
        }
        assert!(endpoint("token_endpoint", "https://example.com/~a-b._c;d=1,2/(e)!*?f=$&g=[1]:@+%22").is_ok());
    }

    #[test]
    fn this_machine_has_some_names_and_numbers() {
        let is_loopback = |text| is_loopback(&Url::parse(text).unwrap());
        for this in ["http://localhost/", "http://a.localhost/", "http://127.9.9.9/", "http://[::1]/"] {
            assert!(is_loopback(this), "{this}");
        }
        for other in ["http://notlocalhost/", "http://localhost.example/", "http://128.0.0.1/", "http://[::2]/", "data:,x"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
