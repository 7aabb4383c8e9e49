//! What is wrong with a database, in words with the remedy.

use std::io;

use super::exchange::Row;
use super::pipeline::{Pipeline, Value};
use super::sql_error::Place;
use super::table::{FORMAT, Table};

/// Always one row. What is about the table is NULL if there is none.
const LOOK: &str = "SELECT pg_is_in_recovery(), current_setting('fsync') = 'off', current_setting('full_page_writes') = 'off', \
    c.oid IS NOT NULL, has_schema_privilege(to_regnamespace(coalesce(nullif($2, ''), quote_ident(current_schema())))::oid, 'CREATE'), \
    c.relpersistence <> 'p', row_security_active(c.oid), obj_description(c.oid, 'pg_class'), \
    has_table_privilege(c.oid, 'SELECT'), has_table_privilege(c.oid, 'INSERT'), \
    has_table_privilege(c.oid, 'UPDATE'), has_table_privilege(c.oid, 'DELETE'), \
    (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, NULL), ', ' ORDER BY a.attname) FROM pg_attribute AS a \
    WHERE a.attrelid = c.oid AND a.attname IN ('key', 'version', 'data', 'ends')), \
    EXISTS (SELECT 1 FROM pg_index AS i JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] \
    WHERE i.indrelid = c.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indnkeyatts = 1 AND a.attname = 'key') \
    FROM (VALUES (1)) AS always (one) LEFT JOIN pg_class AS c ON c.oid = to_regclass($1)";

const COLUMNS: [(&str, &str); 4] = [("key", "text"), ("version", "text"), ("data", "bytea"), ("ends", "bigint")];
const RIGHTS: [&str; 4] = ["SELECT", "INSERT", "UPDATE", "DELETE"];

/// The column that says whether there is a table.
pub(super) const HAS_TABLE: usize = 3;

pub(super) fn look(table: &Table) -> io::Result<Pipeline> {
    let schema = table.quoted_schema().unwrap_or_default();
    Pipeline::new().then(LOOK, &[Value::Text(&table.quoted()), Value::Text(&schema)])
}

/// What the row of [`look`] says is wrong. A table that will be created is not missing.
pub(super) fn findings(row: &Row, place: Place<'_>, create_table: bool) -> io::Result<Vec<String>> {
    let (table, script) = (place.table.quoted(), place.table.script(place.role));
    let mut findings = Vec::new();
    let mut find = |is_so: bool, problem: String| {
        if is_so {
            findings.push(format!("store {}: {problem}", place.address));
        }
    };
    find(row.flag(0)?, "the server is a standby; give the primary's host".to_owned());
    for (column, setting) in [(1, "fsync"), (2, "full_page_writes")] {
        find(row.flag(column)?, format!("{setting} is off, so a crash can lose or damage logins; set {setting} = on in postgresql.conf"));
    }
    if !row.flag(HAS_TABLE)? {
        find(!(create_table && row.flag(4)?), format!("there is no table {table}; an administrator creates it by: {script}"));
        return Ok(findings);
    }
    find(row.flag(5)?, format!("a crash would empty the table {table}; run ALTER TABLE {table} SET LOGGED"));
    find(row.flag(6)?, format!("row security hides rows of the table {table} from the role {}; disable it for this table", place.role));
    find(
        row.text(7)?.is_some_and(|comment| comment.starts_with("sipgate-oauth2 format ") && comment != FORMAT),
        format!("the table {table} was created by a newer version of this library; update the library"),
    );
    let rights = RIGHTS.iter().zip(8..).map(|(right, column)| Ok((!row.flag(column)?).then_some(*right)));
    let missing: Vec<_> = rights.collect::<io::Result<Vec<_>>>()?.into_iter().flatten().collect();
    find(
        !missing.is_empty(),
        format!(
            "the role {} may not {} in {table}; an administrator grants it by: {}",
            place.role,
            missing.join(", "),
            place.table.grants(place.role)
        ),
    );
    let types = row.text(12)?.unwrap_or_default();
    for (column, expected) in COLUMNS {
        let found = types.split(", ").find_map(|found| found.strip_prefix(column)?.strip_prefix(' '));
        match found {
            Some(found) if found == expected => {}
            Some(found) => find(true, format!("the column {column} of the table {table} is {found}; change its type to {expected}")),
            None => find(true, format!("the table {table} has no column {column}; add it with the type {expected}")),
        }
    }
    find(!row.flag(13)?, format!("the column key of the table {table} is not unique; make it the primary key"));
    Ok(findings)
}
