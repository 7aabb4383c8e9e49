//! What a browser asks a listener for.

use httparse::{EMPTY_HEADER, Request, Status};

/// The longest head that is read: a callback may have 16 KiB, and cookies of other programs at the
/// same host come on top.
pub(super) const MAX_HEAD: usize = 64 * 1024;

const MAX_HEADERS: usize = 100;

/// What has been received of a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    /// Not all of it yet.
    Partial,
    /// A page that the user is to see: its path and query, and the host that the browser took it
    /// from.
    Page { target: String, host: String },
    /// Anything else.
    Other,
}

/// Reads a head, as far as it has come.
pub(super) fn read(received: &[u8]) -> Head {
    let mut headers = [EMPTY_HEADER; MAX_HEADERS];
    let mut request = Request::new(&mut headers);
    match request.parse(received) {
        Ok(Status::Partial) if received.len() < MAX_HEAD => Head::Partial,
        Ok(Status::Complete(_)) => page(&request).unwrap_or(Head::Other),
        _ => Head::Other,
    }
}

fn page(request: &Request<'_, '_>) -> Option<Head> {
    let values = |name: &'static str| {
        let named = request.headers.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| str::from_utf8(header.value).unwrap_or_default())
    };
    // A browser that fetches ahead shows the page later, or never, and asks again.
    let is_ahead = ["sec-purpose", "purpose", "x-moz"].into_iter().flat_map(values).any(|value| value.contains("prefetch"));
    let mut hosts = values("host");
    match (request.method?, hosts.next(), hosts.next()) {
        ("GET", Some(host), None) if !is_ahead => Some(Head::Page { target: request.path?.to_owned(), host: host.to_owned() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_requested_by_get_and_from_one_host() {
        let page = read(b"GET /cb?state=s&code=c HTTP/1.1\r\nHost: 127.0.0.1:8400\r\nAccept: */*\r\n\r\n");
        assert_eq!(page, Head::Page { target: "/cb?state=s&code=c".into(), host: "127.0.0.1:8400".into() });
        for other in [
            "HEAD /cb HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST /cb HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx",
            "OPTIONS /cb HTTP/1.1\r\nHost: a\r\n\r\n",
            "GET /cb HTTP/1.1\r\n\r\n",
            "GET /cb HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n",
            "GET /cb HTTP/1.1\r\nHost: a\r\nSec-Purpose: prefetch;prerender\r\n\r\n",
            "GET /cb HTTP/1.1\r\nHost: a\r\nX-moz: prefetch\r\n\r\n",
            "\x16\x03\x01\x02\x00\x01\x00",
            "SSH-2.0-scan\r\n",
        ] {
            assert_eq!(read(other.as_bytes()), Head::Other, "{other:?}");
        }
    }

    #[test]
    fn a_head_is_waited_for_until_it_is_too_long() {
        assert_eq!(read(b""), Head::Partial);
        assert_eq!(read(b"GET /cb HTTP/1.1\r\nHost: a\r\n"), Head::Partial);
        let mut endless = b"GET /cb HTTP/1.1\r\nHost: ".to_vec();
        endless.resize(MAX_HEAD, b'a');
        assert_eq!(read(&endless), Head::Other);
        let many = format!("GET /cb HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS));
        assert_eq!(read(many.as_bytes()), Head::Other);
    }
}
