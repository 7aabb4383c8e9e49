//! Statements that are sent together, so that they take one round trip.

use std::io;

use bytes::{BufMut as _, BytesMut};
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend::{self, BindError};

/// Statements without names: a pooler may give each transaction another connection, on which the
/// names of earlier statements are not known.
#[derive(Default)]
pub(super) struct Pipeline(BytesMut);

/// A parameter of a statement.
#[derive(Clone, Copy)]
pub(super) enum Value<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Number(Option<i64>),
    Flag(bool),
}

const UNNAMED: &str = "";
const BINARY: i16 = 1;

impl Pipeline {
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a statement.
    pub(super) fn then(mut self, sql: &str, values: &[Value<'_>]) -> io::Result<Self> {
        frontend::parse(UNNAMED, sql, values.iter().map(Value::oid), &mut self.0)?;
        frontend::bind(UNNAMED, UNNAMED, [BINARY], values, |value, buffer| Ok(value.write(buffer)), [BINARY], &mut self.0).map_err(
            |error| match error {
                BindError::Conversion(cause) => io::Error::other(cause),
                BindError::Serialization(cause) => cause,
            },
        )?;
        frontend::execute(UNNAMED, 0, &mut self.0)?;
        Ok(self)
    }

    pub(super) fn write(&self, buffer: &mut BytesMut) {
        buffer.extend_from_slice(&self.0);
        frontend::sync(buffer);
    }
}

impl Value<'_> {
    /// The type's number in PostgreSQL's catalog, where it is fixed.
    fn oid(&self) -> u32 {
        match self {
            Self::Flag(_) => 16,
            Self::Bytes(_) => 17,
            Self::Number(_) => 20,
            Self::Text(_) => 25,
        }
    }

    fn write(&self, buffer: &mut BytesMut) -> IsNull {
        match self {
            Self::Flag(flag) => buffer.put_u8((*flag).into()),
            Self::Bytes(bytes) => buffer.put_slice(bytes),
            Self::Text(text) => buffer.put_slice(text.as_bytes()),
            Self::Number(Some(number)) => buffer.put_i64(*number),
            Self::Number(None) => return IsNull::Yes,
        }
        IsNull::No
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_statement_is_sent_with_its_types_and_values_and_one_sync() {
        let values = [Value::Text("k"), Value::Bytes(b"\0"), Value::Number(Some(-1)), Value::Number(None), Value::Flag(true)];
        let pipeline = Pipeline::new().then("BEGIN", &[]).unwrap().then("SELECT", &values).unwrap();
        let mut sent = BytesMut::new();
        pipeline.write(&mut sent);
        let tags = |tag: u8| sent.iter().filter(|byte| **byte == tag).count();
        assert!(sent.ends_with(b"S\0\0\0\x04") && tags(b'P') == 2);
        let types = b"\0SELECT\0\0\x05\0\0\0\x19\0\0\0\x11\0\0\0\x14\0\0\0\x14\0\0\0\x10";
        let bound = b"\0\x05\0\0\0\x01k\0\0\0\x01\0\0\0\0\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\x01\x01\0\x01\0\x01";
        for part in [&types[..], bound] {
            assert!(sent.windows(part.len()).any(|window| window == part), "{sent:?}");
        }
    }
}
