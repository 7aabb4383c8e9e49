//! One round trip: a pipeline, and the server's results.

use std::io::{self, Read, Write};

use bytes::Bytes;
use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend::{DataRowBody, ErrorFields, Message};

use super::pipeline::Pipeline;
use super::sql_error::SqlError;
use super::wire::Wire;
use crate::store::remote::failure::malformed;

/// What came of a statement.
#[derive(Debug, Default)]
pub(super) struct Outcome {
    pub(super) rows: Vec<Row>,
    /// Such as `UPDATE 1`.
    pub(super) tag: String,
    /// Whether the server warned while it ran the statement.
    pub(super) warned: bool,
}

/// A row, in the binary format.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Row(Vec<Option<Bytes>>);

/// Why there are no results.
#[derive(Debug)]
pub(super) enum Failure {
    Sql(SqlError),
    /// The connection is of no use any more.
    Io(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Runs the pipeline, one outcome for each statement. Also says whether the connection is as it
/// was before: in no transaction, and with nothing unread.
pub(super) fn exchange<S: Read + Write>(wire: &mut Wire<S>, pipeline: &Pipeline) -> (Result<Vec<Outcome>, Failure>, bool) {
    wire.begin();
    let sent = wire.send(|buffer| {
        pipeline.write(buffer);
        Ok(())
    });
    // A server that closes the connection may have said why.
    let cut = match sent {
        Ok(()) => None,
        Err(error) if error.kind() == io::ErrorKind::TimedOut => return (Err(error.into()), false),
        Err(error) => Some(error),
    };
    let mut said = None;
    let read = read(wire, &mut said);
    let is_clean = matches!(read, Ok((_, true))) && cut.is_none() && !wire.has_unread();
    let result = match (said, cut, read) {
        (Some(error), ..) => Err(Failure::Sql(error)),
        (None, Some(cut), _) => Err(cut.into()),
        (None, None, Err(error)) => Err(error.into()),
        (None, None, Ok((outcomes, _))) => Ok(outcomes),
    };
    (result, is_clean)
}

/// Until the server is ready: the outcomes, and whether it is in no transaction. The first error
/// is kept in `said`.
fn read<S: Read + Write>(wire: &mut Wire<S>, said: &mut Option<SqlError>) -> io::Result<(Vec<Outcome>, bool)> {
    let (mut outcomes, mut current) = (Vec::new(), Outcome::default());
    loop {
        match wire.receive()? {
            Message::DataRow(row) => current.rows.push(Row::read(&row)?),
            Message::CommandComplete(body) => {
                let tag = body.tag().map_err(malformed)?.to_owned();
                outcomes.push(Outcome { tag, ..std::mem::take(&mut current) });
            }
            Message::NoticeResponse(body) => current.warned |= is_warning(body.fields())?,
            Message::ErrorResponse(body) => {
                let error = SqlError::read(body.fields()).map_err(malformed)?;
                said.get_or_insert(error);
            }
            Message::ReadyForQuery(body) => return Ok((outcomes, body.status() == b'I')),
            Message::ParseComplete | Message::BindComplete | Message::ParameterStatus(_) | Message::NotificationResponse(_) => {}
            _ => return Err(malformed("a message that nothing asked for")),
        }
    }
}

fn is_warning(mut fields: ErrorFields<'_>) -> io::Result<bool> {
    // The severity in English, whatever the server's language.
    Ok(fields.find(|field| Ok(field.type_() == b'V')).map_err(malformed)?.is_some_and(|field| field.value_bytes() == b"WARNING"))
}

impl Outcome {
    /// How many rows the statement changed.
    pub(super) fn changed(&self) -> u64 {
        self.tag.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)
    }

    /// The only row.
    pub(super) fn row(&self) -> io::Result<&Row> {
        match self.rows.as_slice() {
            [row] => Ok(row),
            _ => Err(malformed("not one row")),
        }
    }
}

impl Row {
    fn read(body: &DataRowBody) -> io::Result<Self> {
        let columns = body.ranges().map(|range| Ok(range.map(|range| body.buffer_bytes().slice(range))));
        columns.collect().map(Self).map_err(malformed)
    }

    pub(super) fn bytes(&self, column: usize) -> io::Result<Option<&[u8]>> {
        self.0.get(column).map(Option::as_deref).ok_or_else(|| malformed("a row with too few columns"))
    }

    pub(super) fn text(&self, column: usize) -> io::Result<Option<String>> {
        self.bytes(column)?.map(|bytes| String::from_utf8(bytes.to_vec())).transpose().map_err(malformed)
    }

    pub(super) fn number(&self, column: usize) -> io::Result<Option<i64>> {
        let number = self.bytes(column)?.map(|bytes| bytes.try_into().map(i64::from_be_bytes));
        number.transpose().map_err(|_| malformed("a number of another type than bigint"))
    }

    /// NULL is no.
    pub(super) fn flag(&self, column: usize) -> io::Result<bool> {
        match self.bytes(column)? {
            Some([1]) => Ok(true),
            Some([0]) | None => Ok(false),
            Some(_) => Err(malformed("not a boolean")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::recording::Recording;
    use super::super::testing::{error, message};
    use super::*;

    fn ask(answer: &[u8]) -> (Result<Vec<Outcome>, Failure>, bool) {
        let pipeline = Pipeline::new().then("SELECT 1", &[]).unwrap();
        exchange(&mut Wire::new(Recording::new(answer)), &pipeline)
    }

    fn ready(status: u8) -> Vec<u8> {
        message(b'Z', &[status])
    }

    #[test]
    fn each_statement_has_its_rows_and_tag() {
        let row = message(b'D', b"\0\x04\0\0\0\x01k\xff\xff\xff\xff\0\0\0\x08\0\0\0\0\0\0\0\x07\0\0\0\x01\x01");
        let answer =
            [message(b'1', b""), message(b'2', b""), row, message(b'C', b"SELECT 1\0"), message(b'C', b"UPDATE 12\0"), ready(b'I')]
                .concat();
        let (outcomes, is_clean) = ask(&answer);
        let outcomes = outcomes.unwrap();
        assert!(is_clean && outcomes.len() == 2);
        assert_eq!((outcomes[0].changed(), outcomes[1].changed()), (1, 12));
        let row = outcomes[0].row().unwrap();
        assert_eq!((row.text(0).unwrap().as_deref(), row.bytes(1).unwrap()), (Some("k"), None));
        assert_eq!((row.number(2).unwrap(), row.flag(3).unwrap(), row.flag(1).unwrap()), (Some(7), true, false));
        assert!(row.bytes(4).is_err() && row.number(0).is_err() && row.flag(2).is_err() && outcomes[1].row().is_err());
    }

    #[test]
    fn the_first_error_is_the_one_also_if_the_server_closes_the_connection() {
        let both = [error("42P01", "no table"), error("25P02", "aborted")].concat();
        for (end, usable) in [(ready(b'I'), true), (ready(b'E'), false), (Vec::new(), false)] {
            let (outcome, is_clean) = ask(&[both.clone(), end].concat());
            assert!(matches!(outcome, Err(Failure::Sql(error)) if error.code == "42P01"));
            assert_eq!(is_clean, usable);
        }
    }

    #[test]
    fn a_connection_in_a_transaction_or_with_more_to_read_is_not_used_again() {
        let done = message(b'C', b"SELECT 0\0");
        for rest in [ready(b'T'), ready(b'E'), [ready(b'I'), b"N".to_vec()].concat()] {
            let (outcome, is_clean) = ask(&[done.clone(), rest].concat());
            assert!(outcome.is_ok() && !is_clean);
        }
    }

    #[test]
    fn a_warning_belongs_to_the_statement_that_runs() {
        let warning = message(b'N', b"SWARNUNG\0VWARNING\0C01000\0Mcanceling wait\0\0");
        let notice = message(b'N', b"SNOTICE\0VNOTICE\0C00000\0Mby the way\0\0");
        let answer = [notice, message(b'C', b"UPDATE 1\0"), warning, message(b'C', b"COMMIT\0"), ready(b'I')].concat();
        let outcomes = ask(&answer).0.unwrap();
        assert_eq!([outcomes[0].warned, outcomes[1].warned], [false, true]);
    }

    #[test]
    fn what_is_no_answer_ends_the_connection() {
        for answer in [
            &b""[..],
            b"HTTP/1.1 400 Bad Request\r\n",
            &message(b'R', b"\0\0\0\0"),
            &message(b'D', b"\0\x01\0\0\0\x09k"),
            &message(b'H', b"\0\0\0"),
        ] {
            let (outcome, is_clean) = ask(answer);
            assert!(matches!(outcome, Err(Failure::Io(_))) && !is_clean, "{answer:?}");
        }
    }
}
