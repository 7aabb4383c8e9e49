//! The table, and the statements about it.

use protocol::error::{Error, Result};

const DEFAULT: &str = "sipgate_oauth2_logins";
pub(super) const FORMAT: &str = "sipgate-oauth2 format 1";

/// The name of the index is longer by this, and PostgreSQL cuts off what is longer than 63 bytes.
const INDEX: &str = "_ends";
const LONGEST_NAME: usize = 63;

/// The key of the marker, which is no login. It is before all others.
pub(super) const MARKER: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The table that keeps the logins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    schema: Option<String>,
    name: String,
}

impl Table {
    pub(super) fn parse(text: Option<&str>) -> Result<Self> {
        let text = text.unwrap_or(DEFAULT);
        let (schema, name) = match text.split_once('.') {
            Some((schema, name)) => (Some(schema), name),
            None => (None, text),
        };
        let is_name = |name: &str| {
            name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        if !is_name(name) || !schema.is_none_or(is_name) {
            return Err(Error::invalid_argument(
                "table",
                "is not the name of a table; give letters, digits and underscores, with or without a schema: auth.logins",
            ));
        }
        let longest = LONGEST_NAME - INDEX.len();
        if name.len() > longest || schema.is_some_and(|schema| schema.len() > LONGEST_NAME) {
            return Err(Error::invalid_argument("table", format_args!("is too long; use at most {longest} characters")));
        }
        Ok(Self { schema: schema.map(str::to_owned), name: name.to_owned() })
    }

    /// The schema, as it is written in SQL.
    pub(super) fn quoted_schema(&self) -> Option<String> {
        self.schema.as_deref().map(quote)
    }

    /// The name with its schema, as it is written in SQL.
    pub(super) fn quoted(&self) -> String {
        let name = quote(&self.name);
        self.quoted_schema().map_or_else(|| name.clone(), |schema| format!("{schema}.{name}"))
    }

    /// The statements that create the table if there is none. Half of each page stays free, so that
    /// an update finds room beside the old row. Logins are not compressed: they are short or
    /// random.
    pub(super) fn creation(&self) -> [String; 4] {
        let (table, index) = (self.quoted(), quote(&format!("{}{INDEX}", self.name)));
        [
            format!(
                "CREATE TABLE IF NOT EXISTS {table} (key text COLLATE \"C\" PRIMARY KEY, version text COLLATE \"C\" NOT NULL, \
                 data bytea NOT NULL, ends bigint) WITH (fillfactor = 50, toast_tuple_target = 4080, \
                 autovacuum_vacuum_scale_factor = 0.02)"
            ),
            format!("ALTER TABLE {table} ALTER COLUMN data SET STORAGE EXTERNAL"),
            format!("CREATE INDEX IF NOT EXISTS {index} ON {table} (ends) WHERE ends IS NOT NULL"),
            format!("COMMENT ON TABLE {table} IS '{FORMAT}'"),
        ]
    }

    /// What an administrator runs so that this role can use the table.
    pub(super) fn script(&self, role: &str) -> String {
        let schema = self.quoted_schema().map(|schema| format!("CREATE SCHEMA IF NOT EXISTS {schema}; "));
        format!("{}{}; {}", schema.unwrap_or_default(), self.creation().join("; "), self.grants(role))
    }

    /// The last part of it: all rights that the role needs.
    pub(super) fn grants(&self, role: &str) -> String {
        let role = quote(role);
        let schema = self.quoted_schema().map(|schema| format!("GRANT USAGE ON SCHEMA {schema} TO {role}; "));
        format!("{}GRANT SELECT, INSERT, UPDATE, DELETE ON {} TO {role};", schema.unwrap_or_default(), self.quoted())
    }

    /// The same for migrations, which know the role themselves.
    pub(super) fn schema_script(&self) -> String {
        let comment = "-- The logins of sipgate-oauth2. Their data are secret. The application's role needs:\n-- GRANT SELECT, INSERT, \
                       UPDATE, DELETE ON";
        let statements: String = self.creation().iter().map(|statement| format!("{statement};\n")).collect();
        format!("{comment} {} TO …;\n{statements}", self.quoted())
    }
}

/// The statements of the operations. Their parameters are numbered alike: 1 the key, 2 now.
pub(super) struct Statements {
    pub(super) load: String,
    pub(super) insert: String,
    pub(super) update: String,
    pub(super) mark: String,
    pub(super) sweep: String,
    pub(super) keys: String,
}

/// Settings of one transaction. They raise the durability if it is lower, and never lower it. A
/// statement that waits for a lock fails before the caller stops waiting. If this machine vanishes
/// before its commit has arrived, its lock ends after seconds instead of hours.
pub(super) const SETTINGS: &str = "SELECT set_config('lock_timeout', $1, true), CASE WHEN current_setting('synchronous_commit') \
                                   IN ('off', 'local') THEN set_config('synchronous_commit', 'on', true) END, \
                                   set_config('tcp_keepalives_idle', '10', true), set_config('tcp_keepalives_interval', '5', true), \
                                   set_config('tcp_keepalives_count', '3', true)";

impl Statements {
    pub(super) fn new(table: &Table) -> Self {
        let table = table.quoted();
        Self {
            // Always one row. The marker is read if it is asked for, or if there is no login.
            load: format!(
                "SELECT pg_is_in_recovery(), l.version, l.data, l.ends, CASE WHEN $3 OR l.key IS NULL THEN (SELECT m.version FROM {table} \
                 AS m WHERE m.key = '{MARKER}') END FROM (VALUES (1)) AS always (one) LEFT JOIN {table} AS l ON l.key = $1 AND (l.ends \
                 IS NULL OR l.ends >= $2)"
            ),
            insert: format!(
                "INSERT INTO {table} AS l (key, version, data, ends) VALUES ($1, $3, $4, $5) ON CONFLICT (key) DO UPDATE SET version = \
                 excluded.version, data = excluded.data, ends = excluded.ends WHERE l.ends < $2"
            ),
            update: format!(
                "UPDATE {table} SET version = $3, data = $4, ends = $5 WHERE key = $1 AND version = $6 AND (ends IS NULL OR ends >= $2)"
            ),
            mark: format!("INSERT INTO {table} (key, version, data) VALUES ('{MARKER}', $1, '') ON CONFLICT (key) DO NOTHING"),
            sweep: format!(
                "DELETE FROM {table} WHERE key IN (SELECT key FROM {table} WHERE ends < $1 ORDER BY ends LIMIT 100 FOR UPDATE SKIP LOCKED)"
            ),
            keys: format!("SELECT key FROM {table} WHERE key > $1 ORDER BY key LIMIT $2"),
        }
    }
}

/// A name as it is written in SQL.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_a_plain_name_with_or_without_its_schema() {
        for (text, quoted) in [
            (None, "\"sipgate_oauth2_logins\""),
            (Some("logins"), "\"logins\""),
            (Some("auth.Logins_2"), "\"auth\".\"Logins_2\""),
            (Some("_x"), "\"_x\""),
        ] {
            assert_eq!(Table::parse(text).unwrap().quoted(), quoted);
        }
        let long = "x".repeat(59);
        for bad in ["", ".", "a.", ".a", "a.b.c", "1a", "a b", "a\"b", "a;", "a-b", "ä", "a\0", &long, &format!("{}.a", "x".repeat(64))] {
            let error = Table::parse(Some(bad)).unwrap_err();
            assert!(error.to_string().starts_with("table: "), "{bad}: {error}");
        }
        Table::parse(Some(&long[1..])).unwrap();
    }

    #[test]
    fn the_script_grants_the_role_all_that_it_needs() {
        let script = Table::parse(Some("auth.logins")).unwrap().script("an \"app\"");
        assert!(script.starts_with("CREATE SCHEMA IF NOT EXISTS \"auth\"; CREATE TABLE IF NOT EXISTS \"auth\".\"logins\" (key text"));
        assert!(script.ends_with(
            "GRANT USAGE ON SCHEMA \"auth\" TO \"an \"\"app\"\"\"; GRANT SELECT, INSERT, UPDATE, DELETE ON \"auth\".\"logins\" TO \"an \
             \"\"app\"\"\";"
        ));
        assert!(!script.contains('\n') && !Table::parse(None).unwrap().script("app").contains("SCHEMA"));
    }

    #[test]
    fn the_script_for_migrations_has_one_statement_a_line() {
        let script = Table::parse(None).unwrap().schema_script();
        let statements: Vec<_> = script.lines().filter(|line| !line.starts_with("--")).collect();
        assert!(statements.len() == 4 && statements.iter().all(|statement| statement.ends_with(';')), "{script}");
    }
}
