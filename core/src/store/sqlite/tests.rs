//! Tests of files: what may be at the path, what happens to it in use, and processes that end.

use std::fs;
use std::path::{Component, Path};
use std::time::Duration;

use protocol::error::{ErrorCode, Remedy};
use rusqlite::Connection;

use super::processes::{Helper, Role};
use super::*;
use crate::store::conformance;
use crate::store::testing::{SetClock, TemporaryDirectory, entry, key};

fn open(path: &Path) -> Sqlite {
    Sqlite::open(path).unwrap()
}

fn refused(path: &Path) -> Error {
    let before = fs::read(path).ok();
    let error = Sqlite::open(path).err().expect("it should have been refused");
    assert_eq!(fs::read(path).ok(), before, "the refused file was changed");
    error
}

fn load(store: &Sqlite, first: u8) -> Option<StoreEntry> {
    store.load(&key(first)).unwrap()
}

fn put(store: &Sqlite, first: u8, expected: Option<&str>, version: &str) -> SwapOutcome {
    store.swap(&key(first), expected, &entry(version, None)).unwrap()
}

fn error(error: BoxError) -> Error {
    *error.downcast::<Error>().unwrap()
}

fn swap(first: u8, expected: Option<&str>, entry: StoreEntry) -> Swap {
    Swap { key: key(first), expected: expected.map(str::to_owned), entry, now: 0 }
}

fn swap_error(store: &Sqlite, first: u8, expected: Option<&str>) -> Error {
    error(store.swap(&key(first), expected, &entry("b", None)).unwrap_err())
}

/// Opens the file as another program does.
fn connect(path: &Path) -> Connection {
    Connection::open(path).unwrap()
}

#[test]
fn it_keeps_the_promises_of_a_store() {
    let directory = TemporaryDirectory::new();
    let mut store = open(&directory.join("logins.db"));
    // For a busy machine: many threads take turns.
    store.timeout = Duration::from_secs(60);
    assert_eq!(conformance::check(&store), Ok(()));
}

#[test]
fn a_check_changes_nothing_and_fails_as_a_write_does() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = open(&path);
    put(&store, 1, None, "a");
    assert_eq!(store.check().unwrap(), Vec::<String>::new());
    assert_eq!(load(&store, 1), Some(entry("a", None)));
    assert_eq!(store.keys(None, 9).unwrap(), [key(1)]);
    fs::write(&path, "").unwrap();
    let emptied = error(store.check().unwrap_err());
    assert_eq!(emptied.to_string(), swap_error(&store, 1, Some("a")).to_string());
    fs::remove_file(&path).unwrap();
    assert_eq!(error(store.check().unwrap_err()).code(), ErrorCode::StoreUnavailable);
}

#[test]
fn an_entry_is_found_through_another_handle() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("new folder/ünd noch einer/logins.db");
    assert_eq!(put(&open(&path), 1, None, "a"), SwapOutcome::Stored);
    assert_eq!(load(&open(&path), 1), Some(entry("a", None)));
}

#[test]
fn only_locks_are_beside_the_database_between_operations() {
    let directory = TemporaryDirectory::new();
    let store = open(&directory.join("logins.db"));
    put(&store, 1, None, "a");
    drop(store.try_lock(&key(1)).unwrap());
    let mut names: Vec<_> = fs::read_dir(directory.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    names.sort();
    let has_byte_locks = cfg!(all(target_os = "linux", target_pointer_width = "64"));
    let expected = ["logins.db", "logins.db.lock", "logins.db.locks"];
    assert_eq!(names, if has_byte_locks { &expected[..2] } else { &expected[..] });
}

#[test]
fn an_expired_entry_counts_as_absent_and_a_later_swap_deletes_it() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let clock = SetClock::at(100);
    let store = Sqlite::with_clock(&path, &SqliteOptions::new(), clock.clone()).unwrap();
    for first in 0..20 {
        store.swap(&key(first), None, &entry("a", Some(100))).unwrap();
    }
    store.swap(&key(100), None, &entry("a", Some(101))).unwrap();
    store.swap(&key(101), None, &entry("a", None)).unwrap();
    assert_eq!(load(&store, 1), Some(entry("a", Some(100))));
    clock.set(101);
    assert_eq!(load(&store, 1), None);
    assert_eq!(put(&store, 1, Some("a"), "b"), SwapOutcome::Conflict);
    assert_eq!(put(&store, 1, None, "b"), SwapOutcome::Stored);
    assert_eq!(put(&store, 1, Some("b"), "c"), SwapOutcome::Stored);
    let left: i64 = connect(&path).query_row("SELECT count(*) FROM entries", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 3);
    assert!(load(&store, 100).is_some() && load(&store, 101).is_some());
}

#[test]
fn replaced_tokens_do_not_stay_in_the_file() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = open(&path);
    let old = StoreEntry { data: b"the old token ".repeat(1000), ..entry("a", None) };
    store.swap(&key(1), None, &old).unwrap();
    let holds_old = || fs::read(&path).unwrap().windows(9).any(|window| window == b"old token");
    assert!(holds_old());
    put(&store, 1, Some("a"), "b");
    assert!(!holds_old());
}

#[test]
fn a_path_without_a_file_name_is_refused() {
    for path in ["", ":memory:", "/", "..", "folder/"] {
        let error = Sqlite::open(path).err().expect(path);
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{path}");
        assert!(error.to_string().starts_with("store: "), "{error}");
    }
}

#[test]
fn a_url_is_refused_and_nothing_is_created() {
    for url in [
        "sqlite:///x.db",
        "sqlite:////x.db",
        "sqlite:x.db",
        "SQLite3:x.db",
        "file:///x.db",
        "file:x.db?mode=ro",
        "postgres+psycopg://u@h/d",
    ] {
        let error = Sqlite::open(url).err().expect(url);
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{url}");
        assert!(error.to_string().contains("give the path alone"), "{error}");
    }
    for path in ["C:/x.db", "a:b", "12:00.db", "/a/sqlite:x.db", "./sqlite:x.db", "notes: all.db"] {
        assert_eq!(url(path), None, "{path}");
    }
}

#[test]
fn a_relative_path_is_made_absolute_at_once() {
    // The working directory is shared with other tests, so nothing is created there.
    let directory = TemporaryDirectory::new();
    let names = |path: &Path| path.components().filter(|part| matches!(part, Component::Normal(_))).count();
    let working_directory = std::env::current_dir().unwrap();
    let mut relative: PathBuf = vec![".."; names(&working_directory)].iter().collect();
    relative.extend(directory.path().components().skip_while(|part| !matches!(part, Component::Normal(_))));
    relative.push("logins.db");
    assert!(relative.is_relative());
    let store = open(&relative);
    assert!(store.path.is_absolute());
    assert!(directory.join("logins.db").exists());
}

#[test]
fn the_database_of_another_program_is_not_changed() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("other.db");
    connect(&path).execute_batch("CREATE TABLE entries (key, version, data, ends)").unwrap();
    private(&path);
    let error = refused(&path);
    assert_eq!((error.code(), error.remedy()), (ErrorCode::StoreCorrupt, Remedy::FixConfiguration));
    assert!(error.to_string().contains("other.db: is the database of another program"), "{error}");
}

#[test]
fn a_file_that_is_not_a_database_is_not_changed() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("notes.txt");
    fs::write(&path, "not a database, but long enough to look like one ".repeat(50)).unwrap();
    private(&path);
    assert_eq!(refused(&path).code(), ErrorCode::StoreCorrupt);
}

#[test]
fn a_damaged_database_is_not_changed() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = open(&path);
    let large = StoreEntry { data: vec![7; 50_000], ..entry("a", None) };
    store.swap(&key(1), None, &large).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let end = bytes.len();
    bytes[4096..end].fill(0xA5);
    fs::write(&path, &bytes).unwrap();
    assert_eq!(error(store.load(&key(1)).unwrap_err()).code(), ErrorCode::StoreCorrupt);
    assert_eq!(swap_error(&store, 1, Some("a")).code(), ErrorCode::StoreCorrupt);
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_newer_format_is_refused_and_not_changed_also_by_an_open_store() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = open(&path);
    put(&store, 1, None, "a");
    connect(&path).pragma_update(None, "user_version", 3).unwrap();
    assert_eq!(error(store.load(&key(1)).unwrap_err()).code(), ErrorCode::StoreFormat);
    assert_eq!(swap_error(&store, 1, Some("a")).code(), ErrorCode::StoreFormat);
    let error = refused(&path);
    assert_eq!(error.code(), ErrorCode::StoreFormat);
    assert!(error.to_string().contains("format 3"), "{error}");
}

#[test]
fn a_deleted_file_is_not_silently_created_again() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = open(&path);
    put(&store, 1, None, "a");
    fs::remove_file(&path).unwrap();
    for error in [error(store.load(&key(1)).unwrap_err()), swap_error(&store, 1, Some("a"))] {
        assert_eq!(error.code(), ErrorCode::StoreUnavailable);
        assert!(error.to_string().contains("logins.db: is gone"), "{error}");
    }
    assert!(!path.exists());
    open(&path);
    assert_eq!(load(&store, 1), None);
}

/// On Windows, SQLite's open handle forbids both.
#[cfg(unix)]
#[test]
fn a_swap_fails_if_the_file_is_deleted_or_replaced_meanwhile() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = open(&path);
    let swap_while = |change: &dyn Fn()| {
        let swapped = store.with_database(Access::Write, |database| {
            change();
            database.swap(&[&swap(1, None, entry("a", None))])
        });
        swapped.unwrap_err()
    };
    fs::copy(&path, directory.join("copy.db")).unwrap();
    let replaced = swap_while(&|| fs::rename(directory.join("copy.db"), &path).unwrap());
    assert_eq!((replaced.code(), replaced.retryable()), (ErrorCode::StoreUnavailable, true));
    assert!(replaced.to_string().contains("was replaced"), "{replaced}");
    let deleted = swap_while(&|| fs::remove_file(&path).unwrap());
    assert_eq!((deleted.code(), deleted.retryable()), (ErrorCode::StoreUnavailable, false));
    assert!(deleted.to_string().contains("is gone"), "{deleted}");
}

#[test]
fn no_swap_is_lost_between_threads_with_their_own_handles() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 10;

    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    thread::scope(|scope| {
        for number in 0..THREADS {
            let store = open(&path);
            scope.spawn(move || (0..ROUNDS).for_each(|round| processes::add_one(&store, &format!("{number}-{round}"))));
        }
    });
    assert_eq!(load(&open(&path), 1).unwrap().data, (THREADS * ROUNDS).to_string().into_bytes());
}

#[test]
fn a_file_that_replaced_the_old_one_is_used() {
    let directory = TemporaryDirectory::new();
    let (path, copy) = (directory.join("logins.db"), directory.join("copy.db"));
    let store = open(&path);
    put(&store, 1, None, "a");
    fs::copy(&path, &copy).unwrap();
    put(&store, 1, Some("a"), "b");
    fs::rename(&copy, &path).unwrap();
    assert_eq!(load(&store, 1), Some(entry("a", None)));
    assert_eq!(put(&store, 1, Some("a"), "c"), SwapOutcome::Stored);
    assert_eq!(load(&open(&path), 1), Some(entry("c", None)));
}

#[test]
fn a_file_that_was_emptied_in_use_is_not_a_new_store() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = open(&path);
    fs::write(&path, "").unwrap();
    let error = error(store.load(&key(1)).unwrap_err());
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    assert!(error.to_string().contains("was emptied"), "{error}");
}

#[test]
fn an_operation_waits_for_another_program_that_writes_until_its_timeout() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let mut store = open(&path);
    store.timeout = Duration::from_millis(10);
    let helper = Helper::start(Role::HoldDatabase, &path);
    let failed = swap_error(&store, 1, None);
    assert_eq!((failed.code(), failed.retryable()), (ErrorCode::StoreUnavailable, true));
    assert!(failed.to_string().contains("logins.db: the database is locked by"), "{failed}");
    if cfg!(target_os = "linux") {
        let lock = store.file.try_lock(&path, Access::Write);
        assert!(lock.is_ok_and(|lock| lock.is_none()));
        assert_eq!(store.file.holder(), Some(helper.process_id()));
        let failed = locked(&path, store.file.holder());
        assert!(failed.to_string().contains(&format!("is locked by another program (process {})", helper.process_id())), "{failed}");
    }
    store.timeout = TIMEOUT;
    thread::scope(|scope| {
        let waiting = scope.spawn(|| put(&store, 1, None, "a"));
        helper.kill();
        assert_eq!(waiting.join().unwrap(), SwapOutcome::Stored);
    });
}

#[test]
fn a_full_disk_is_an_error_and_the_entry_is_kept() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    put(&open(&path), 1, None, "a");
    let mut database = Database::open(&path, true, Instant::now()).unwrap();
    database.limit_pages(4);
    let large = StoreEntry { data: vec![0; 100_000], ..entry("b", None) };
    let error = database.swap(&[&swap(1, Some("a"), large)]).unwrap_err();
    assert_eq!((error.code(), error.retryable()), (ErrorCode::StoreUnavailable, true));
    assert!(error.to_string().contains("the disk is full"), "{error}");
    drop(database);
    assert_eq!(load(&open(&path), 1), Some(entry("a", None)));
}

#[test]
fn an_entry_for_which_there_is_no_space_fails_alone() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    drop(open(&path));
    let mut database = Database::open(&path, true, Instant::now()).unwrap();
    database.limit_pages(8);
    let large = StoreEntry { data: vec![0; 100_000], ..entry("a", None) };
    let swaps = [swap(1, None, entry("a", None)), swap(2, None, large), swap(3, None, entry("a", None)), swap(1, None, entry("b", None))];
    let outcomes = database.swap(&swaps.each_ref()).unwrap();
    let [Ok(SwapOutcome::Stored), Err(full), Ok(SwapOutcome::Stored), Ok(SwapOutcome::Conflict)] = &outcomes[..] else {
        panic!("{outcomes:?}")
    };
    assert!(full.to_string().contains("the disk is full"), "{full}");
    drop(database);
    assert_eq!([1, 2, 3].map(|first| load(&open(&path), first).is_some()), [true, false, true]);
}

#[test]
fn swaps_that_wait_for_one_database_are_one_commit_also_through_several_handles() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let stores = [open(&path), open(&path)];
    put(&stores[0], 0, None, "a");
    let before = commits(&path);
    let Turn::Lead(mut leader) = group::join(&path, swap(1, None, entry("a", None)), stores[0].deadline()) else { panic!() };
    thread::scope(|scope| {
        let versions = ["b", "c", "d"];
        let waiting = (0..12_u8).map(|number| {
            let (store, version) = (&stores[usize::from(number) % 2], versions[usize::from(number) % 3]);
            // Three for each of four keys.
            let thread = scope.spawn(move || put(store, number / 3, (number < 3).then_some("a"), version));
            while group::waiting(&path) <= usize::from(number) {
                thread::yield_now();
            }
            thread
        });
        let waiting: Vec<_> = waiting.collect();
        let outcomes = stores[0].with_database(Access::Write, |database| database.swap(&leader.take()));
        assert_eq!(leader.answer(outcomes).unwrap(), SwapOutcome::Stored);
        let outcomes: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
        let (stored, conflict) = (SwapOutcome::Stored, SwapOutcome::Conflict);
        // The leader was first at the second key.
        let expected = [[stored, conflict, conflict], [conflict; 3], [stored, conflict, conflict], [stored, conflict, conflict]];
        assert_eq!(outcomes, expected.concat());
    });
    assert_eq!(commits(&path), before + 1);
    assert_eq!([0, 1, 2, 3].map(|first| load(&stores[1], first).unwrap().version), ["b", "a", "b", "b"]);
}

#[test]
fn if_the_commit_of_a_group_fails_nobody_is_told_of_success_or_of_a_conflict() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = open(&path);
    let mut database = Database::open(&path, true, Instant::now()).unwrap();
    database.refuse_commits();
    let swaps = [swap(1, None, entry("a", None)), swap(1, None, entry("b", None))];
    database.swap(&swaps.each_ref()).unwrap_err();
    drop(database);
    assert_eq!(load(&store, 1), None);
}

#[test]
fn a_panic_of_the_leader_is_an_error_of_those_it_took_along() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = open(&path);
    let Turn::Lead(mut leader) = group::join(&path, swap(1, None, entry("a", None)), store.deadline()) else { panic!() };
    thread::scope(|scope| {
        let taken = scope.spawn(|| store.swap(&key(2), None, &entry("a", None)).unwrap_err().to_string());
        while group::waiting(&path) < 1 {
            thread::yield_now();
        }
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            leader.take();
            drop(leader);
            panic!("planted");
        }));
        assert!(panicked.is_err());
        assert_eq!(taken.join().unwrap(), "it panicked");
    });
    assert_eq!(put(&store, 2, None, "a"), SwapOutcome::Stored);
}

/// Each commit changes the counter in the file's header.
fn commits(path: &Path) -> u32 {
    u32::from_be_bytes(fs::read(path).unwrap()[24..28].try_into().unwrap())
}

#[test]
fn a_database_in_wal_mode_is_refused_with_the_way_to_undo_it() {
    let directory = TemporaryDirectory::new();
    let path = directory.join("logins.db");
    let store = open(&path);
    put(&store, 1, None, "a");
    connect(&path).pragma_update(None, "journal_mode", "wal").unwrap();
    let failed = error(store.load(&key(1)).unwrap_err());
    assert_eq!(failed.code(), ErrorCode::StoreUnavailable);
    assert!(failed.to_string().contains("PRAGMA journal_mode = DELETE"), "{failed}");
    connect(&path).pragma_update(None, "journal_mode", "delete").unwrap();
    assert_eq!(load(&store, 1), Some(entry("a", None)));
}

fn private(path: &Path) {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }
    #[cfg(not(unix))]
    let _ = path;
}
