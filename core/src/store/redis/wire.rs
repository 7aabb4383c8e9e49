//! Commands and replies on a byte stream.

use std::io::{self, Read, Write};

use ::redis::{Cmd, Parser, Value};

use super::refusal::Refusal;
use crate::store::remote::failure::malformed;

/// The longest reply that is read. Logins have a few kilobytes, and pages of keys 100.
const LONGEST_REPLY: usize = 64 << 20;

/// The replies of a server, in the order of the commands.
pub(super) struct Wire<S> {
    stream: S,
    parser: Parser,
}

impl<S: Read + Write> Wire<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, parser: Parser::new() }
    }

    /// Sends the commands together, and returns their replies. An error means that the connection
    /// is of no use any more, and that the commands may have been carried out.
    pub(super) fn ask<const N: usize>(&mut self, commands: [&Cmd; N]) -> io::Result<[Reply; N]> {
        let replies = self.ask_all(&commands)?;
        Ok(replies.try_into().expect("there is a reply to each command"))
    }

    pub(super) fn ask_all(&mut self, commands: &[&Cmd]) -> io::Result<Vec<Reply>> {
        let mut packed = Vec::new();
        for command in commands {
            command.write_packed_command(&mut packed);
        }
        self.stream.write_all(&packed)?;
        self.stream.flush()?;
        commands.iter().map(|_| self.reply()).collect()
    }

    fn reply(&mut self) -> io::Result<Reply> {
        let mut capped = Capped { stream: &mut self.stream, left: LONGEST_REPLY, failure: None };
        match self.parser.parse_value(&mut capped) {
            Ok(Value::ServerError(error)) => Ok(Err(Refusal::new(&error))),
            Ok(value) => Ok(Ok(value)),
            // The parser's own words quote what it read.
            Err(error) => Err(capped.failure.unwrap_or_else(|| match error.is_io_error() {
                true => io::ErrorKind::UnexpectedEof.into(),
                false => not_redis(),
            })),
        }
    }

    pub(super) fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Whether the parser has read nothing beyond the last reply.
    pub(super) fn is_even(&mut self) -> bool {
        struct Nothing;
        impl Read for Nothing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::WouldBlock.into())
            }
        }
        self.parser.parse_value(Nothing).is_err_and(|error| error.is_io_error())
    }
}

pub(super) type Reply = Result<Value, Refusal>;

/// Something was received that no Redis sends as the reply.
pub(super) fn not_redis() -> io::Error {
    malformed("this was not a reply of Redis")
}

/// Passes on at most so many bytes, and keeps the error, which the parser would wrap.
struct Capped<'a, S> {
    stream: &'a mut S,
    left: usize,
    failure: Option<io::Error>,
}

impl<S: Read> Read for Capped<'_, S> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            self.failure = Some(io::Error::new(io::ErrorKind::InvalidData, "a reply was longer than 64 MiB"));
            return Err(io::ErrorKind::InvalidData.into());
        }
        let end = buffer.len().min(self.left);
        match self.stream.read(&mut buffer[..end]) {
            Ok(read) => {
                self.left -= read;
                Ok(read)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let kind = error.kind();
                self.failure = Some(error);
                Err(kind.into())
            }
        }
    }
}

/// What `HMGET`, `SCAN` and others respond with.
pub(super) fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

pub(super) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

pub(super) fn text(value: Value) -> Option<String> {
    String::from_utf8(bytes(value)?).ok()
}

pub(super) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use ::redis::cmd;

    use super::*;

    /// A server that sends this, in pieces of so many bytes, and then nothing.
    struct Script {
        bytes: Vec<u8>,
        piece: usize,
        at: usize,
    }

    impl Read for Script {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let piece = &self.bytes[self.at..];
            let length = piece.len().min(self.piece).min(buffer.len());
            if length == 0 {
                return Err(io::ErrorKind::TimedOut.into());
            }
            buffer[..length].copy_from_slice(&piece[..length]);
            self.at += length;
            Ok(length)
        }
    }

    impl Write for Script {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn wire(bytes: impl Into<Vec<u8>>, piece: usize) -> Wire<Script> {
        Wire::new(Script { bytes: bytes.into(), piece, at: 0 })
    }

    fn one(bytes: impl Into<Vec<u8>>) -> io::Result<Reply> {
        wire(bytes, 1 << 16).ask([&cmd("PING")]).map(|[reply]| reply)
    }

    #[test]
    fn replies_are_read_however_they_are_cut() {
        for piece in [1, 2, 7, 1000] {
            let mut wire = wire("*2\r\n$2\r\na\n\r\n$-1\r\n-ERR no\r\n:-7\r\n", piece);
            let [first, second, third] = wire.ask([&cmd("A"), &cmd("B"), &cmd("C")]).unwrap();
            assert_eq!(first, Ok(Value::Array(vec![Value::BulkString(b"a\n".into()), Value::Nil])));
            assert!(second.is_err());
            assert_eq!(third, Ok(Value::Int(-7)));
        }
    }

    #[test]
    fn what_is_no_reply_breaks_the_connection_and_is_not_quoted() {
        for (bytes, kind) in [
            ("", io::ErrorKind::TimedOut),
            ("$10\r\nabc", io::ErrorKind::TimedOut),
            ("*9223372036854775807\r\n:1\r\n", io::ErrorKind::TimedOut),
            ("hunter2\r\n", io::ErrorKind::InvalidData),
            (":hunter2\r\n", io::ErrorKind::InvalidData),
            ("%-1\r\n:1\r\n", io::ErrorKind::InvalidData),
        ] {
            let error = one(bytes).unwrap_err();
            assert!(error.kind() == kind && !format!("{error} {error:?}").contains("hunter2"), "{bytes}: {error:?}");
        }
    }

    #[test]
    fn replies_that_are_too_deep_or_too_long_are_refused() {
        assert_eq!(one("*1\r\n".repeat(1_000_000)).unwrap_err().kind(), io::ErrorKind::InvalidData);
        let long = format!("${}\r\n", LONGEST_REPLY + 1) + &"x".repeat(LONGEST_REPLY);
        assert_eq!(one(long).unwrap_err().to_string(), "a reply was longer than 64 MiB");
    }

    #[test]
    fn a_reply_that_nobody_asked_for_shows() {
        let mut wire = wire("+OK\r\n+OK\r\n", 100);
        assert!(wire.ask([&cmd("A")]).is_ok());
        assert!(!wire.is_even());
        assert!(wire.is_even());
        let mut wire = self::wire("+OK\r\n", 100);
        assert!(wire.is_even() && wire.ask([&cmd("A")]).is_ok() && wire.is_even());
    }
}
