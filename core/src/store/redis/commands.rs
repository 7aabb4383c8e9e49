//! The commands that a store sends.

use std::time::Duration;

use ::redis::{Cmd, cmd};

use crate::store::token_store::StoreEntry;

/// The commands that each user needs, as in an ACL. Some settings also need `WAITAOF`, `WAIT` or
/// `SELECT`.
pub(super) const NEEDED: &str = "+eval +hmget +hset +persist +expireat +get +set +scan +info";

/// Compares the version, and replaces the entry. A key's type is fixed by `HMGET`, which fails for
/// any other. An entry that has expired counts as absent, whatever the server's clock says.
const SWAP: &str = r"local old = redis.call('HMGET', KEYS[1], 'v', 'e')
local v = old[1]
if v and old[2] and old[2] ~= '' and tonumber(old[2]) < tonumber(ARGV[5]) then v = false end
if v ~= (ARGV[1] ~= '' and ARGV[1]:sub(2)) then return 0 end
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3], 'e', ARGV[4])
if ARGV[4] == '' then redis.call('PERSIST', KEYS[1]) else redis.call('EXPIREAT', KEYS[1], ARGV[4] + 1) end
return 1";

pub(super) struct Login<'a> {
    pub(super) user: Option<&'a str>,
    pub(super) password: &'a str,
}

/// Chooses RESP2, and authenticates.
pub(super) fn hello(login: Option<&Login<'_>>) -> Cmd {
    let mut hello = cmd("HELLO");
    hello.arg(2);
    if let Some(login) = login {
        hello.arg("AUTH").arg(login.user.unwrap_or("default")).arg(login.password);
    }
    hello.arg("SETNAME").arg("sipgate-oauth2");
    hello
}

/// For servers without `HELLO`. Redis before 6 has no users.
pub(super) fn auth(login: &Login<'_>) -> Cmd {
    let mut auth = cmd("AUTH");
    if let Some(user) = login.user {
        auth.arg(user);
    }
    auth.arg(login.password);
    auth
}

pub(super) fn select(database: u32) -> Cmd {
    let mut select = cmd("SELECT");
    select.arg(database);
    select
}

pub(super) fn info() -> Cmd {
    cmd("INFO")
}

pub(super) fn append_fsync() -> Cmd {
    let mut config = cmd("CONFIG");
    config.arg("GET").arg("appendfsync");
    config
}

pub(super) fn load(name: &str) -> Cmd {
    let mut load = cmd("HMGET");
    load.arg(name).arg("v").arg("d").arg("e");
    load
}

pub(super) fn swap(name: &str, expected: Option<&str>, entry: &StoreEntry, now: i64) -> Cmd {
    let mut swap = cmd("EVAL");
    swap.arg(SWAP).arg(1).arg(name);
    swap.arg(expected.map(|version| format!("={version}")).unwrap_or_default());
    swap.arg(&entry.version).arg(&entry.data[..]);
    swap.arg(entry.expires_at.map(|at| at.to_string()).unwrap_or_default()).arg(now);
    swap
}

pub(super) fn get(name: &str) -> Cmd {
    let mut get = cmd("GET");
    get.arg(name);
    get
}

pub(super) fn set_if_absent(name: &str, value: &str) -> Cmd {
    let mut set = cmd("SET");
    set.arg(name).arg(value).arg("NX");
    set
}

pub(super) fn set_briefly(name: &str, seconds: u32) -> Cmd {
    let mut set = cmd("SET");
    set.arg(name).arg("").arg("NX").arg("EX").arg(seconds);
    set
}

pub(super) fn persist(name: &str) -> Cmd {
    let mut persist = cmd("PERSIST");
    persist.arg(name);
    persist
}

pub(super) fn expire_at(name: &str, seconds: i64) -> Cmd {
    let mut expire = cmd("EXPIREAT");
    expire.arg(name).arg(seconds);
    expire
}

pub(super) fn scan(cursor: &str, pattern: &str, count: u32) -> Cmd {
    let mut scan = cmd("SCAN");
    scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(count);
    scan
}

/// Waits until what this connection wrote is on the disk of the primary and of so many replicas.
pub(super) fn wait_aof(replicas: u32, time: Duration) -> Cmd {
    let mut wait = cmd("WAITAOF");
    wait.arg(1).arg(replicas).arg(milliseconds(time));
    wait
}

/// The same for the memory of so many replicas.
pub(super) fn wait(replicas: u32, time: Duration) -> Cmd {
    let mut wait = cmd("WAIT");
    wait.arg(replicas).arg(milliseconds(time));
    wait
}

pub(super) fn asking() -> Cmd {
    cmd("ASKING")
}

pub(super) fn cluster_slots() -> Cmd {
    let mut slots = cmd("CLUSTER");
    slots.arg("SLOTS");
    slots
}

pub(super) fn primary_address(primary: &str) -> Cmd {
    let mut sentinel = cmd("SENTINEL");
    sentinel.arg("GET-MASTER-ADDR-BY-NAME").arg(primary);
    sentinel
}

/// To a server, 0 means for ever.
fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(command: &Cmd) -> String {
        String::from_utf8(command.get_packed_command()).unwrap()
    }

    #[test]
    fn a_version_that_is_expected_differs_from_none_also_if_it_is_empty() {
        let entry = StoreEntry { version: "new".to_owned(), data: b"\r\n\0".to_vec(), expires_at: Some(99) };
        let behind_the_script = |expected| packed(&swap("k", expected, &entry, 7)).split_once("return 1\r\n").unwrap().1.to_owned();
        let rest = "$3\r\nnew\r\n$3\r\n\r\n\0\r\n$2\r\n99\r\n$1\r\n7\r\n";
        assert_eq!(behind_the_script(None), format!("$1\r\n1\r\n$1\r\nk\r\n$0\r\n\r\n{rest}"));
        assert_eq!(behind_the_script(Some("")), format!("$1\r\n1\r\n$1\r\nk\r\n$1\r\n=\r\n{rest}"));
    }

    #[test]
    fn nothing_waits_for_ever() {
        assert_eq!(packed(&wait_aof(2, Duration::ZERO)), "*4\r\n$7\r\nWAITAOF\r\n$1\r\n1\r\n$1\r\n2\r\n$1\r\n1\r\n");
        assert_eq!(packed(&wait(2, Duration::from_millis(1500))), "*3\r\n$4\r\nWAIT\r\n$1\r\n2\r\n$4\r\n1500\r\n");
    }

    #[test]
    fn a_password_belongs_to_a_user() {
        let login = Login { user: None, password: "pw" };
        assert!(packed(&hello(Some(&login))).contains("AUTH\r\n$7\r\ndefault\r\n$2\r\npw\r\n"));
        assert_eq!(packed(&auth(&login)), "*2\r\n$4\r\nAUTH\r\n$2\r\npw\r\n");
    }
}
