//! The input is the bytes of a connection; and, read in another way, a recipe for a response with
//! tokens in it.

use std::io::{BufReader, Read, Write};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use sipgate_oauth2_protocol::http::{Body, Response, response};

const MAX_BODY: usize = 1024 * 1024;

/// Reading ends with a response or a failure, which does not depend on how the bytes are split.
/// Tokens are kept if a whole object with them was received.
pub fn check(input: &[u8]) {
    let (whole, split) = (shape(&mut &*input), shape(&mut BufReader::with_capacity(1, input)));
    assert_eq!(whole, split, "it matters how the bytes are split");

    let mut recipe = Recipe(input);
    let (bytes, object) = recipe.response();
    let response = response::read(&mut bytes.as_slice());
    let kept =
        response.as_ref().is_ok_and(|response| response.status == 200 && body(response).is_some_and(|body| body.starts_with(&object)));
    assert!(kept, "tokens were lost: {}", String::from_utf8_lossy(&bytes));
}

fn shape<R: std::io::BufRead>(input: &mut R) -> Result<(u16, Option<Vec<u8>>, bool), String> {
    let response = response::read(input).map_err(|failure| format!("{:?}", failure.kind))?;
    let body = body(&response).map(<[u8]>::to_vec);
    assert!(body.as_ref().is_none_or(|body| body.len() <= MAX_BODY));
    assert!((100..1000).contains(&response.status));
    Ok((response.status, body, matches!(response.body, Body::Whole(_))))
}

fn body(response: &Response) -> Option<&[u8]> {
    match &response.body {
        Body::Whole(bytes) | Body::CutShort(bytes, _) => Some(bytes),
        Body::TooLarge => None,
    }
}

/// Decisions, one per byte. Without more bytes, the first of the choices.
struct Recipe<'a>(&'a [u8]);

impl Recipe<'_> {
    fn below(&mut self, bound: usize) -> usize {
        let mut byte = [0];
        let _ = self.0.read(&mut byte);
        usize::from(byte[0]) % bound
    }

    fn one<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len())]
    }

    fn text(&mut self, most: usize) -> Vec<u8> {
        let length = self.below(most).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        text.to_vec()
    }

    /// A response, and the object in it.
    fn response(&mut self) -> (Vec<u8>, Vec<u8>) {
        let filler: String = (0..self.below(40) * self.below(40)).map(|number| format!(" {number}")).collect();
        let object = format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":300,"refresh_token":"r","x":"{filler}"}}"#);
        let (labels, packed) = self.packed(object.as_bytes());
        let mut bytes =
            self.one(&["", "\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103\nLink: x\nContent-Length: 3\n\n"]).as_bytes().to_vec();
        let end = self.one(&["\r\n", "\n"]);
        bytes.extend(
            self.one(&["HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 200", "http/1.1  200  ", "HTTP/2 200 Gr\u{fc}n"]).as_bytes(),
        );
        bytes.extend(end.as_bytes());
        self.odd_fields(&mut bytes, end);
        for label in labels {
            bytes.extend(
                format!("{}{label}{end}", self.one(&["Content-Encoding: ", "content-encoding:", "CONTENT-ENCODING :\t"])).as_bytes(),
            );
        }
        // Cut off after the object, or with anything after it.
        match self.below(5) {
            0 => self.sized(&mut bytes, &packed, packed.len(), end),
            1 => {
                let missing = 1 + self.below(200);
                self.sized(&mut bytes, &packed, packed.len() + missing, end);
            }
            2 => {
                self.odd_fields(&mut bytes, end);
                bytes.extend([end.as_bytes(), &packed].concat());
                return (bytes, object.into_bytes());
            }
            _ => self.chunked(&mut bytes, &packed, end),
        }
        bytes.extend(self.text(200));
        (bytes, object.into_bytes())
    }

    fn packed(&mut self, object: &[u8]) -> (Vec<&'static str>, Vec<u8>) {
        let mut labels = Vec::new();
        let mut bytes = object.to_vec();
        for _ in 0..self.below(3) {
            let level = Compression::new(self.one(&[6, 0, 1, 9]));
            match self.below(4) {
                0 => {
                    bytes = finish(GzEncoder::new(Vec::new(), level), &bytes, GzEncoder::finish);
                    labels.push(self.one(&["gzip", "x-gzip", "GZIP", "identity"]));
                }
                1 => {
                    bytes = finish(ZlibEncoder::new(Vec::new(), level), &bytes, ZlibEncoder::finish);
                    labels.push(self.one(&["deflate", "identity"]));
                }
                // Without a header only the label can tell, so there is one layer of it.
                2 if !labels.contains(&"deflate") => {
                    bytes = finish(DeflateEncoder::new(Vec::new(), level), &bytes, DeflateEncoder::finish);
                    labels.push("deflate");
                }
                _ => {
                    // Members, one after the other.
                    let (one, other) = bytes.split_at(self.below(bytes.len().min(250)));
                    let member = |bytes| finish(GzEncoder::new(Vec::new(), level), bytes, GzEncoder::finish);
                    bytes = [member(one), member(other)].concat();
                    labels.push("gzip");
                }
            }
        }
        (labels, bytes)
    }

    /// Fields that are not used, and lines that are not fields.
    fn odd_fields(&mut self, bytes: &mut Vec<u8>, end: &str) {
        // So that no folded line continues a field that is used.
        bytes.extend(format!("X: y{end}").as_bytes());
        for _ in 0..self.one(&[0, 1, 3, 150]) {
            let mut line = match self.below(4) {
                0 => b"X-Field: value".to_vec(),
                1 => [b"X-", self.text(30).as_slice()].concat(),
                2 => [b" ", self.text(30).as_slice()].concat(),
                _ => [b"Retry-After: ", self.text(30).as_slice()].concat(),
            };
            line.retain(|byte| !matches!(byte, b'\r' | b'\n'));
            bytes.extend(line);
            bytes.extend(end.as_bytes());
        }
    }

    fn sized(&mut self, bytes: &mut Vec<u8>, body: &[u8], length: usize, end: &str) {
        for _ in 0..=self.below(2) {
            bytes.extend(format!("{}{length}{end}", self.one(&["Content-Length: ", "content-length:", "Content-Length :  "])).as_bytes());
        }
        self.odd_fields(bytes, end);
        bytes.extend(end.as_bytes());
        bytes.extend(body);
    }

    fn chunked(&mut self, bytes: &mut Vec<u8>, mut body: &[u8], end: &str) {
        bytes.extend(self.one(&["X: z", "Content-Length: 7", "Transfer-Encoding: identity"]).as_bytes());
        bytes.extend(format!("{end}Transfer-Encoding: {}{end}", self.one(&["chunked", "Chunked ", "identity, chunked"])).as_bytes());
        self.odd_fields(bytes, end);
        bytes.extend(end.as_bytes());
        while !body.is_empty() {
            let (chunk, rest) = body.split_at((1 + self.below(256) * self.one(&[1, 16])).min(body.len()));
            let extension = self.one(&["", ";a", " ", ";a=\"b;c\""]);
            bytes.extend(format!("{}{:x}{extension}{end}", self.one(&["", "0", "000"]), chunk.len()).as_bytes());
            bytes.extend(chunk);
            bytes.extend(self.one(&[end, "", "\r\n\r\n"]).as_bytes());
            body = rest;
        }
        bytes.extend(self.one(&["0\r\n\r\n", "0\r\n", "0", "00;x\n", "", "ff\r\n", "rubbish\r\n"]).as_bytes());
    }
}

fn finish<W: Write>(mut encoder: W, bytes: &[u8], end: impl Fn(W) -> std::io::Result<Vec<u8>>) -> Vec<u8> {
    encoder.write_all(bytes).and_then(|()| end(encoder)).expect("a vector takes everything")
}
