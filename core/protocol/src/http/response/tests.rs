use std::io::{self, BufReader, Cursor, Read, Write};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

use super::body::MAX_BODY;
use super::*;
use crate::http::{FailureKind, Headers};

const TOKENS: &str = r#"{"access_token":"a","token_type":"Bearer","expires_in":300,"refresh_token":"r"}"#;

/// Bytes that are received one at a time, and how they end.
struct Slow<'a>(Cursor<&'a [u8]>, Option<io::ErrorKind>);

impl Read for Slow<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match (self.0.read(&mut buffer[..1])?, self.1) {
            (0, Some(kind)) => Err(kind.into()),
            (count, _) => Ok(count),
        }
    }
}

/// Reads them at once and byte by byte, which must make no difference. Also how much stays unread.
fn parse(bytes: &[u8]) -> Result<(Response, usize), TransportError> {
    let mut rest = bytes;
    let response = read(&mut rest);
    let slow = read(&mut BufReader::with_capacity(1, Slow(Cursor::new(bytes), None)));
    assert_eq!(format!("{:?}", response.as_ref().map(shape)), format!("{:?}", slow.as_ref().map(shape)));
    Ok((response?, rest.len()))
}

fn shape(response: &Response) -> (u16, Vec<Option<&str>>, String) {
    let body = match &response.body {
        Body::Whole(bytes) => format!("whole {}", String::from_utf8_lossy(bytes)),
        Body::TooLarge => "too large".to_owned(),
        Body::CutShort(bytes, failure) => format!("cut {:?} {}", failure.kind, String::from_utf8_lossy(bytes)),
    };
    (response.status, Headers::NAMES.map(|name| response.headers.get(name)).to_vec(), body)
}

fn whole(response: impl AsRef<[u8]>) -> Vec<u8> {
    match parse(response.as_ref()).unwrap().0.body {
        Body::Whole(bytes) => bytes,
        Body::TooLarge => panic!("too large"),
        Body::CutShort(bytes, failure) => panic!("cut: {:?}, {failure:?}", String::from_utf8_lossy(&bytes)),
    }
}

fn cut(response: impl AsRef<[u8]>) -> (Vec<u8>, FailureKind) {
    match parse(response.as_ref()).unwrap().0.body {
        Body::CutShort(bytes, failure) => (bytes, failure.kind),
        Body::TooLarge => panic!("too large"),
        Body::Whole(bytes) => panic!("whole: {:?}", String::from_utf8_lossy(&bytes)),
    }
}

fn with(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    [format!("HTTP/1.1 200 OK\r\n{head}\r\n").as_bytes(), body.as_ref()].concat()
}

fn sized(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    with(&format!("{head}Content-Length: {}\r\n", body.as_ref().len()), body)
}

fn gzip(body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zlib(body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn raw_deflate(body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn chunked(body: impl AsRef<[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for chunk in body.as_ref().chunks(7) {
        bytes.extend(format!("{:x}\r\n", chunk.len()).bytes());
        bytes.extend(chunk);
        bytes.extend(b"\r\n");
    }
    bytes.extend(b"0\r\n\r\n");
    bytes
}

#[test]
fn heads_may_be_odd() {
    let length = TOKENS.len();
    let many: String = (0..150).map(|number| format!("X-Header-{number}: {}\r\n", "v".repeat(1000))).collect();
    for head in [
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"),
        format!("HTTP/1.1 200\r\nContent-Length: {length}\r\n\r\n"),
        format!("HTTP/1.1 200 \r\nContent-Length: {length}\r\n\r\n"),
        format!("HTTP/1.0 200 OK\r\nContent-Length: {length}\r\n\r\n"),
        format!("HTTP/2 200\r\ncontent-length:{length}\r\n\r\n"),
        format!("http/1.1  200  In Ordnung, Herr M\u{fc}ller\r\ncontent-length:{length}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\nContent-Length: {length}\n\n"),
        format!("\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\n{many}Content-Length: {length}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nX-Folded: a\r\n b\r\n\tc\r\nContent-Length: {length}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\n stray\r\nContent-Length:\r\n {length}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nno colon at all\r\n: no name\r\nContent-Length : {length}  \r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nX-M\u{fc}ller: gr\u{fc}n\u{0}\r\nContent-Length: {length}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nContent-Length: {length}\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}, {length}\r\n\r\n"),
        format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"),
        format!(
            "HTTP/1.1 103 Early Hints\r\nContent-Length: 7\r\nLink: <x>\r\n\r\nHTTP/1.1 100\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"
        ),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: {length}\r\n\r\n"),
        "HTTP/1.1 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n".to_owned(),
    ] {
        assert_eq!(whole(head.clone() + TOKENS), TOKENS.as_bytes(), "{head}");
        let latin: Vec<u8> = (head.clone() + TOKENS).chars().map(|c| u8::try_from(c).unwrap()).collect();
        assert_eq!(whole(latin), TOKENS.as_bytes(), "{head}");
    }
}

#[test]
fn what_is_not_http_is_reported_as_such() {
    for bytes in [
        "{}\n",
        "\u{16}\u{3}\u{1}\n",
        "SSH-2.0-x\r\n",
        "HTTP/1.1\r\n\r\n",
        "HTTP/1.1 abc\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000\r\n\r\n",
    ] {
        assert_eq!(parse(bytes.as_bytes()).err().unwrap().kind, FailureKind::NotHttp, "{bytes}");
    }
    let endless = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'a'; 300 * 1024]].concat();
    assert_eq!(parse(&endless).err().unwrap().kind, FailureKind::NotHttp);
    let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(20_000);
    assert_eq!(parse(&interim).err().unwrap().kind, FailureKind::NotHttp);
    for cut in ["", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nContent-Type: a"] {
        assert_eq!(parse(cut.as_bytes()).err().unwrap().kind, FailureKind::ConnectionLost, "{cut}");
    }
}

#[test]
fn chunks_are_read_as_servers_write_them() {
    let length = format!("{:x}", TOKENS.len());
    for body in [
        format!("{length}\r\n{TOKENS}\r\n0\r\n\r\n"),
        format!("{length}\r\n{TOKENS}\r\n0\r\n"),
        format!("{length}\r\n{TOKENS}\r\n0"),
        format!("{length}\n{TOKENS}\n0\n\n"),
        format!("{length};name=value;other=\"a;b\"\r\n{TOKENS}\r\n0;last\r\n\r\n"),
        format!("000{} \r\n{TOKENS}\r\n000\r\nTrailer: x\r\nTransfer-Encoding: y\r\n\r\n", length.to_uppercase()),
        format!("{length}\r\n{TOKENS}0\r\n\r\n"),
        format!("\r\n{length}\r\n{TOKENS}\r\n\r\n\r\n0\r\n\r\n"),
        String::from_utf8(chunked(TOKENS)).unwrap(),
    ] {
        for head in [
            "Transfer-Encoding: chunked\r\n",
            "TRANSFER-ENCODING:  Chunked \r\n",
            "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
            "Transfer-Encoding: identity, chunked\r\n",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        ] {
            assert_eq!(whole(with(head, &body)), TOKENS.as_bytes(), "{head}{body}");
        }
    }
    // The label is wrong.
    assert_eq!(whole(with("Transfer-Encoding: chunked\r\n", TOKENS)), TOKENS.as_bytes());
    assert_eq!(whole(with("Transfer-Encoding: chunked\r\n", format!("\r\n{TOKENS}\n"))), format!("{TOKENS}\n").as_bytes());
    let long = format!("{{\"a\":\"{}\"}}", "b".repeat(100_000));
    assert_eq!(whole(with("Transfer-Encoding: chunked\r\n", &long)), long.as_bytes());
}

#[test]
fn what_was_received_of_a_body_is_kept_when_the_rest_is_missing() {
    let length = TOKENS.len();
    for (head, body) in [
        ("Content-Length: 999\r\n", TOKENS.to_owned()),
        ("Content-Length: 99999999999999999999999999\r\n", TOKENS.to_owned()),
        ("Transfer-Encoding: chunked\r\n", format!("{length:x}\r\n{TOKENS}\r\n")),
        ("Transfer-Encoding: chunked\r\n", format!("{length:x}\r\n{TOKENS}")),
        ("Transfer-Encoding: chunked\r\n", format!("fff\r\n{TOKENS}")),
        ("Transfer-Encoding: chunked\r\n", format!("ffffffffffffffffffff\r\n{TOKENS}")),
    ] {
        assert_eq!(cut(with(head, &body)), (TOKENS.as_bytes().to_vec(), FailureKind::ConnectionLost), "{head}{body}");
    }
    let unsized_chunk = format!("{length:x}\r\n{TOKENS}\r\nrubbish\r\n");
    assert_eq!(cut(with("Transfer-Encoding: chunked\r\n", unsized_chunk)).1, FailureKind::NotHttp);
    assert_eq!(cut(with("Content-Length: 1\r\n", "")), (Vec::new(), FailureKind::ConnectionLost));
    assert_eq!(cut(with("Transfer-Encoding: chunked\r\n", "")), (Vec::new(), FailureKind::ConnectionLost));
}

#[test]
fn a_body_that_stops_is_kept_with_the_reason() {
    for (kind, expected) in
        [(io::ErrorKind::TimedOut, FailureKind::TimedOut), (io::ErrorKind::ConnectionReset, FailureKind::ConnectionLost)]
    {
        let chunks = format!("{:x}\r\n{TOKENS}\r\n", TOKENS.len());
        for (head, body) in [("", TOKENS), ("Content-Length: 999\r\n", TOKENS), ("Transfer-Encoding: chunked\r\n", chunks.as_str())] {
            let bytes = with(head, body);
            let response = read(&mut BufReader::new(Slow(Cursor::new(&bytes), Some(kind)))).unwrap();
            let Body::CutShort(bytes, failure) = response.body else { panic!("{head}") };
            assert_eq!((bytes.as_slice(), failure.kind), (TOKENS.as_bytes(), expected.clone()), "{head}");
        }
        let failure = read(&mut BufReader::new(Slow(Cursor::new(b"HTTP/1.1 200"), Some(kind)))).err().unwrap();
        assert_eq!(failure.kind, expected);
    }
}

#[test]
fn nothing_after_a_response_is_read() {
    let second = sized("", r#"{"access_token":"of another"}"#);
    for first in
        [sized("", TOKENS), with("Transfer-Encoding: chunked\r\n", chunked(TOKENS)), sized("Content-Encoding: gzip\r\n", gzip(TOKENS))]
    {
        let (response, left) = parse(&[first, second.clone()].concat()).unwrap();
        let Body::Whole(body) = response.body else { panic!() };
        assert_eq!(body, TOKENS.as_bytes());
        assert!(left >= second.len());
    }
    for status in [204, 304] {
        let bytes = [format!("HTTP/1.1 {status} X\r\nContent-Length: 5\r\n\r\n").into_bytes(), second.clone()].concat();
        let (response, left) = parse(&bytes).unwrap();
        assert!(matches!(response.body, Body::Whole(body) if body.is_empty()) && left == second.len(), "{status}");
    }
}

#[test]
fn a_compressed_body_is_unpacked_whatever_its_label() {
    let two = [gzip(&TOKENS[..30]), gzip(&TOKENS[30..])].concat();
    let named = {
        let mut plain = gzip(TOKENS);
        plain[3] = 2 | 4 | 8 | 16;
        let fields = [&[3, 0][..], b"abc", b"name\0", b"comment\0", &[0, 0]].concat();
        plain.splice(10..10, fields);
        plain
    };
    for packed in [
        gzip(TOKENS),
        zlib(TOKENS),
        gzip(gzip(TOKENS)),
        gzip(zlib(TOKENS)),
        zlib(gzip(TOKENS)),
        two,
        named,
        [gzip(TOKENS), vec![0; 100]].concat(),
        [gzip(TOKENS), b"\r\n".to_vec()].concat(),
        gzip(TOKENS)[..gzip(TOKENS).len() - 8].to_vec(),
        gzip(TOKENS)[..gzip(TOKENS).len() - 3].to_vec(),
        zlib(TOKENS)[..zlib(TOKENS).len() - 4].to_vec(),
        TOKENS.as_bytes().to_vec(),
    ] {
        for label in [
            "",
            "Content-Encoding: gzip\r\n",
            "Content-Encoding: X-GZip\r\n",
            "Content-Encoding: deflate\r\n",
            "Content-Encoding: gzip, deflate\r\n",
            "Content-Encoding: identity\r\n",
            "Content-Encoding: br\r\n",
        ] {
            assert_eq!(whole(sized(label, &packed)), TOKENS.as_bytes(), "{label}{packed:?}");
            assert_eq!(whole(with(&format!("{label}Transfer-Encoding: chunked\r\n"), chunked(&packed))), TOKENS.as_bytes(), "{label}");
        }
        assert_eq!(whole(with("Transfer-Encoding: gzip, chunked\r\n", chunked(&packed))), TOKENS.as_bytes());
        assert_eq!(whole(with("Transfer-Encoding: gzip\r\n", &packed)), TOKENS.as_bytes());
    }
    for packed in [raw_deflate(TOKENS), gzip(raw_deflate(TOKENS)), raw_deflate(gzip(TOKENS))] {
        assert_eq!(whole(sized("Content-Encoding: deflate\r\n", &packed)), TOKENS.as_bytes(), "{packed:?}");
    }
    let stored = [&[1, TOKENS.len() as u8, 0, !(TOKENS.len() as u8), 0xFF], TOKENS.as_bytes()].concat();
    assert_eq!(whole(sized("Content-Encoding: deflate\r\n", &stored)), TOKENS.as_bytes());
}

#[test]
fn what_is_not_compressed_as_its_label_says_stays_as_it_is() {
    for body in ["", "<html>", " \n{\"error\":\"x\"}", "x\u{1}", "error=invalid_grant", "\u{1f}\u{8b}"] {
        for label in
            ["Content-Encoding: gzip\r\n", "Content-Encoding: deflate\r\n", "Content-Encoding: br\r\n", "Content-Encoding: zstd, br\r\n"]
        {
            assert_eq!(whole(sized(label, body)), body.as_bytes(), "{label}{body:?}");
        }
    }
}

#[test]
fn what_was_received_of_a_compressed_body_is_kept() {
    let padded = format!("{TOKENS}{}", " ".repeat(70_000).replace("  ", " \n"));
    for packed in [gzip(&padded), zlib(&padded)] {
        let half = &packed[..packed.len() - 20];
        let (bytes, kind) = cut(sized("Content-Encoding: gzip\r\n", half));
        assert!(bytes.starts_with(TOKENS.as_bytes()) && kind == FailureKind::ConnectionLost);
        let (bytes, kind) = cut(with("Content-Encoding: gzip\r\nContent-Length: 99999\r\n", half));
        assert!(bytes.starts_with(TOKENS.as_bytes()) && kind == FailureKind::ConnectionLost);
    }
    let long: String = (0..3000).map(|number| format!("{number}, ")).collect();
    let mut damaged = gzip(format!("{TOKENS}{long}"));
    let end = damaged.len() - 30;
    damaged[end..].fill(0xFF);
    let (bytes, _) = cut(sized("", &damaged));
    assert!(bytes.starts_with(TOKENS.as_bytes()));
    // The connection broke, but everything that matters was received.
    assert_eq!(whole(with("Content-Length: 9999\r\n", gzip(TOKENS))), TOKENS.as_bytes());
}

#[test]
fn a_decompression_bomb_is_unpacked_up_to_the_longest_body() {
    let most = vec![b' '; MAX_BODY];
    let over = vec![b' '; MAX_BODY + 1];
    let huge = vec![0; 64 * MAX_BODY];
    assert_eq!(whole(sized("", &most)).len(), MAX_BODY);
    assert_eq!(whole(sized("", gzip(&most))).len(), MAX_BODY);
    let halves = gzip(&most[..MAX_BODY / 2 + 1]);
    for body in [over.clone(), gzip(&over), zlib(&over), gzip(&huge), gzip(gzip(&huge)), [halves.clone(), halves].concat()] {
        for response in [sized("", &body), with("", &body)] {
            assert!(matches!(read(&mut response.as_slice()).unwrap().body, Body::TooLarge), "{}", body.len());
        }
    }
    assert!(matches!(
        read(&mut sized("Content-Encoding: deflate\r\n", raw_deflate(&over)).as_slice()).unwrap().body,
        Body::Whole(_) | Body::TooLarge
    ));
    let layers = (0..100).fold(TOKENS.as_bytes().to_vec(), |body, _| gzip(body));
    assert_ne!(whole(sized("", &layers)), TOKENS.as_bytes());
}

#[test]
fn some_fields_are_kept_and_no_others() {
    let head = "HTTP/1.1 401 X\r\nSet-Cookie: a=b\r\nRETRY-AFTER:\r\n  120 \r\nContent-Type: text/html\r\nDate: x\r\n\
        WWW-Authenticate: Bearer realm=\"gr\u{fc}n\"\r\nWWW-Authenticate: DPoP\r\nContent-Length: 0\r\n\r\n";
    let latin: Vec<u8> = head.chars().map(|c| u8::try_from(c).unwrap()).collect();
    for bytes in [head.as_bytes(), &latin] {
        let headers = parse(bytes).unwrap().0.headers;
        let challenge = "Bearer realm=\"gr\u{fc}n\"";
        for (name, value) in [("retry-after", "120"), ("content-type", "text/html"), ("date", "x"), ("www-authenticate", challenge)] {
            assert_eq!(headers.get(name), Some(value));
        }
        assert_eq!((headers.get("set-cookie"), headers.get("content-length")), (None, None));
    }
}
