//! The store against a server whose results the test says.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::testing::{error, message};
use super::*;
use crate::store::testing::{entry, key};

/// What the server does after a pipeline.
enum Reply {
    Say(Vec<u8>),
    Close,
    Nothing,
}

use Reply::{Close, Nothing, Say};

/// The statements of each pipeline that the server received, and how often somebody connected.
#[derive(Default)]
struct Seen {
    pipelines: Vec<Vec<String>>,
    connections: usize,
}

fn serve(replies: impl IntoIterator<Item = Reply>) -> (String, Arc<Mutex<Seen>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://app:hunter2@127.0.0.1:{}/logins", listener.local_addr().unwrap().port());
    let (replies, seen) = (Arc::new(Mutex::new(VecDeque::from_iter(replies))), Arc::new(Mutex::new(Seen::default())));
    let told = Arc::clone(&seen);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (replies, seen) = (Arc::clone(&replies), Arc::clone(&told));
            thread::spawn(move || converse(stream.unwrap(), &replies, &seen));
        }
    });
    (url, seen)
}

/// Until the connection ends.
fn converse(mut stream: TcpStream, replies: &Mutex<VecDeque<Reply>>, seen: &Mutex<Seen>) -> Option<()> {
    seen.lock().unwrap().connections += 1;
    receive(&mut stream)?;
    stream.write_all(&[message(b'R', &[0; 4]), ready(b'I')].concat()).ok()?;
    let mut statements = Vec::new();
    loop {
        let mut tag = [0];
        stream.read_exact(&mut tag).ok()?;
        let body = receive(&mut stream)?;
        match tag[0] {
            b'P' => statements.push(body.split(|byte| *byte == 0).nth(1).map(|sql| String::from_utf8(sql.to_vec()).unwrap())?),
            b'S' => {
                seen.lock().unwrap().pipelines.push(std::mem::take(&mut statements));
                match replies.lock().unwrap().pop_front()? {
                    Say(bytes) => stream.write_all(&bytes).ok()?,
                    Close => return None,
                    Nothing => {}
                }
            }
            _ => {}
        }
    }
}

fn receive(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    let mut body = vec![0; u32::from_be_bytes(length) as usize - 4];
    stream.read_exact(&mut body).ok()?;
    Some(body)
}

fn ready(status: u8) -> Vec<u8> {
    message(b'Z', &[status])
}

fn done(tag: &str) -> Vec<u8> {
    message(b'C', format!("{tag}\0").as_bytes())
}

fn row(columns: &[Option<&[u8]>]) -> Vec<u8> {
    let mut body = u16::try_from(columns.len()).unwrap().to_be_bytes().to_vec();
    for column in columns {
        body.extend(column.map_or(-1, |column| i32::try_from(column.len()).unwrap()).to_be_bytes());
        body.extend(column.unwrap_or_default());
    }
    message(b'D', &body)
}

/// The result of a load.
fn loaded(is_standby: bool, version: Option<&str>, marker: Option<&str>) -> Reply {
    let data = version.map(|version| format!("data of {version}"));
    let columns = [
        Some(&[u8::from(is_standby)][..]),
        version.map(str::as_bytes),
        data.as_deref().map(str::as_bytes),
        None,
        marker.map(str::as_bytes),
    ];
    Say([row(&columns), done("SELECT 1"), ready(b'I')].concat())
}

/// The result of a swap, as these tags.
fn swapped(tags: &[&str]) -> Reply {
    let all = tags.iter().map(|tag| done(tag)).collect::<Vec<_>>().concat();
    Say([all, ready(b'I')].concat())
}

fn failed(code: &str, status: u8) -> Reply {
    Say([error(code, "the server says so"), ready(status)].concat())
}

const STORED: [&str; 4] = ["BEGIN", "SELECT 1", "UPDATE 1", "COMMIT"];

fn open(url: &str) -> Postgres {
    Postgres::open(url, &StoreOptions::new()).unwrap()
}

fn problem<T: std::fmt::Debug>(result: Result<T, BoxError>) -> Error {
    let error = *result.unwrap_err().downcast::<Error>().unwrap();
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{error}");
    error
}

#[test]
fn a_load_is_one_statement_on_a_connection_that_is_kept() {
    let (url, seen) = serve([loaded(false, Some("a"), Some("m")), loaded(false, None, Some("m"))]);
    let store = open(&url);
    assert_eq!(store.load(&key(1)).unwrap(), Some(entry("a", None)));
    assert_eq!(store.load(&key(2)).unwrap(), None);
    let seen = seen.lock().unwrap();
    assert_eq!((seen.connections, seen.pipelines.iter().map(Vec::len).collect::<Vec<_>>()), (1, vec![1, 1]));
}

#[test]
fn a_standby_is_an_error_whether_it_has_the_login_or_not() {
    for version in [Some("a"), None] {
        let (url, _) = serve([loaded(true, version, None)]);
        let error = problem(open(&url).load(&key(1)));
        assert_eq!(error.remedy(), Remedy::TryLater);
        assert!(error.to_string().contains("standby"), "{error}");
    }
}

#[test]
fn an_emptied_or_replaced_store_is_not_one_without_logins() {
    for now in [loaded(false, None, None), loaded(false, None, Some("other")), failed("42P01", b'I')] {
        let (url, seen) = serve([loaded(false, Some("a"), Some("m")), now]);
        let store = open(&url);
        assert!(store.load(&key(1)).unwrap().is_some());
        let error = problem(store.load(&key(1)));
        assert_eq!(error.remedy(), Remedy::FixConfiguration);
        assert!(error.to_string().contains("was emptied or replaced"), "{error}");
        assert_eq!(seen.lock().unwrap().pipelines.len(), 2);
    }
}

#[test]
fn a_load_is_repeated_once_if_the_connection_had_been_closed() {
    for closed in [Close, failed("57P01", b'I')] {
        let (url, seen) = serve([loaded(false, Some("a"), None), closed, loaded(false, Some("b"), None)]);
        let store = open(&url);
        assert!(store.load(&key(1)).unwrap().is_some());
        assert_eq!(store.load(&key(1)).unwrap(), Some(entry("b", None)));
        assert_eq!(seen.lock().unwrap().connections, 2);
    }
    let (url, seen) = serve([loaded(false, Some("a"), None), Close, Close, loaded(false, Some("b"), None)]);
    let store = open(&url);
    assert!(store.load(&key(1)).unwrap().is_some());
    assert_eq!(problem(store.load(&key(1))).remedy(), Remedy::TryLater);
    assert_eq!(seen.lock().unwrap().pipelines.len(), 3);
}

#[test]
fn a_swap_without_an_answer_is_an_error_and_not_repeated() {
    for end in [Close, Nothing, Say([done("BEGIN"), done("SELECT 1"), done("UPDATE 1")].concat())] {
        let (url, seen) = serve([loaded(false, Some("a"), Some("m")), end, swapped(&STORED)]);
        let store = Postgres::open(&url, &StoreOptions::new().timeout(Duration::from_secs(1))).unwrap();
        assert!(store.load(&key(1)).unwrap().is_some());
        assert_eq!(problem(store.swap(&key(1), Some("a"), &entry("b", None))).remedy(), Remedy::TryLater);
        assert_eq!(seen.lock().unwrap().pipelines.len(), 2);
    }
}

#[test]
fn a_swap_is_stored_if_one_row_was_changed_and_committed() {
    for (tags, outcome) in [
        (STORED, Some(SwapOutcome::Stored)),
        (["BEGIN", "SELECT 1", "UPDATE 0", "COMMIT"], Some(SwapOutcome::Conflict)),
        (["BEGIN", "SELECT 1", "UPDATE 1", "ROLLBACK"], None),
    ] {
        let (url, seen) = serve([loaded(false, Some("a"), Some("m")), swapped(&tags)]);
        let store = open(&url);
        store.load(&key(1)).unwrap();
        assert_eq!(store.swap(&key(1), Some("a"), &entry("b", None)).ok(), outcome, "{tags:?}");
        let sent = seen.lock().unwrap().pipelines[1].clone();
        assert!(sent[0].starts_with("BEGIN") && sent[1] == SETTINGS && sent[2].starts_with("UPDATE") && sent[3] == "COMMIT", "{sent:?}");
    }
}

#[test]
fn a_commit_that_no_longer_waits_for_its_standby_is_not_known_to_be_stored() {
    let warning = message(b'N', b"SWARNING\0VWARNING\0C01000\0Mcanceling wait for synchronous replication\0\0");
    let answer = [done("BEGIN"), done("SELECT 1"), done("INSERT 0 1"), done("UPDATE 1"), warning, done("COMMIT"), ready(b'I')].concat();
    let (url, _) = serve([Say(answer)]);
    let error = problem(open(&url).swap(&key(1), Some("a"), &entry("b", None)));
    assert!(error.remedy() == Remedy::TryLater && error.to_string().contains("synchronous standby"), "{error}");
}

#[test]
fn a_serialization_failure_or_deadlock_is_a_conflict() {
    for code in ["40001", "40P01"] {
        let (url, _) = serve([failed(code, b'E')]);
        assert_eq!(open(&url).swap(&key(1), Some("a"), &entry("b", None)).unwrap(), SwapOutcome::Conflict);
    }
}

#[test]
fn the_first_swap_of_a_process_marks_the_store() {
    let (url, seen) =
        serve([swapped(&["BEGIN", "SELECT 1", "INSERT 0 1", "INSERT 0 1", "COMMIT"]), swapped(&STORED), loaded(false, None, None)]);
    let store = open(&url);
    assert_eq!(store.swap(&key(1), None, &entry("a", None)).unwrap(), SwapOutcome::Stored);
    assert_eq!(store.swap(&key(1), Some("a"), &entry("b", None)).unwrap(), SwapOutcome::Stored);
    assert!(problem(store.load(&key(2))).to_string().contains("emptied"));
    assert_eq!(seen.lock().unwrap().pipelines.iter().map(Vec::len).collect::<Vec<_>>(), [5, 4, 1]);
}

#[test]
fn a_swap_that_was_not_committed_leaves_no_marker_to_expect() {
    let (url, _) = serve([failed("55P03", b'E'), loaded(false, None, None)]);
    let store = open(&url);
    assert!(problem(store.swap(&key(1), None, &entry("a", None))).to_string().contains("locked"));
    assert_eq!(store.load(&key(1)).unwrap(), None);
}

#[test]
fn a_missing_table_is_created_and_the_operation_made_again() {
    let created = ["BEGIN", "SELECT 1", "CREATE TABLE", "ALTER TABLE", "CREATE INDEX", "COMMENT", "COMMIT"];
    let (url, seen) = serve([failed("42P01", b'I'), swapped(&created), loaded(false, None, None)]);
    assert_eq!(open(&url).load(&key(1)).unwrap(), None);
    assert!(seen.lock().unwrap().pipelines[1][2].starts_with("CREATE TABLE IF NOT EXISTS"));
}

#[test]
fn a_program_that_only_reads_finds_nothing_in_a_missing_table_and_does_not_create_it() {
    let (url, seen) = serve([failed("42P01", b'I'), failed("42P01", b'I'), failed("42P01", b'I')]);
    let store = Postgres::open(&url, &StoreOptions::new().only_reads()).unwrap();
    assert_eq!(store.load(&key(1)).unwrap(), None);
    assert_eq!(store.keys(None, 2).unwrap(), []);
    assert!(store.is_missing());
    let statements = seen.lock().unwrap().pipelines.concat();
    assert!(!statements.iter().any(|statement| statement.contains("CREATE")), "{statements:?}");
}

#[test]
fn a_table_that_may_not_be_created_is_an_error_with_the_script() {
    let may_not = [failed("42P01", b'I'), failed("42501", b'E')];
    for (replies, create_table, pipelines) in [(Vec::from(may_not), true, 2), (vec![failed("42P01", b'I')], false, 1)] {
        let (url, seen) = serve(replies);
        let store = Postgres::open(&url, &StoreOptions::new().create_table(create_table)).unwrap();
        let error = problem(store.load(&key(1)));
        assert_eq!(error.remedy(), Remedy::FixConfiguration);
        assert!(error.to_string().contains("there is no table") && error.to_string().contains("TO \"app\";"), "{error}");
        assert_eq!(seen.lock().unwrap().pipelines.len(), pipelines);
    }
}

#[test]
fn keys_are_those_of_logins_and_never_a_standbys() {
    let keys = |is_standby: bool, keys: &[&str]| {
        let rows = keys.iter().map(|key| row(&[Some(key.as_bytes())])).collect::<Vec<_>>().concat();
        Say([row(&[Some(&[u8::from(is_standby)])]), done("SELECT 1"), rows, done("SELECT 1"), ready(b'I')].concat())
    };
    let (url, seen) = serve([keys(false, &[key(1).as_str(), key(2).as_str()]), keys(false, &["x"]), keys(true, &[])]);
    let store = open(&url);
    assert_eq!(store.keys(None, 2).unwrap(), [key(1), key(2)]);
    assert!(problem(store.keys(Some(&key(2)), 2)).to_string().contains("delete that row"));
    assert!(problem(store.keys(None, 2)).to_string().contains("standby"));
    assert!(seen.lock().unwrap().pipelines[0][1].contains("WHERE key > $1 ORDER BY key LIMIT $2"));
}

#[test]
fn expired_entries_are_swept_now_and_then_and_a_failure_to_do_so_is_none() {
    for end in [swapped(&["DELETE 3"]), Close, failed("40P01", b'I')] {
        let (url, seen) = serve([loaded(false, Some("a"), Some("m")), swapped(&STORED), end, swapped(&STORED)]);
        let store = open(&url);
        store.load(&key(1)).unwrap();
        store.swaps.store(SWEEP_EVERY, Ordering::Relaxed);
        for expected in ["a", "b"] {
            assert_eq!(store.swap(&key(1), Some(expected), &entry("b", None)).unwrap(), SwapOutcome::Stored);
        }
        let sent: Vec<_> =
            seen.lock().unwrap().pipelines.iter().map(|pipeline| pipeline[0].split(' ').next().unwrap().to_owned()).collect();
        assert_eq!(sent, ["SELECT", "BEGIN", "DELETE", "BEGIN"]);
    }
}

#[test]
fn opening_does_not_connect() {
    let (url, seen) = serve([]);
    drop(open(&url));
    assert_eq!(seen.lock().unwrap().connections, 0);
    for (options, name) in [(StoreOptions::new().table("a b"), "table: "), (StoreOptions::new().connections(0), "connections: ")] {
        assert!(Postgres::open(&url, &options).err().unwrap().to_string().starts_with(name));
    }
}

#[test]
fn a_check_says_what_is_wrong_in_words() {
    let (yes, no) = (Some(&[1_u8][..]), Some(&[0_u8][..]));
    let columns = Some("data bytea, ends bigint, key text, version text".as_bytes());
    let look = |columns: &[Option<&[u8]>]| Say([row(columns), done("SELECT 1"), ready(b'I')].concat());
    let good = [no, no, no, yes, no, no, no, None, yes, yes, yes, yes, columns, yes];
    let none = [no, no, no, no, yes, None, None, None, None, None, None, None, None, no];
    let other = Some("data character varying, key text, version text".as_bytes());
    let bad = [yes, yes, yes, yes, no, yes, yes, Some(b"sipgate-oauth2 format 2"), yes, yes, no, no, other, no];
    let mut may_not_create = none;
    may_not_create[4] = no;
    for (columns, words) in [
        (good, &[][..]),
        (none, &[]),
        (may_not_create, &["there is no table"]),
        (
            bad,
            &[
                "standby",
                "fsync is off",
                "full_page_writes is off",
                "SET LOGGED",
                "row security",
                "newer version",
                "may not UPDATE, DELETE",
                "the column data of the table \"sipgate_oauth2_logins\" is character varying; change its type to bytea",
                "no column ends",
                "not unique",
            ],
        ),
    ] {
        let (url, _) = serve([look(&columns), loaded(false, None, Some("m")), swapped(&STORED)]);
        let findings = open(&url).check().unwrap();
        assert_eq!(findings.len(), words.len(), "{findings:?}");
        for (finding, word) in findings.iter().zip(words) {
            assert!(finding.starts_with("store 127.0.0.1:") && finding.contains(word), "{finding}");
        }
    }
    for (swap, word) in [
        (swapped(&["BEGIN", "SELECT 1", "INSERT 0 0", "COMMIT"]), "does not keep what is written"),
        (failed("25006", b'I'), "read-only"),
        (failed("55P03", b'I'), "synchronous standby"),
    ] {
        let (url, _) = serve([look(&good), loaded(false, None, Some("m")), swap]);
        let findings = open(&url).check().unwrap();
        assert!(findings.len() == 1 && findings[0].contains(word), "{findings:?}");
    }
    let (url, _) = serve([failed("42501", b'I')]);
    assert!(open(&url).check().unwrap()[0].contains("lacks a right"));
    let (url, _) = serve([Close]);
    assert_eq!(problem(open(&url).check()).remedy(), Remedy::TryLater);
}
