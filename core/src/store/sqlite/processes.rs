//! Tests with a second process: this test program again, in a role.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use rusqlite::Connection;

use super::*;
use crate::store::testing::{TemporaryDirectory, entry, key};

#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// Takes a key's lock, until it is killed.
    HoldKey,
    /// Is another program with SQLite in it that writes, until it is killed.
    HoldDatabase,
    /// Is in the midst of a change that has partly reached the disk, until it is killed.
    BreakOff,
    /// Tells whether a key's lock is to be had.
    AskForKey,
    /// Is another program with SQLite in it that tells whether it can read.
    AskForDatabase,
    /// Adds one to a number, again and again.
    Count,
    /// Tells what can be done with a store that it may not write.
    UseReadOnly,
}

impl Role {
    const ALL: [Self; 7] =
        [Self::HoldKey, Self::HoldDatabase, Self::BreakOff, Self::AskForKey, Self::AskForDatabase, Self::Count, Self::UseReadOnly];
}

const ROLE: &str = "SIPGATE_OAUTH2_TEST_ROLE";
const PATH: &str = "SIPGATE_OAUTH2_TEST_PATH";
/// What a helper says is behind this, as the test program says things too.
const SAYS: &str = "helper says ";

const PROCESSES: usize = 4;
const ROUNDS: usize = 25;

#[test]
#[ignore = "this is the second process of other tests, which run it by name"]
fn second_process() {
    let role = env::var(ROLE).unwrap();
    let role = Role::ALL.into_iter().find(|candidate| format!("{candidate:?}") == role).unwrap();
    play(role, &env::var_os(PATH).unwrap().into());
}

fn play(role: Role, path: &PathBuf) {
    match role {
        Role::HoldKey => {
            let _held = Sqlite::open(path).unwrap().try_lock(&key(1)).unwrap();
            say_and_stay("ready");
        }
        Role::HoldDatabase => {
            let connection = Connection::open(path).unwrap();
            connection.execute_batch("BEGIN IMMEDIATE; DELETE FROM entries").unwrap();
            say_and_stay("ready");
        }
        Role::BreakOff => {
            let connection = Connection::open(path).unwrap();
            // With hardly a cache, what was changed is written before it is committed.
            connection
                .execute_batch("PRAGMA cache_size = 1; BEGIN EXCLUSIVE; UPDATE entries SET data = zeroblob(200000), version = 'half'")
                .unwrap();
            say_and_stay("ready");
        }
        Role::AskForKey => say(&format!("{:?}", Sqlite::open(path).unwrap().try_lock(&key(1)).unwrap())),
        Role::AskForDatabase => {
            let connection = Connection::open(path).unwrap();
            connection.busy_timeout(Duration::ZERO).unwrap();
            let read = connection.query_row("SELECT count(*) FROM entries", [], |row| row.get::<_, i64>(0));
            say(if read.is_ok() { "read" } else { "kept out" });
        }
        Role::Count => {
            let store = Sqlite::open(path).unwrap();
            for round in 0..ROUNDS {
                add_one(&store, &format!("{}-{round}", env::var("SIPGATE_OAUTH2_TEST_NUMBER").unwrap()));
            }
            say("done");
        }
        Role::UseReadOnly => {
            let store = Sqlite {
                path: path.clone(),
                file: Kept::default(),
                key_locks: KeyLocks::beside(path),
                clock: Box::new(SystemClock),
                wait: WAIT,
            };
            say(&format!("{:?}", store.load(&key(1)).map(|loaded| loaded == Some(entry("a", None)))));
            let failed = *store.swap(&key(1), Some("a"), &entry("b", None)).unwrap_err().downcast::<Error>().unwrap();
            say(&format!("{} {}", failed.code(), failed.remedy()));
        }
    }
}

/// Adds one to the number that is stored.
pub(super) fn add_one(store: &Sqlite, version: &str) {
    loop {
        let there = store.load(&key(1)).unwrap();
        let number: u32 = there.as_ref().map_or(0, |there| std::str::from_utf8(&there.data).unwrap().parse().unwrap());
        let next = StoreEntry { version: version.to_owned(), data: (number + 1).to_string().into_bytes(), expires_at: None };
        if store.swap(&key(1), there.as_ref().map(|there| there.version.as_str()), &next).unwrap() == SwapOutcome::Stored {
            return;
        }
    }
}

fn say(what: &str) {
    println!("\n{SAYS}{what}");
}

fn say_and_stay(what: &str) {
    say(what);
    loop {
        thread::park();
    }
}

/// The second process. It is killed with the value.
pub(super) struct Helper {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Helper {
    /// Starts it and waits until it has done what its role is.
    pub(super) fn start(role: Role, path: &Path) -> Self {
        let mut helper = Self::spawn(&mut Self::command(role, path));
        assert_eq!(helper.heard(), "ready");
        helper
    }

    fn command(role: Role, path: &Path) -> Command {
        let name = module_path!().split_once("::").map_or_else(String::new, |(_, module)| format!("{module}::second_process"));
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--ignored", "--exact", "--nocapture", &name]).env(ROLE, format!("{role:?}")).env(PATH, path);
        command
    }

    fn spawn(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(std::result::Result::ok);
        let lines = Box::new(lines.filter_map(|line| line.strip_prefix(SAYS).map(str::to_owned)));
        Self { child, lines }
    }

    /// What one says that comes to an end by itself.
    fn asked(role: Role, path: &Path) -> String {
        Self::spawn(&mut Self::command(role, path)).heard()
    }

    pub(super) fn process_id(&self) -> u32 {
        self.child.id()
    }

    fn heard(&mut self) -> String {
        self.lines.next().expect("the second process failed; its output is above")
    }

    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_key_is_locked_for_other_processes_too_and_free_at_once_when_its_holder_is_killed() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = Sqlite::open(&path).unwrap();
    let helper = Helper::start(Role::HoldKey, &path);
    assert!(matches!(store.try_lock(&key(1)).unwrap(), StoreLock::Busy));
    helper.kill();
    let held = store.try_lock(&key(1)).unwrap();
    assert!(matches!(held, StoreLock::Held(_)));
    assert_eq!(Helper::asked(Role::AskForKey, &path), "Busy");
    drop(held);
    assert_eq!(Helper::asked(Role::AskForKey, &path), "Held");
}

#[test]
fn a_lock_is_kept_whatever_else_this_process_does_with_the_store() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = Sqlite::open(&path).unwrap();
    let _held = store.try_lock(&key(1)).unwrap();
    // Each of these would lose a record lock if it opened and closed the lock file.
    let other = Sqlite::open(&path).unwrap();
    assert!(matches!(other.try_lock(&key(1)).unwrap(), StoreLock::Busy));
    drop(other.try_lock(&key(2)).unwrap());
    other.swap(&key(1), None, &entry("a", None)).unwrap();
    drop(other);
    assert_eq!(Helper::asked(Role::AskForKey, &path), "Busy");
}

#[test]
fn a_change_that_was_broken_off_by_a_kill_is_undone() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = Sqlite::open(&path).unwrap();
    store.swap(&key(1), None, &entry("a", None)).unwrap();
    store.swap(&key(2), None, &entry("a", None)).unwrap();
    let untouched = fs::read(&path).unwrap();
    Helper::start(Role::BreakOff, &path).kill();
    assert_ne!(fs::read(&path).unwrap(), untouched, "nothing reached the disk, so this test shows nothing");
    assert_eq!(store.load(&key(1)).unwrap(), Some(entry("a", None)));
    assert_eq!(store.load(&key(2)).unwrap(), Some(entry("a", None)));
    assert!(!directory.join("logins.db-journal").exists());
}

#[cfg(unix)]
#[test]
fn other_programs_are_kept_out_for_the_time_of_an_operation_only() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = Sqlite::open(&path).unwrap();
    let during = store.with_database(Access::Write, |_| Ok(Helper::asked(Role::AskForDatabase, &path))).unwrap();
    assert_eq!((during.as_str(), Helper::asked(Role::AskForDatabase, &path).as_str()), ("kept out", "read"));
}

#[test]
fn nothing_is_lost_between_processes_that_race() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let helpers: Vec<_> = (0..PROCESSES)
        .map(|number| Helper::spawn(Helper::command(Role::Count, &path).env("SIPGATE_OAUTH2_TEST_NUMBER", number.to_string())))
        .collect();
    for mut helper in helpers {
        assert_eq!(helper.heard(), "done");
    }
    let store = Sqlite::open(&path).unwrap();
    assert_eq!(store.load(&key(1)).unwrap().unwrap().data, (PROCESSES * ROUNDS).to_string().into_bytes());
}

/// The superuser may write everything, so that the second process becomes somebody else when the tests run as root.
#[cfg(unix)]
#[test]
fn a_store_that_cannot_be_written_is_still_read() {
    use std::os::unix::fs::{PermissionsExt as _, chown};
    use std::os::unix::process::CommandExt as _;

    const NOBODY: u32 = 65534;

    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    Sqlite::open(&path).unwrap().swap(&key(1), None, &entry("a", None)).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = Helper::command(Role::UseReadOnly, &path);
    if rustix::process::geteuid().is_root() {
        chown(&path, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    let mut helper = Helper::spawn(&mut command);
    assert_eq!(helper.heard(), "Ok(true)");
    assert_eq!(helper.heard(), "SIPGATE_STORE_UNAVAILABLE fix_configuration");
}
