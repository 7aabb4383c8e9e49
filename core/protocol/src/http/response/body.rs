//! The body of a response, as its framing says (RFC 9112, sections 6 and 7). What was received is
//! kept even if the rest is missing.

use std::io::{BufRead, Read};

use super::failure::{broken, closed, not_http};
use super::head::Framing;
use super::line::{self, Line};
use crate::http::TransportError;

/// The most bytes of a body, also after it is unpacked.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// The longest line with a chunk's size and extensions.
const MAX_LINE: usize = 16 * 1024;

pub(super) struct Content {
    pub(super) bytes: Vec<u8>,
    pub(super) end: End,
}

pub(super) enum End {
    Whole,
    TooLarge,
    /// The rest is missing, or could not be read.
    Cut(TransportError),
}

pub(super) fn read(input: &mut impl BufRead, framing: Framing) -> Content {
    let mut bytes = Vec::new();
    let end = match framing {
        Framing::Empty => End::Whole,
        Framing::Chunked => read_chunks(input, &mut bytes),
        Framing::Length(length) => append(input, length, &mut bytes).err().unwrap_or(End::Whole),
        Framing::UntilClose => read_on(input, &mut bytes),
    };
    Content { bytes, end }
}

fn read_on(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> End {
    read_up_to(input, u64::MAX, bytes).err().unwrap_or(End::Whole)
}

/// The last chunk ends the body. Trailers are not used, and are often missing.
fn read_chunks(input: &mut impl BufRead, bytes: &mut Vec<u8>) -> End {
    loop {
        let line = match line::read(input, MAX_LINE) {
            Ok(line) => line,
            Err(cause) => return End::Cut(broken(cause)),
        };
        match size(&line) {
            Some(0) => return End::Whole,
            Some(size) => {
                if let Err(end) = append(input, size, bytes) {
                    return end;
                }
            }
            None if line.taken == 0 => return End::Cut(closed("closed before the last chunk")),
            // The line end of the chunk before.
            None if line.ended && line.text.trim_ascii().is_empty() => {}
            None if bytes.is_empty() => {
                // The body is not chunked, though the head says so.
                bytes.extend(&line.text);
                bytes.extend(line.ended.then_some(b'\n'));
                return read_on(input, bytes);
            }
            None => return End::Cut(not_http("a chunk without a size")),
        }
    }
}

/// A chunk's size. What follows it are extensions.
fn size(line: &Line) -> Option<u64> {
    let digits = line.text.split(|byte| *byte == b';').next()?.trim_ascii();
    let digits = std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    match digits.trim_start_matches('0') {
        "" if digits.is_empty() => None,
        "" => Some(0),
        // More digits than fit are more than any body has.
        digits => Some(u64::from_str_radix(digits, 16).unwrap_or(u64::MAX)),
    }
}

/// Appends `count` bytes, or says why they are missing.
fn append(input: &mut impl BufRead, count: u64, bytes: &mut Vec<u8>) -> Result<(), End> {
    match read_up_to(input, count, bytes)? {
        read if read < count => Err(End::Cut(closed("closed within the body"))),
        _ => Ok(()),
    }
}

/// Appends up to `count` bytes: fewer if the input ends.
fn read_up_to(input: &mut impl BufRead, count: u64, bytes: &mut Vec<u8>) -> Result<u64, End> {
    let room = (MAX_BODY + 1 - bytes.len()) as u64;
    match input.by_ref().take(count.min(room)).read_to_end(bytes) {
        Err(cause) => Err(End::Cut(broken(cause))),
        Ok(_) if bytes.len() > MAX_BODY => Err(End::TooLarge),
        Ok(read) => Ok(read as u64),
    }
}
