//! An error reply of a server, and what it means.

use std::fmt;

use ::redis::ServerError;

use crate::store::remote::url::is_host;

/// An error reply, without what it may repeat: servers quote arguments, such as passwords and
/// logins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: String,
    /// The plain words that follow, up to anything else.
    words: String,
    advice: Option<Advice>,
    redirect: Option<Redirect>,
}

/// Where a cluster keeps a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Redirect {
    pub(super) slot: u16,
    /// `None` for the host that was asked.
    pub(super) host: Option<String>,
    pub(super) port: u16,
    /// For this one command, because the key is moving.
    pub(super) is_once: bool,
}

/// What to do about an error reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Advice {
    /// It passes by itself, but this server may not be the right one any more.
    ConnectAgain(&'static str),
    /// It passes by itself.
    TryLater(&'static str),
    /// Somebody has to change something.
    Fix(&'static str),
    /// Somebody has to permit a command.
    Permit,
}

pub(super) const LOADING: &str = "the server is loading its data; try again when it has";

/// The first word of an error. A script that failed has it further back on servers before Redis 7.
const CODES: [(&str, Advice); 15] = [
    ("READONLY", Advice::ConnectAgain("the server is a read-only replica; try again when it is the primary, or give the primary's host")),
    ("LOADING", Advice::ConnectAgain(LOADING)),
    ("MASTERDOWN", Advice::ConnectAgain("the server is a replica without its primary; try again when it has one")),
    ("CLUSTERDOWN", Advice::ConnectAgain("the cluster is down; try again when it is up")),
    ("TRYAGAIN", Advice::ConnectAgain("the cluster is moving this login; try again")),
    ("BUSY", Advice::ConnectAgain("the server is busy with a script; try again when that has ended")),
    ("OOM", Advice::TryLater("the server is full; raise its maxmemory, or try again when it has room")),
    ("MISCONF", Advice::TryLater("the server cannot write to its disk; make room there, and try again")),
    ("NOREPLICAS", Advice::TryLater("the server has too few replicas for a write; try again when they are back")),
    ("NOPERM", Advice::Permit),
    ("NOAUTH", Advice::Fix("the server requires a password; give one, and the user in the URL")),
    ("WRONGPASS", Advice::Fix("the server refused the user or the password; correct them")),
    ("WRONGTYPE", Advice::Fix("something else is stored under the prefix; give another prefix")),
    ("DENIED", Advice::Fix("the server is in protected mode; give it a password, or turn protected-mode off")),
    ("CROSSSLOT", Advice::Fix("the cluster refuses a script with one key; update the server")),
];

/// Parts of the errors whose first word is `ERR`.
const WORDS: [(&str, Advice); 9] = [
    ("ACL failure in script", Advice::Permit),
    ("The user executing the script", Advice::Permit),
    ("unknown command", Advice::Fix("the server does not know a command that this store needs; use Redis 5 or later, or Valkey")),
    ("max number of clients", Advice::TryLater("the server has too many clients; raise its maxclients, or try again later")),
    ("DB index", Advice::Fix("the server does not have the database that the URL names; correct the number")),
    ("SELECT is not allowed", Advice::Fix("a cluster has no databases; omit the number in the URL")),
    ("invalid password", Advice::Fix("the server refused the password; correct it")),
    ("no password is set", Advice::Fix("the server has no password; omit it")),
    ("without any password", Advice::Fix("the server has no password; omit it")),
];

impl Refusal {
    pub(super) fn new(error: &ServerError) -> Self {
        let details = error.details().unwrap_or_default();
        let end = details.find(|char: char| !char.is_ascii_alphabetic() && char != ' ').unwrap_or(details.len());
        let words = details[..end].trim_end().chars().take(100).collect();
        let code: String = error.code().chars().filter(char::is_ascii_uppercase).take(20).collect();
        let (advice, redirect) = (advice(&code, details), redirect(&code, details));
        Self { code, words, advice, redirect }
    }

    pub(super) fn advice(&self) -> Option<Advice> {
        self.advice
    }

    /// Whether the connections to this server are of no use any more: another server is the right
    /// one, or another password.
    pub(super) fn ends_connections(&self) -> bool {
        self.is_without_login() || matches!(self.advice, Some(Advice::ConnectAgain(_)))
    }

    pub(super) fn redirect(&self) -> Option<&Redirect> {
        self.redirect.as_ref()
    }

    /// The same for a connection that has just sent its password: what a server says in its own
    /// words may repeat it.
    pub(super) fn without_words(mut self) -> Self {
        if self.advice.is_none() {
            self.words.clear();
        }
        self
    }

    pub(super) fn is_not_permitted(&self) -> bool {
        self.advice == Some(Advice::Permit)
    }

    pub(super) fn is_without_login(&self) -> bool {
        self.code == "NOAUTH"
    }

    /// Whether `HELLO` is not known, or not permitted.
    pub(super) fn is_about_hello(&self) -> bool {
        self.is_not_permitted() || self.code == "NOPROTO" || (self.code == "ERR" && self.words.contains("unknown command"))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(format!("{} {}", self.code, self.words).trim())
    }
}

fn advice(code: &str, details: &str) -> Option<Advice> {
    let of_code = |word: &str| CODES.iter().find(|(code, _)| *code == word).map(|(_, advice)| *advice);
    if code != "ERR" {
        return of_code(code);
    }
    let of_words = WORDS.iter().find(|(words, _)| details.contains(words)).map(|(_, advice)| *advice);
    of_words.or_else(|| details.split(|char: char| !char.is_ascii_uppercase()).find_map(of_code))
}

fn redirect(code: &str, details: &str) -> Option<Redirect> {
    let is_once = match code {
        "MOVED" => false,
        "ASK" => true,
        _ => return None,
    };
    let (slot, address) = details.split_once(' ')?;
    let (host, port) = address.rsplit_once(':')?;
    let host = match host.trim_matches(['[', ']']) {
        "" | "?" => None,
        host if is_host(host) => Some(host.to_owned()),
        _ => return None,
    };
    Some(Redirect { slot: slot.parse().ok()?, host, port: port.parse().ok()?, is_once })
}

#[cfg(test)]
mod tests {
    use ::redis::{Value, parse_redis_value};

    use super::*;

    fn refusal(line: &str) -> Refusal {
        match parse_redis_value(format!("-{line}\r\n").as_bytes()) {
            Ok(Value::ServerError(error)) => Refusal::new(&error),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_a_server_quotes_is_left_out() {
        for line in [
            "ERR unknown command `HELLO`, with args beginning with: `2`, `AUTH`, `app`, `hunter2`, ",
            "ERR unknown command 'EVAL', with args beginning with: 'hunter2' ",
            "ERR Protocol error: expected '$', got 'hunter2'",
            "ERR no such token: hunter2",
            "ERR hunter2",
        ] {
            let refusal = refusal(line);
            assert!(!format!("{refusal} {refusal:?}").contains("hunter2"), "{refusal:?}");
        }
        assert_eq!(refusal("ERR unknown command 'x', 'y'").to_string(), "ERR unknown command");
        assert_eq!(refusal("hunter2").to_string(), "");
        assert_eq!(refusal("ERR secret word").to_string(), "ERR secret word");
        assert_eq!(refusal("ERR secret word").without_words().to_string(), "ERR");
    }

    #[test]
    fn an_error_in_a_script_means_what_it_means_outside() {
        for line in [
            "OOM command not allowed when used memory > 'maxmemory'. script: 4c2e, on @user_script:3.",
            "ERR Error running script (call to f_4c2e): @user_script:3: -OOM command not allowed when used memory > 'maxmemory'. ",
            "ERR Error running script (call to f_4c2e): @user_script: 3: OOM command not allowed",
        ] {
            assert_eq!(refusal(line).advice(), refusal("OOM x").advice(), "{line}");
        }
        assert!(refusal("ERR Error running script (call to f_4c2e): @user_script: 1: WRONGTYPE Operation").advice().is_some());
    }

    #[test]
    fn errors_that_pass_and_errors_that_last_are_told_apart() {
        for code in ["READONLY", "LOADING", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY"] {
            assert!(matches!(refusal(&format!("{code} x")).advice(), Some(Advice::ConnectAgain(_))), "{code}");
        }
        for line in ["OOM x", "MISCONF x", "NOREPLICAS x", "ERR max number of clients reached"] {
            assert!(matches!(refusal(line).advice(), Some(Advice::TryLater(_))), "{line}");
        }
        for line in [
            "NOAUTH x",
            "WRONGPASS x",
            "WRONGTYPE x",
            "ERR invalid password",
            "ERR DB index is out of range",
            "ERR SELECT is not allowed in cluster mode",
        ] {
            assert!(matches!(refusal(line).advice(), Some(Advice::Fix(_))), "{line}");
        }
        for line in [
            "NOPERM this user has no permissions to run the 'hmget' command or its subcommand",
            "ERR ACL failure in script: User app has no permissions to run the 'hset' command script: 4c2e, on @user_script:1.",
            "ERR Error running script (call to f_52d5): @user_script:1: @user_script: 1: The user executing the script can't run this",
            "ERR The user executing the script can't run this command or subcommand script: 4c2e, on @user_script:1.",
        ] {
            assert_eq!(refusal(line).advice(), Some(Advice::Permit), "{line}");
        }
        assert_eq!(refusal("ERR something new").advice(), None);
    }

    #[test]
    fn a_cluster_says_where_a_key_is() {
        let expected = |host: Option<&str>, is_once| Some(Redirect { slot: 3999, host: host.map(str::to_owned), port: 6381, is_once });
        assert_eq!(refusal("MOVED 3999 127.0.0.1:6381").redirect().cloned(), expected(Some("127.0.0.1"), false));
        assert_eq!(refusal("ASK 3999 node.internal:6381").redirect().cloned(), expected(Some("node.internal"), true));
        assert_eq!(refusal("MOVED 3999 ::1:6381").redirect().cloned(), expected(Some("::1"), false));
        assert_eq!(refusal("MOVED 3999 :6381").redirect().cloned(), expected(None, false));
        assert_eq!(refusal("MOVED 3999 ?:6381").redirect().cloned(), expected(None, false));
        for odd in ["MOVED", "MOVED x y:1", "MOVED 3999 host", "MOVED 70000 host:1", "MOVED 5 a b:1", "ERR 3999 host:1"] {
            assert_eq!(refusal(odd).redirect(), None, "{odd}");
        }
    }
}
