//! What the server says went wrong.

use std::io;

use fallible_iterator::FallibleIterator as _;
use postgres_protocol::message::backend::ErrorFields;
use protocol::error::Error;

use super::table::{Table, quote};
use crate::store::remote::address::Address;
use crate::store::remote::failure::{misconfigured, unavailable};

/// An error of the server, by its SQLSTATE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SqlError {
    pub(super) code: String,
    message: String,
}

/// Whose error it is.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) address: &'a Address,
    pub(super) table: &'a Table,
    pub(super) role: &'a str,
}

pub(super) const NO_TABLE: &str = "42P01";
pub(super) const NO_SCHEMA: &str = "3F000";
pub(super) const NO_RIGHT: &str = "42501";
const LONGEST_MESSAGE: usize = 200;

impl SqlError {
    pub(super) fn read(mut fields: ErrorFields<'_>) -> io::Result<Self> {
        let (mut code, mut message) = (String::new(), String::new());
        while let Some(field) = fields.next()? {
            match field.type_() {
                b'C' => code = clean(field.value_bytes()),
                b'M' => message = clean(field.value_bytes()),
                _ => {}
            }
        }
        Ok(Self { code, message })
    }

    /// Nothing was stored, because others were faster.
    pub(super) fn is_conflict(&self) -> bool {
        matches!(self.code.as_str(), "40001" | "40P01")
    }

    /// Whether the server or a pooler has given up the connection, or the server is a standby. The
    /// other connections are no better.
    pub(super) fn is_about_the_server(&self) -> bool {
        matches!(self.class(), "08" | "57") && self.code != "57014" || self.code == "25006"
    }

    fn says(&self) -> String {
        format!("(SQLSTATE {}: {})", self.code, self.message)
    }

    fn class(&self) -> &str {
        self.code.get(..2).unwrap_or_default()
    }

    /// The error of a login, in which nothing is about the table yet.
    pub(super) fn of_login(&self, place: Place<'_>, database: &str) -> Error {
        if self.code != NO_RIGHT {
            return self.at(place);
        }
        let role = place.role;
        let grant = format!("GRANT CONNECT ON DATABASE {} TO {};", quote(database), quote(role));
        let problem = format!("the role {role} may not connect to the database; an administrator grants it by: {grant}");
        misconfigured(place.address, &format!("{problem} {}", self.says()))
    }

    /// The error for the caller, with what to do.
    pub(super) fn at(&self, place: Place<'_>) -> Error {
        let Place { address, table, role } = place;
        let name = table.quoted();
        let says = self.says();
        let lasting = |problem: String| misconfigured(address, &format!("{problem} {says}"));
        let passing = |problem: &str| unavailable(address, &format!("{problem} {says}"));
        match (self.class(), self.code.as_str()) {
            (_, NO_TABLE) => lasting(format!("there is no table {name}; an administrator creates it by: {}", table.script(role))),
            (_, NO_SCHEMA) => lasting(format!("there is no schema for {name}; an administrator creates it by: {}", table.script(role))),
            (_, NO_RIGHT) => {
                lasting(format!("the role {role} lacks a right to {name}; an administrator grants it by: {}", table.grants(role)))
            }
            ("42" | "0A" | "22" | "23", _) => {
                lasting(format!("the table {name} is not as this library creates it; compare it with: {}", table.script(role)))
            }
            ("28", _) => lasting(format!("the server refused the role {role}; correct user and password, or pg_hba.conf")),
            (_, "3D000") => lasting("there is no such database; create it, or correct its name".to_owned()),
            (_, "53300") => passing("the server has no free connection; set fewer connections, raise max_connections, or use pgbouncer"),
            (_, "53100") => passing("the server's disk is full; free some space"),
            (_, "55P03") => passing(
                "another transaction keeps the login locked; look for one that does not end, or waits for a synchronous standby that is away",
            ),
            (_, "25006") => passing("the server is a standby or read-only; try again when it is the primary, or give the primary's host"),
            (_, "57014") => passing("the server cancelled the statement; look for a statement_timeout that is too short"),
            // pgbouncer uses this SQLSTATE for all its errors.
            (_, "08P01") if ["authentication failed", "no such", "does not exist"].iter().any(|words| self.message.contains(words)) => {
                lasting(format!("the pooler refused the role {role} or the database; correct them, or the pooler's settings"))
            }
            ("57" | "08", _) => {
                passing("the server, or the one behind a pooler, is stopping, starting or not reachable; try again when it is there")
            }
            _ => passing("the server reports an error; try again"),
        }
    }
}

/// As one short line.
fn clean(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests {
    use protocol::error::Remedy;

    use super::*;

    fn shown(code: &str) -> Error {
        let error = SqlError { code: code.to_owned(), message: "it says so".to_owned() };
        let address = Address::Tcp { host: "db".to_owned(), port: 5432 };
        error.at(Place { address: &address, table: &Table::parse(Some("auth.t")).unwrap(), role: "app" })
    }

    #[test]
    fn each_error_has_its_remedy_and_names_server_and_sqlstate() {
        for code in ["28P01", "28000", "3D000", "42P01", "42501", "42703", "42P10", "3F000"] {
            assert_eq!(shown(code).remedy(), Remedy::FixConfiguration, "{code}");
        }
        for code in ["08006", "53300", "53100", "57P01", "57P03", "57014", "25006", "40001", "55P03", "XX000", "", "5"] {
            assert_eq!(shown(code).remedy(), Remedy::TryLater, "{code}");
        }
        for code in ["28P01", "53300", "XX000"] {
            let text = shown(code).to_string();
            assert!(text.starts_with("store db:5432: ") && text.ends_with(&format!("(SQLSTATE {code}: it says so)")), "{text}");
        }
    }

    #[test]
    fn a_missing_table_or_right_comes_with_the_script() {
        for (code, creates) in [("42P01", true), ("3F000", true), ("42501", false)] {
            let text = shown(code).to_string();
            assert_eq!(text.contains("CREATE TABLE IF NOT EXISTS \"auth\".\"t\""), creates, "{text}");
            assert!(text.contains("DELETE ON \"auth\".\"t\" TO \"app\";"), "{text}");
        }
    }

    #[test]
    fn a_right_that_a_login_lacks_is_that_to_connect() {
        let address = Address::Tcp { host: "db".to_owned(), port: 5432 };
        let (table, error) = (Table::parse(None).unwrap(), |code: &str| SqlError { code: code.to_owned(), message: String::new() });
        let place = Place { address: &address, table: &table, role: "app" };
        let text = error(NO_RIGHT).of_login(place, "my \"db\"").to_string();
        assert!(text.contains(r#"by: GRANT CONNECT ON DATABASE "my ""db""" TO "app"; (SQLSTATE"#) && !text.contains("SELECT"), "{text}");
        assert_eq!(error("28P01").of_login(place, "d").to_string(), error("28P01").at(place).to_string());
    }

    #[test]
    fn the_words_of_the_server_become_one_short_line() {
        assert_eq!(clean(b"a\nb\xff\x1b"), "a b\u{FFFD} ");
        assert_eq!(clean(&[b'x'; 5000]).len(), LONGEST_MESSAGE);
    }
}
