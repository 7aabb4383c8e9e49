//! The store against servers that follow a script.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Remedy};

use super::Redis;
use super::fake::{Fake, INFO, Response, array, bulk};
use crate::store::options::{Durability, StoreOptions};
use crate::store::testing::{entry, key};
use crate::store::token_store::{BoxError, SwapOutcome, TokenStore};

fn store(url: &str, options: &StoreOptions) -> Redis {
    Redis::open(url, options).unwrap()
}

fn simple(fake: &Fake) -> Redis {
    store(&fake.url(), &StoreOptions::new())
}

fn failed<T: std::fmt::Debug>(result: Result<T, BoxError>) -> Error {
    let error = *result.unwrap_err().downcast::<Error>().unwrap();
    assert_eq!(error.code(), ErrorCode::StoreUnavailable, "{error}");
    error
}

fn bytes(text: impl Into<String>) -> Response {
    Response::Bytes(text.into())
}

/// Does this for one command, and the usual for others.
fn only(command: &'static str, response: impl Fn() -> Response + Send + 'static) -> impl FnMut(&[&str], usize) -> Response + Send {
    move |words, _| if words[0] == command { response() } else { Response::Usual }
}

#[test]
fn an_entry_that_was_stored_is_loaded_until_it_expires() {
    let store = simple(&Fake::new());
    assert_eq!(store.load(&key(1)).unwrap(), None);
    assert_eq!(store.swap(&key(1), None, &entry("a", None)).unwrap(), SwapOutcome::Stored);
    assert_eq!(store.swap(&key(1), None, &entry("b", None)).unwrap(), SwapOutcome::Conflict);
    assert_eq!(store.load(&key(1)).unwrap(), Some(entry("a", None)));
    assert_eq!(store.swap(&key(1), Some("a"), &entry("b", Some(1))).unwrap(), SwapOutcome::Stored);
    assert_eq!(store.load(&key(1)).unwrap(), None);
}

#[test]
fn a_swap_and_its_proof_are_one_round_trip() {
    let fake = Fake::new();
    let store = simple(&fake);
    store.load(&key(1)).unwrap();
    fake.seen();
    store.swap(&key(1), None, &entry("a", None)).unwrap();
    assert_eq!(fake.seen(), ["EVAL", "WAITAOF"]);
}

#[test]
fn a_write_that_is_not_proved_is_not_stored() {
    for (replies, replicas, is_stored) in
        [("*2\r\n:0\r\n:0\r\n", 0, false), ("*2\r\n:1\r\n:1\r\n", 2, false), ("*2\r\n:1\r\n:2\r\n", 2, true)]
    {
        let fake = Fake::new();
        let store = store(&fake.url(), &StoreOptions::new().replicas(replicas));
        store.load(&key(1)).unwrap();
        fake.follow(only("WAITAOF", move || bytes(replies)));
        let swapped = store.swap(&key(1), None, &entry("a", None));
        if is_stored {
            assert_eq!(swapped.unwrap(), SwapOutcome::Stored);
        } else {
            let error = failed(swapped);
            assert!(error.remedy() == Remedy::TryLater && error.to_string().contains("not proved"), "{error}");
        }
    }
}

#[test]
fn another_durability_waits_for_what_it_says() {
    for (durability, replicas, expected) in
        [(Durability::Server, 0, &["EVAL"][..]), (Durability::Server, 1, &["EVAL", "WAIT"]), (Durability::Memory, 0, &["EVAL"])]
    {
        let fake = Fake::new();
        let store = store(&fake.url(), &StoreOptions::new().durability(durability).replicas(replicas));
        store.load(&key(1)).unwrap();
        fake.seen();
        store.swap(&key(1), None, &entry("a", None)).unwrap();
        assert_eq!(fake.seen(), expected);
    }
}

#[test]
fn a_server_without_hello_is_greeted_as_it_understands() {
    let fake = Fake::with(|words, _| match words {
        ["HELLO", ..] => bytes("-ERR unknown command `HELLO`, with args beginning with: `2`, `AUTH`, \r\n"),
        ["AUTH", "app", "hunter2"] | ["SELECT", "3"] => bytes("+OK\r\n"),
        ["AUTH" | "SELECT", ..] => bytes("-ERR not this\r\n"),
        _ => Response::Usual,
    });
    let url = format!("redis://app:hunter2@127.0.0.1:{}/3", fake.port);
    assert_eq!(store(&url, &StoreOptions::new()).load(&key(1)).unwrap(), None);
}

#[test]
fn each_new_connection_asks_for_the_password() {
    let asked = Arc::new(AtomicUsize::new(0));
    let fake = Fake::with(|words, number| match words {
        ["HELLO", "2", "AUTH", "app", password, ..] if **password == *format!("hunter{number}") => Response::Usual,
        ["HELLO", ..] => bytes("-WRONGPASS invalid username-password pair or user is disabled.\r\n"),
        _ => Response::Usual,
    });
    let counted = Arc::clone(&asked);
    let options = StoreOptions::new().password(move || Ok(format!("hunter{}", counted.fetch_add(1, Ordering::Relaxed))));
    let store = store(&format!("redis://app@127.0.0.1:{}", fake.port), &options);
    store.load(&key(1)).unwrap();
    store.load(&key(1)).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    fake.close();
    store.load(&key(1)).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 2);
    fake.close();
    asked.fetch_add(1, Ordering::Relaxed);
    let error = failed(store.load(&key(1)));
    assert!(error.remedy() == Remedy::FixConfiguration && !format!("{error:?}").contains("hunter"), "{error}");
}

#[test]
fn the_error_of_a_password_function_is_the_cause() {
    let options = StoreOptions::new().password(|| Err("the vault is sealed".into()));
    let error = failed(store(&Fake::new().url(), &options).load(&key(1)));
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the vault is sealed");
}

#[test]
fn a_load_on_a_connection_that_was_closed_is_repeated_once() {
    let fake = Fake::new();
    let store = simple(&fake);
    store.load(&key(1)).unwrap();
    // Only when the command arrives does the old connection end.
    fake.follow(|words, number| if number == 0 && words[0] == "HMGET" { Response::Close } else { Response::Usual });
    assert_eq!(store.load(&key(1)).unwrap(), None);
    fake.follow(|words, _| if words[0] == "HMGET" { Response::Close } else { Response::Usual });
    assert_eq!(failed(store.load(&key(1))).remedy(), Remedy::TryLater);
    assert_eq!(fake.seen().iter().filter(|command| *command == "HMGET").count(), 5);
}

#[test]
fn a_swap_without_a_response_is_an_error_and_is_not_repeated() {
    let fake = Fake::new();
    let store = simple(&fake);
    store.load(&key(1)).unwrap();
    fake.follow(only("EVAL", || Response::Close));
    assert_eq!(failed(store.swap(&key(1), None, &entry("a", None))).remedy(), Remedy::TryLater);
    assert_eq!(fake.seen().iter().filter(|command| *command == "EVAL").count(), 1);
}

#[test]
fn a_server_that_says_nothing_is_given_up_in_time() {
    let store = store(&Fake::with(|_, _| Response::Silence).url(), &StoreOptions::new().timeout(Duration::from_millis(50)));
    let error = failed(store.load(&key(1)));
    assert!(error.to_string().contains("in time"), "{error}");
}

#[test]
fn what_is_no_redis_is_named_so() {
    let error = failed(simple(&Fake::with(|_, _| bytes("HTTP/1.1 400 Bad Request\r\n\r\n"))).load(&key(1)));
    assert!(error.remedy() == Remedy::FixConfiguration && error.to_string().contains("no Redis"), "{error}");
}

#[test]
fn a_replica_is_left_for_a_new_connection() {
    let fake = Fake::new();
    let store = simple(&fake);
    store.load(&key(1)).unwrap();
    fake.follow(|words, number| match words[0] {
        "EVAL" if number == 0 => bytes("-READONLY You can't write against a read only replica.\r\n"),
        _ => Response::Usual,
    });
    let error = failed(store.swap(&key(1), None, &entry("a", None)));
    assert_eq!(error.remedy(), Remedy::TryLater);
    assert_eq!(store.swap(&key(1), None, &entry("a", None)).unwrap(), SwapOutcome::Stored);
}

#[test]
fn an_unfit_server_is_refused_before_anything_is_asked_of_it() {
    for (changed, to, remedy) in [
        ("role:master", "role:slave", Remedy::TryLater),
        ("aof_enabled:1", "aof_enabled:0", Remedy::FixConfiguration),
        ("maxmemory:0\r\nmaxmemory_policy:noeviction", "maxmemory:9\r\nmaxmemory_policy:allkeys-lru", Remedy::FixConfiguration),
    ] {
        let fake = Fake::with(only("INFO", move || bytes(bulk(&INFO.replace(changed, to)))));
        assert_eq!(failed(simple(&fake).load(&key(1))).remedy(), remedy, "{to}");
        assert_eq!(fake.seen(), ["HELLO", "INFO"]);
        let findings = simple(&fake).check().unwrap();
        assert!(findings.len() == 1 && findings[0].starts_with(&format!("store 127.0.0.1:{}: ", fake.port)), "{findings:?}");
    }
}

#[test]
fn a_missing_right_is_named_with_its_remedy() {
    for command in ["HMGET", "EVAL", "SCAN", "PERSIST", "INFO"] {
        let fake = Fake::with(only(command, || bytes("-NOPERM User app has no permissions to run the command\r\n")));
        let findings = simple(&fake).check().unwrap();
        assert!(findings.len() == 1 && findings[0].contains("ACL SETUSER default ~sipgate-oauth2:* +eval"), "{command}: {findings:?}");
    }
    let fake = Fake::with(only("HMGET", || bytes("-NOPERM User app has no permissions to run the command\r\n")));
    let error = failed(simple(&fake).load(&key(1)));
    assert!(error.remedy() == Remedy::FixConfiguration && error.to_string().contains("ACL SETUSER"), "{error}");
    assert_eq!(simple(&Fake::new()).check().unwrap(), [""; 0]);
}

#[test]
fn the_rights_are_those_that_the_server_knows() {
    for (changed, to, rights) in [
        ("redis_version:7.2.4", "redis_version:7.0.15", "+info +config|get"),
        ("cluster_enabled:0", "cluster_enabled:1", "+info +waitaof +asking +cluster|slots"),
    ] {
        let info = INFO.replace(changed, to);
        let fake = Fake::with(move |words, _| match words[0] {
            "INFO" => bytes(bulk(&info)),
            "CONFIG" => bytes(array(&["appendfsync", "always"])),
            _ => bytes("-NOPERM no permissions\r\n"),
        });
        let error = failed(simple(&fake).load(&key(1)));
        assert!(error.to_string().ends_with(rights), "{error}");
    }
}

#[test]
fn an_emptied_store_is_not_a_store_without_logins() {
    for (durability, is_noticed) in [(Durability::Disk, true), (Durability::Memory, false)] {
        let fake = Fake::new();
        let options = StoreOptions::new().durability(durability);
        let store = store(&fake.url(), &options);
        store.swap(&key(1), None, &entry("a", None)).unwrap();
        assert_eq!(store.load(&key(2)).unwrap(), None);
        fake.flush();
        if is_noticed {
            // Another process writes a marker of its own.
            self::store(&fake.url(), &options).load(&key(1)).unwrap();
            for result in [store.load(&key(1)).map(drop), store.keys(None, 1).map(drop)] {
                let error = failed(result);
                assert!(error.remedy() == Remedy::FixConfiguration && error.to_string().contains("emptied"), "{error}");
            }
        } else {
            assert_eq!(store.load(&key(1)).unwrap(), None);
        }
    }
}

#[test]
fn keys_are_listed_in_order_however_the_server_lists_them() {
    let fake = Fake::new();
    let store = simple(&fake);
    let name = |first| format!("sipgate-oauth2:{}", key(first).as_str());
    let pages = [
        format!("*2\r\n{}{}", bulk("17"), array(&[&name(3), "sipgate-oauth2:store", &name(1)])),
        format!("*2\r\n{}{}", bulk("0"), array(&[&name(1), &name(2)])),
    ];
    fake.follow(move |words, _| match words {
        ["SCAN", "0", "MATCH", "sipgate-oauth2:*", ..] => bytes(pages[0].as_str()),
        ["SCAN", "17", ..] => bytes(pages[1].as_str()),
        _ => Response::Usual,
    });
    assert_eq!(store.keys(None, 2).unwrap(), [key(1), key(2)]);
    assert_eq!(store.keys(Some(&key(2)), 2).unwrap(), [key(3)]);
    assert_eq!(store.keys(Some(&key(3)), 2).unwrap(), []);
}

#[test]
fn a_server_that_lists_its_keys_for_ever_is_given_up() {
    let fake = Fake::with(only("SCAN", || bytes(format!("*2\r\n{}*0\r\n", bulk("17")))));
    let mut store = simple(&fake);
    store.listing.give_up_after(Duration::from_millis(50));
    let error = failed(store.keys(None, 1));
    assert!(error.remedy() == Remedy::TryLater && error.to_string().contains("end of its keys"), "{error}");
}

#[test]
fn pages_that_follow_each_other_are_of_one_list_and_others_are_new() {
    let fake = Fake::new();
    let store = simple(&fake);
    for number in 1..=5 {
        store.swap(&key(number), None, &entry("a", None)).unwrap();
    }
    let scans = || fake.seen().iter().filter(|command| *command == "SCAN").count();
    scans();
    assert_eq!(store.keys(None, 2).unwrap(), [key(1), key(2)]);
    assert_eq!(store.keys(Some(&key(2)), 2).unwrap(), [key(3), key(4)]);
    assert_eq!(scans(), 1);
    store.swap(&key(6), None, &entry("a", None)).unwrap();
    assert_eq!(store.keys(Some(&key(3)), 9).unwrap(), [key(4), key(5), key(6)]);
    assert_eq!(scans(), 1);
}

fn info_of_a_node() -> Response {
    bytes(bulk(&INFO.replace("cluster_enabled:0", "cluster_enabled:1")))
}

/// A node that has the slots of other keys, and sends those of this store elsewhere.
fn node_that_says(redirect: String) -> Fake {
    Fake::with(move |words, _| match words[0] {
        "INFO" => info_of_a_node(),
        "HMGET" | "EVAL" => bytes(redirect.as_str()),
        _ => Response::Usual,
    })
}

#[test]
fn a_key_that_moved_is_found_and_its_place_is_remembered() {
    let other = Fake::with(only("INFO", info_of_a_node));
    let slot = super::names::slot(&format!("sipgate-oauth2:{}", key(1).as_str()));
    let home = node_that_says(format!("-MOVED {slot} 127.0.0.1:{}\r\n", other.port));
    let store = simple(&home);
    assert_eq!(store.swap(&key(1), None, &entry("a", None)).unwrap(), SwapOutcome::Stored);
    home.seen();
    assert_eq!(store.load(&key(1)).unwrap(), Some(entry("a", None)));
    assert_eq!(home.seen(), [""; 0]);
}

#[test]
fn a_key_that_is_moving_is_asked_for_there_once() {
    let other = Fake::with(only("INFO", info_of_a_node));
    let home = node_that_says(format!("-ASK 5 127.0.0.1:{}\r\n", other.port));
    let store = simple(&home);
    for _ in 0..2 {
        home.seen();
        store.load(&key(1)).unwrap();
        assert!(home.seen().contains(&"HMGET".to_owned()));
    }
    assert!(other.seen().windows(2).any(|pair| pair == ["ASKING", "HMGET"]));
}

#[test]
fn the_id_of_a_store_is_written_where_it_is_moving_to() {
    let other = Fake::with(only("INFO", info_of_a_node));
    let port = other.port;
    let home = Fake::with(move |words, _| match words[0] {
        "INFO" => info_of_a_node(),
        "GET" => bytes(format!("-ASK 5 127.0.0.1:{port}\r\n")),
        _ => Response::Usual,
    });
    simple(&home).swap(&key(1), None, &entry("a", None)).unwrap();
    let seen: Vec<_> = other.seen().into_iter().skip_while(|command| command != "ASKING").collect();
    assert_eq!(seen, ["ASKING", "GET", "ASKING", "SET", "ASKING", "WAITAOF", "ASKING", "GET"]);
}

#[test]
fn the_other_nodes_are_asked_when_that_of_the_url_is_away() {
    let other = Fake::with(only("INFO", info_of_a_node));
    let port = other.port;
    let home = Fake::with(move |words, _| match words[0] {
        "INFO" => info_of_a_node(),
        "CLUSTER" => bytes(format!("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$0\r\n\r\n:{port}\r\n")),
        _ => Response::Usual,
    });
    let store = store(&home.url(), &StoreOptions::new().durability(Durability::Memory));
    assert_eq!(store.swap(&key(1), None, &entry("a", None)).unwrap(), SwapOutcome::Stored);
    home.follow(|_, _| Response::Close);
    home.close();
    assert_eq!(store.load(&key(1)).unwrap(), None);
    assert!(other.seen().contains(&"HMGET".to_owned()));
}

#[test]
fn redirects_end() {
    let fake = Fake::new();
    let port = fake.port;
    fake.follow(move |words, _| if words[0] == "HMGET" { bytes(format!("-MOVED 5 :{port}\r\n")) } else { Response::Usual });
    let error = failed(simple(&fake).load(&key(1)));
    assert!(error.remedy() == Remedy::TryLater && error.to_string().contains("do not agree"), "{error}");
    assert_eq!(fake.seen().iter().filter(|command| *command == "HMGET").count(), 6);
}

#[test]
fn a_cluster_that_is_down_is_left_alone_between_attempts() {
    let home = node_that_says("-CLUSTERDOWN The cluster is down\r\n".to_owned());
    let store = simple(&home);
    let asked = (0..50).filter(|_| {
        home.seen();
        assert_eq!(failed(store.load(&key(1))).remedy(), Remedy::TryLater);
        !home.seen().is_empty()
    });
    assert!(asked.count() < 50);
}

#[test]
fn a_redirect_to_another_machine_needs_tls() {
    let error = failed(simple(&node_that_says("-MOVED 5 192.0.2.1:6379\r\n".to_owned())).load(&key(1)));
    assert!(error.remedy() == Remedy::FixConfiguration && error.to_string().contains("TLS"), "{error}");
}

#[test]
fn the_first_sentinel_whose_word_is_good_is_believed() {
    let replica = Fake::with(only("INFO", || bytes(bulk(&INFO.replace("role:master", "role:slave")))));
    let primary = Fake::new();
    let sentinel = |port: u16| Fake::with(only("SENTINEL", move || bytes(array(&["127.0.0.1", &port.to_string()]))));
    let (stale, good) = (sentinel(replica.port), sentinel(primary.port));
    let unaware = Fake::with(only("SENTINEL", || bytes("*-1\r\n")));
    let url = |sentinels: &[u16]| {
        let hosts: Vec<_> = sentinels.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        format!("redis+sentinel://{}/mymaster", hosts.join(","))
    };
    let options = StoreOptions::new();
    assert_eq!(store(&url(&[1, unaware.port, stale.port, good.port]), &options).load(&key(1)).unwrap(), None);
    assert_eq!(failed(store(&url(&[stale.port]), &options).load(&key(1))).remedy(), Remedy::TryLater);
    let error = failed(store(&url(&[unaware.port, 1]), &options).load(&key(1)));
    assert!(error.remedy() == Remedy::FixConfiguration && error.to_string().contains("knows no primary"), "{error}");
}
