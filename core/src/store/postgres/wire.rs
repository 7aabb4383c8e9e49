//! Messages over a connection.

use std::io::{self, Read, Write};

use bytes::BytesMut;
use postgres_protocol::message::backend::{Header, Message};

use crate::store::remote::failure::malformed;

/// The most bytes that the server may send in one exchange: far more than a login has.
const MOST: usize = 64 << 20;
/// The same before the server has proved who it is.
const MOST_AT_FIRST: usize = 64 << 10;

const CHUNK: usize = 16 << 10;

/// Sends and receives messages. Generic, so that tests can speak for the server.
pub(super) struct Wire<S> {
    stream: S,
    received: BytesMut,
    to_send: BytesMut,
    /// How many bytes the server may still send in this exchange.
    left: usize,
}

impl<S: Read + Write> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, received: BytesMut::new(), to_send: BytesMut::new(), left: MOST_AT_FIRST }
    }

    pub(super) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Whether the server has sent more than was read.
    pub(super) fn has_unread(&self) -> bool {
        !self.received.is_empty()
    }

    /// Begins an exchange with a server that is known.
    pub(super) fn begin(&mut self) {
        self.left = MOST;
    }

    /// Sends what `write` writes.
    pub(super) fn send(&mut self, write: impl FnOnce(&mut BytesMut) -> io::Result<()>) -> io::Result<()> {
        self.to_send.clear();
        write(&mut self.to_send).map_err(malformed)?;
        self.stream.write_all(&self.to_send)?;
        self.stream.flush()
    }

    /// The next message. Memory grows with what the server has sent, not with what it announces.
    pub(super) fn receive(&mut self) -> io::Result<Message> {
        loop {
            if let Some(header) = Header::parse(&self.received).map_err(malformed)? {
                let length = usize::try_from(header.len()).map_err(malformed)? + 1;
                if length > self.left {
                    return Err(malformed("the server sent more than this library reads"));
                }
                if self.received.len() >= length {
                    self.left -= length;
                    return Message::parse(&mut self.received).map_err(malformed)?.ok_or_else(|| malformed("an incomplete message"));
                }
            }
            let before = self.received.len();
            self.received.resize(before + CHUNK, 0);
            let read = self.stream.read(&mut self.received[before..]);
            self.received.truncate(before + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::recording::Recording;
    use super::*;

    fn wire(answer: &[u8]) -> Wire<Recording> {
        Wire::new(Recording::new(answer))
    }

    #[test]
    fn messages_are_read_however_they_are_cut() {
        let answer = [&b"1\0\0\0\x04"[..], b"C\0\0\0\x0dUPDATE 1\0", b"Z\0\0\0\x05I"].concat();
        for piece in 1..answer.len() {
            let mut wire = Wire::new(Recording::new(&answer).in_pieces(piece));
            assert!(matches!(wire.receive().unwrap(), Message::ParseComplete));
            assert!(matches!(wire.receive().unwrap(), Message::CommandComplete(body) if body.tag().unwrap() == "UPDATE 1"));
            assert!(matches!(wire.receive().unwrap(), Message::ReadyForQuery(body) if body.status() == b'I'));
            assert!(!wire.has_unread());
            assert_eq!(wire.receive().err().unwrap().kind(), io::ErrorKind::UnexpectedEof);
        }
    }

    #[test]
    fn a_message_that_is_announced_too_long_is_refused_before_it_is_read() {
        for length in [MOST_AT_FIRST as u32, u32::MAX >> 1] {
            let announced = [&b"D"[..], &length.to_be_bytes()].concat();
            let error = wire(&announced).receive().err().unwrap();
            assert!(error.to_string().contains("more than"), "{error}");
        }
        for length in [0_u32, 3, u32::MAX] {
            let announced = [&b"D"[..], &length.to_be_bytes()].concat();
            assert_eq!(wire(&announced).receive().err().unwrap().kind(), io::ErrorKind::InvalidData);
        }
    }

    #[test]
    fn many_messages_together_are_refused_too() {
        let row = [&b"D\0\0\x40\0"[..], &vec![0; 0x4000 - 4]].concat();
        let mut wire = wire(&row.repeat(5));
        let read = (0..5).take_while(|_| wire.receive().is_ok()).count();
        assert_eq!(read, 3);
    }
}
