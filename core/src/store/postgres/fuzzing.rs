//! Any bytes as what a server says, for fuzzing.

use protocol::error::Error;

use super::check;
use super::exchange::{Failure, exchange};
use super::pipeline::{Pipeline, Value};
use super::recording::Recording;
use super::sql_error::Place;
use super::startup::{Login, Protection, log_in};
use super::table::{Statements, Table};
use super::wire::Wire;
use crate::store::remote::address::Address;
use crate::store::remote::failure::connection_failed;

/// Logs in at a server that says these bytes, `piece` of them at a time, and loads a login.
/// Returns what it said and what it was told, or the error of the operation.
pub fn answered_by(said: &[u8], piece: usize, password: &str) -> Result<(String, Vec<u8>), Error> {
    let (address, table) = (Address::Tcp { host: "db.example".to_owned(), port: 5432 }, Table::parse(None)?);
    let place = Place { address: &address, table: &table, role: "app" };
    let broken = |cause| connection_failed(&address, cause);
    let login = Login {
        user: "app",
        database: "logins",
        application_name: "fuzzing",
        password: Some(password),
        protection: Protection::ThisMachine,
    };
    let mut wire = Wire::new(Recording::new(said).in_pieces(piece));
    let is_standby = log_in(&mut wire, login).map_err(|refusal| refusal.at(place, login.database))?;
    let values = [Value::Text("the key"), Value::Number(Some(0)), Value::Flag(true)];
    let load = Pipeline::new().then(&Statements::new(&table).load, &values).map_err(broken)?;
    let (result, _) = exchange(&mut wire, &load);
    let outcomes = result.map_err(|failure| match failure {
        Failure::Sql(error) => error.at(place),
        Failure::Io(cause) => broken(cause),
    })?;
    let mut seen = format!("{is_standby:?} {outcomes:?}");
    for row in outcomes.iter().flat_map(|outcome| &outcome.rows) {
        let columns = (row.flag(0).ok(), row.text(1).ok(), row.bytes(2).ok(), row.number(3).ok());
        seen += &format!("{columns:?} {:?}", check::findings(row, place, true).ok());
    }
    Ok((seen, wire.stream().sent.clone()))
}
