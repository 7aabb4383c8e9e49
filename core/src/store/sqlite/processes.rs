//! Tests with a second process, which is this test program in a role.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::{env, fs};

use rusqlite::Connection;

use super::*;
use crate::store::testing::{TemporaryDirectory, entry, key};

#[derive(Clone, Copy, Debug)]
pub(super) enum Role {
    /// Holds the lock of a key until it is killed.
    HoldKey,
    /// Another program that uses SQLite, and writes until it is killed.
    HoldDatabase,
    /// In the middle of a change that is partly on disk, until it is killed.
    LeaveHalfWritten,
    /// Reports whether the lock of a key is free.
    AskForKey,
    /// Another program that uses SQLite, and reports whether it can read.
    AskForDatabase,
    /// Repeatedly adds one to a number.
    Count,
    /// Reports what works in a store that it cannot write.
    UseReadOnly,
}

impl Role {
    const ALL: [Self; 7] =
        [Self::HoldKey, Self::HoldDatabase, Self::LeaveHalfWritten, Self::AskForKey, Self::AskForDatabase, Self::Count, Self::UseReadOnly];
}

const ROLE: &str = "SIPGATE_OAUTH2_TEST_ROLE";
const PATH: &str = "SIPGATE_OAUTH2_TEST_PATH";
/// Marks the lines of a helper, because the test harness prints lines, too.
const PREFIX: &str = "helper says ";

const PROCESSES: usize = 4;
const ROUNDS: usize = 25;

#[test]
#[ignore = "the second process of other tests, which run it by name"]
fn second_process() {
    let role = env::var(ROLE).unwrap();
    let role = Role::ALL.into_iter().find(|candidate| format!("{candidate:?}") == role).unwrap();
    play(role, &env::var_os(PATH).unwrap().into());
}

fn play(role: Role, path: &PathBuf) {
    match role {
        Role::HoldKey => {
            let _held = Sqlite::open(path).unwrap().try_lock(&key(1)).unwrap();
            report_and_wait("ready");
        }
        Role::HoldDatabase => {
            let connection = Connection::open(path).unwrap();
            connection.execute_batch("BEGIN IMMEDIATE; DELETE FROM entries").unwrap();
            report_and_wait("ready");
        }
        Role::LeaveHalfWritten => {
            let connection = Connection::open(path).unwrap();
            // With a small cache, changes are written before they are committed.
            connection
                .execute_batch("PRAGMA cache_size = 1; BEGIN EXCLUSIVE; UPDATE entries SET data = zeroblob(200000), version = 'half'")
                .unwrap();
            report_and_wait("ready");
        }
        Role::AskForKey => report(&format!("{:?}", Sqlite::open(path).unwrap().try_lock(&key(1)).unwrap())),
        Role::AskForDatabase => {
            let connection = Connection::open(path).unwrap();
            connection.busy_timeout(Duration::ZERO).unwrap();
            let read = connection.query_row("SELECT count(*) FROM entries", [], |row| row.get::<_, i64>(0));
            report(if read.is_ok() { "read" } else { "excluded" });
        }
        Role::Count => {
            // On a busy machine, four processes take long. What counts is that nothing is lost.
            let store = Sqlite { timeout: Duration::from_secs(60), ..not_opened(path) };
            store.create_or_check().unwrap();
            for round in 0..ROUNDS {
                add_one(&store, &format!("{}-{round}", env::var("SIPGATE_OAUTH2_TEST_NUMBER").unwrap()));
            }
            report("done");
        }
        Role::UseReadOnly => {
            let store = not_opened(path);
            report(&format!("{:?}", store.load(&key(1)).map(|loaded| loaded == Some(entry("a", None)))));
            let failed = *store.swap(&key(1), Some("a"), &entry("b", None)).unwrap_err().downcast::<Error>().unwrap();
            report(&format!("{} {}", failed.code(), failed.remedy()));
        }
    }
}

/// A store that did not look at its file yet.
fn not_opened(path: &Path) -> Sqlite {
    Sqlite {
        path: path.to_owned(),
        file: DatabaseFile::default(),
        key_locks: KeyLocks::beside(path),
        clock: Box::new(SystemClock),
        timeout: TIMEOUT,
    }
}

/// Adds one to the stored number.
pub(super) fn add_one(store: &Sqlite, version: &str) {
    loop {
        let current = store.load(&key(1)).unwrap();
        let number: u32 = current.as_ref().map_or(0, |current| std::str::from_utf8(&current.data).unwrap().parse().unwrap());
        let next = StoreEntry { version: version.to_owned(), data: (number + 1).to_string().into_bytes(), expires_at: None };
        if store.swap(&key(1), current.as_ref().map(|current| current.version.as_str()), &next).unwrap() == SwapOutcome::Stored {
            return;
        }
    }
}

fn report(what: &str) {
    println!("\n{PREFIX}{what}");
}

fn report_and_wait(what: &str) {
    report(what);
    loop {
        thread::park();
    }
}

/// The second process, killed on drop.
pub(super) struct Helper {
    child: Child,
    lines: Box<dyn Iterator<Item = String>>,
}

impl Helper {
    /// Starts it and waits until it plays its role.
    pub(super) fn start(role: Role, path: &Path) -> Self {
        let mut helper = Self::spawn(&mut Self::command(role, path));
        assert_eq!(helper.next_line(), "ready");
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
        let lines = Box::new(lines.filter_map(|line| line.strip_prefix(PREFIX).map(str::to_owned)));
        Self { child, lines }
    }

    /// The output of a helper that ends by itself.
    fn output(role: Role, path: &Path) -> String {
        Self::spawn(&mut Self::command(role, path)).next_line()
    }

    pub(super) fn process_id(&self) -> u32 {
        self.child.id()
    }

    fn next_line(&mut self) -> String {
        self.lines.next().expect("the second process failed; its output is above")
    }

    pub(super) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_lock_excludes_other_processes_and_ends_when_its_holder_is_killed() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = Sqlite::open(&path).unwrap();
    let helper = Helper::start(Role::HoldKey, &path);
    assert!(matches!(store.try_lock(&key(1)).unwrap(), StoreLock::Busy));
    helper.kill();
    let held = store.try_lock(&key(1)).unwrap();
    assert!(matches!(held, StoreLock::Held(_)));
    assert_eq!(Helper::output(Role::AskForKey, &path), "Busy");
    drop(held);
    assert_eq!(Helper::output(Role::AskForKey, &path), "Held");
}

#[test]
fn a_lock_survives_other_operations_of_this_process_on_the_store() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = Sqlite::open(&path).unwrap();
    let _held = store.try_lock(&key(1)).unwrap();
    // Each of these would release a POSIX record lock if it opened and closed the lock file.
    let other = Sqlite::open(&path).unwrap();
    assert!(matches!(other.try_lock(&key(1)).unwrap(), StoreLock::Busy));
    drop(other.try_lock(&key(2)).unwrap());
    other.swap(&key(1), None, &entry("a", None)).unwrap();
    drop(other);
    assert_eq!(Helper::output(Role::AskForKey, &path), "Busy");
}

#[test]
fn a_change_interrupted_by_a_kill_is_rolled_back() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = Sqlite::open(&path).unwrap();
    store.swap(&key(1), None, &entry("a", None)).unwrap();
    store.swap(&key(2), None, &entry("a", None)).unwrap();
    let untouched = fs::read(&path).unwrap();
    Helper::start(Role::LeaveHalfWritten, &path).kill();
    assert_ne!(fs::read(&path).unwrap(), untouched, "nothing was written, so this test proves nothing");
    assert_eq!(store.load(&key(1)).unwrap(), Some(entry("a", None)));
    assert_eq!(store.load(&key(2)).unwrap(), Some(entry("a", None)));
    assert!(!directory.join("logins.db-journal").exists());
}

#[cfg(unix)]
#[test]
fn other_programs_are_excluded_only_during_an_operation() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = Sqlite::open(&path).unwrap();
    let during = store.with_database(Access::Write, |_| Ok(Helper::output(Role::AskForDatabase, &path))).unwrap();
    assert_eq!((during.as_str(), Helper::output(Role::AskForDatabase, &path).as_str()), ("excluded", "read"));
}

#[test]
fn no_swap_is_lost_between_processes_that_race() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let helpers: Vec<_> = (0..PROCESSES)
        .map(|number| Helper::spawn(Helper::command(Role::Count, &path).env("SIPGATE_OAUTH2_TEST_NUMBER", number.to_string())))
        .collect();
    for mut helper in helpers {
        assert_eq!(helper.next_line(), "done");
    }
    let store = Sqlite::open(&path).unwrap();
    assert_eq!(store.load(&key(1)).unwrap().unwrap().data, (PROCESSES * ROUNDS).to_string().into_bytes());
}

/// Root can write everything, so the second process becomes another user if the tests run as root.
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
    assert_eq!(helper.next_line(), "Ok(true)");
    assert_eq!(helper.next_line(), "SIPGATE_STORE_UNAVAILABLE fix_configuration");
}
