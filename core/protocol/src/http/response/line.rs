//! Lines of a head or of a chunked body.

use std::io::{self, BufRead, Read};

/// A line without its end. Both CRLF and LF end one.
pub(super) struct Line {
    pub(super) text: Vec<u8>,
    /// Whether it had a line end within `most` bytes and before the input ended.
    pub(super) ended: bool,
    /// How many bytes were read.
    pub(super) taken: usize,
}

/// The next line. At most `most` bytes are read.
pub(super) fn read(input: &mut impl BufRead, most: usize) -> io::Result<Line> {
    let mut text = Vec::new();
    let taken = input.by_ref().take(most as u64).read_until(b'\n', &mut text)?;
    let ended = text.pop_if(|byte| *byte == b'\n').is_some();
    if ended {
        text.pop_if(|byte| *byte == b'\r');
    }
    Ok(Line { text, ended, taken })
}
