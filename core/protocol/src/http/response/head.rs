//! The head of a response: the status line, and the few fields that are used. Every other line may
//! be anything.

use std::io::BufRead;

use super::failure::{broken, closed, not_http};
use super::line;
use crate::http::{Headers, TransportError};

/// The most bytes of all heads of a response together: interim ones precede the final one.
const MAX_HEAD: usize = 256 * 1024;

pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    /// In the order in which they were applied.
    pub(super) codings: Vec<String>,
    pub(super) headers: Headers,
}

/// Where the body ends (RFC 9112, section 6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Empty,
    Chunked,
    Length(u64),
    UntilClose,
}

/// Reads up to the end of the final head.
pub(super) fn read(input: &mut impl BufRead) -> Result<Head, TransportError> {
    let mut room = MAX_HEAD;
    loop {
        let (status, fields) = read_one(input, &mut room)?;
        // After 101 the connection is no longer HTTP.
        if status == 101 || status >= 200 {
            return Ok(fields.head(status));
        }
    }
}

fn read_one(input: &mut impl BufRead, room: &mut usize) -> Result<(u16, Fields), TransportError> {
    let mut first = next_line(input, room)?;
    while first.is_empty() {
        first = next_line(input, room)?;
    }
    let status = status(&first).ok_or_else(|| not_http("no status line"))?;
    let mut fields = Fields::default();
    loop {
        let line = next_line(input, room)?;
        if line.is_empty() {
            return Ok((status, fields));
        }
        fields.add(&line);
    }
}

fn next_line(input: &mut impl BufRead, room: &mut usize) -> Result<Vec<u8>, TransportError> {
    let line = line::read(input, *room).map_err(broken)?;
    *room -= line.taken;
    match line.ended {
        true => Ok(line.text),
        false if *room == 0 => Err(not_http("the head is too long")),
        false => Err(closed("closed within the head")),
    }
}

/// `HTTP/1.1 200 OK`, with or without a reason, of any version.
fn status(line: &[u8]) -> Option<u16> {
    let (version, rest) = line.split_at_checked(5)?;
    if !version.eq_ignore_ascii_case(b"HTTP/") {
        return None;
    }
    let rest = rest[rest.iter().position(u8::is_ascii_whitespace)?..].trim_ascii_start();
    let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let status = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
    (digits == 3 && status >= 100).then_some(status)
}

/// The values of the fields that are used, each as often as it was sent.
#[derive(Default)]
struct Fields {
    values: [Vec<Vec<u8>>; FRAMING.len() + Headers::NAMES.len()],
    /// Which of them the last line was, if any: a folded line continues it (RFC 9112, section 5.2).
    last: Option<usize>,
}

const FRAMING: [&str; 3] = ["content-length", "transfer-encoding", "content-encoding"];
const CONTENT_LENGTH: usize = 0;
const TRANSFER_ENCODING: usize = 1;
const CONTENT_ENCODING: usize = 2;

impl Fields {
    fn add(&mut self, line: &[u8]) {
        if line[0] == b' ' || line[0] == b'\t' {
            if let Some(value) = self.last.and_then(|last| self.values[last].last_mut()) {
                value.push(b' ');
                value.extend(line.trim_ascii());
            }
            return;
        }
        self.last = None;
        let Some(colon) = line.iter().position(|byte| *byte == b':') else { return };
        let (name, value) = (line[..colon].trim_ascii(), line[colon + 1..].trim_ascii());
        let mut names = FRAMING.iter().chain(&Headers::NAMES);
        if let Some(known) = names.position(|known| name.eq_ignore_ascii_case(known.as_bytes())) {
            self.last = Some(known);
            self.values[known].push(value.to_vec());
        }
    }

    fn head(&self, status: u16) -> Head {
        let (transfer, mut codings) = (self.elements(TRANSFER_ENCODING), self.elements(CONTENT_ENCODING));
        let framing = match status {
            101 | 204 | 304 => Framing::Empty,
            _ if transfer.iter().any(|coding| coding == "chunked") => Framing::Chunked,
            _ if transfer.iter().any(|coding| coding != "identity") => Framing::UntilClose,
            _ => self.length().map_or(Framing::UntilClose, Framing::Length),
        };
        codings.extend(transfer);
        Head { status, framing, codings, headers: self.headers() }
    }

    /// The elements of a list (RFC 9110, section 5.6.1), without parameters and in lower case.
    fn elements(&self, field: usize) -> Vec<String> {
        self.values[field]
            .iter()
            .flat_map(|value| value.split(|byte| *byte == b','))
            .map(|element| element.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii())
            .filter(|element| !element.is_empty())
            .map(|element| String::from_utf8_lossy(element).to_ascii_lowercase())
            .collect()
    }

    /// The length that all fields agree on. If they differ, or one is not a number, only the end of
    /// the connection can tell.
    fn length(&self) -> Option<u64> {
        let lengths = self.elements(CONTENT_LENGTH);
        let first = lengths.first()?.trim_matches('"');
        let same = lengths.iter().all(|length| length.trim_matches('"') == first);
        let number = !first.is_empty() && first.bytes().all(|byte| byte.is_ascii_digit());
        // A number that does not fit is longer than any body.
        (same && number).then(|| first.parse().unwrap_or(u64::MAX))
    }

    fn headers(&self) -> Headers {
        let kept = Headers::NAMES.into_iter().zip(&self.values[FRAMING.len()..]);
        kept.flat_map(|(name, values)| values.iter().map(move |value| (name, text(value)))).collect()
    }
}

/// A value as text: in Latin-1 if it is not UTF-8.
fn text(value: &[u8]) -> String {
    let value = value.trim_ascii();
    std::str::from_utf8(value).map_or_else(|_| value.iter().copied().map(char::from).collect(), str::to_owned)
}
