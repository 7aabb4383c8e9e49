//! Lines of a head or of a chunked body.

use std::io::{self, BufRead, Read};

/// A line without its end. Both CRLF and LF end one.
pub(super) struct Line {
    pub(super) text: Vec<u8>,
    /// Whether its end was there, before `most` bytes and before the input's end.
    pub(super) ended: bool,
    /// How many bytes it took.
    pub(super) taken: usize,
}

/// The next line, of which at most so many bytes are read.
pub(super) fn read(input: &mut impl BufRead, most: usize) -> io::Result<Line> {
    let mut text = Vec::new();
    let taken = input.by_ref().take(most as u64).read_until(b'\n', &mut text)?;
    let ended = text.pop_if(|byte| *byte == b'\n').is_some();
    if ended {
        text.pop_if(|byte| *byte == b'\r');
    }
    Ok(Line { text, ended, taken })
}
