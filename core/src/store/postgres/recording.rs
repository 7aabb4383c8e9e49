//! A connection whose server follows a script. It keeps what is sent to the server.

use std::io::{self, Read, Write};

pub(super) struct Recording {
    answer: Vec<u8>,
    at: usize,
    piece: usize,
    pub(super) sent: Vec<u8>,
}

impl Recording {
    pub(super) fn new(answer: &[u8]) -> Self {
        Self { answer: answer.to_vec(), at: 0, piece: usize::MAX, sent: Vec::new() }
    }

    /// Gives no more than this with each read.
    pub(super) fn in_pieces(self, piece: usize) -> Self {
        Self { piece, ..self }
    }
}

impl Read for Recording {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = &self.answer[self.at..];
        let length = rest.len().min(buffer.len()).min(self.piece);
        buffer[..length].copy_from_slice(&rest[..length]);
        self.at += length;
        Ok(length)
    }
}

impl Write for Recording {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sent.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
