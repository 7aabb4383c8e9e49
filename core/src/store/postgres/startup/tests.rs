use protocol::error::Remedy;

use super::super::recording::Recording;
use super::super::table::Table;
use super::super::testing::{error, message};
use super::*;
use crate::store::remote::address::Address;

const LOGIN: Login<'_> =
    Login { user: "app", database: "d", application_name: "a", password: Some("hunter2"), protection: Protection::ThisMachine };

fn start(answer: &[Vec<u8>], login: Login<'_>) -> (Result<Option<bool>, Refusal>, Vec<u8>) {
    let mut wire = Wire::new(Recording::new(&answer.concat()));
    let result = log_in(&mut wire, login);
    (result, wire.stream().sent.clone())
}

fn authentication(kind: u32, rest: &[u8]) -> Vec<u8> {
    message(b'R', &[&kind.to_be_bytes()[..], rest].concat())
}

fn ready() -> Vec<u8> {
    message(b'Z', b"I")
}

fn setting(answer: &[Vec<u8>], login: Login<'_>) -> String {
    match start(answer, login).0 {
        Err(Refusal::Setting(problem)) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_that_trusts_asks_for_nothing_and_may_say_that_it_is_a_standby() {
    for (said, expected) in [(None, None), (Some("off"), Some(false)), (Some("on"), Some(true))] {
        let said = said.map(|said| message(b'S', format!("in_hot_standby\0{said}\0").as_bytes())).unwrap_or_default();
        let (result, sent) = start(&[authentication(0, b""), said, message(b'K', &[0; 8]), ready()], LOGIN);
        assert_eq!(result.unwrap(), expected);
        assert!(sent.ends_with(b"user\0app\0database\0d\0application_name\0a\0client_encoding\0UTF8\0\0"));
    }
}

#[test]
fn a_password_in_clear_text_is_sent_inside_tls_only() {
    let answer = [authentication(3, b""), authentication(0, b""), ready()];
    let (result, sent) = start(&answer, Login { protection: Protection::Tls(None), ..LOGIN });
    assert!(result.is_ok() && sent.ends_with(b"p\0\0\0\x0chunter2\0"));
    let (result, sent) = start(&answer, LOGIN);
    assert!(result.is_err() && !sent.windows(7).any(|window| window == b"hunter2"));
    assert!(setting(&answer, LOGIN).contains("clear text, which needs TLS"));
}

#[test]
fn what_is_not_supported_is_named_with_the_remedy() {
    for (answer, name) in [
        (authentication(5, b"salt"), "MD5"),
        (authentication(7, b""), "GSSAPI"),
        (authentication(2, b""), "GSSAPI"),
        (authentication(9, b""), "SSPI"),
        (authentication(10, b"SCRAM-SHA-1\0\0"), "SASL"),
    ] {
        let problem = setting(&[answer], LOGIN);
        assert!(problem.contains(name) && problem.contains("scram-sha-256") && !problem.contains("hunter2"), "{problem}");
    }
}

#[test]
fn a_missing_password_is_named() {
    for password in [None, Some("")] {
        let problem = setting(&[authentication(10, b"SCRAM-SHA-256\0\0")], Login { password, ..LOGIN });
        assert!(problem.contains("PGPASSWORD"), "{problem}");
    }
}

#[test]
fn a_server_that_skips_the_proof_is_not_believed() {
    let offer = authentication(10, b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0");
    for next in [authentication(0, b""), authentication(12, b"v=AAAA"), authentication(11, b"r=x,s=AAAA,i=4096")] {
        let (result, sent) = start(&[offer.clone(), next, authentication(0, b""), ready()], LOGIN);
        assert!(matches!(result, Err(Refusal::Io(_))) && !sent.windows(7).any(|window| window == b"hunter2"));
    }
}

#[test]
fn a_login_inside_tls_is_bound_to_the_servers_certificate_if_both_can() {
    let (plus, plain) = (&b"SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0"[..], &b"SCRAM-SHA-256\0\0"[..]);
    for (protection, offered, mechanism, header) in [
        (Protection::Tls(Some(b"hash")), plus, "SCRAM-SHA-256-PLUS\0", "p=tls-server-end-point,,n=,r="),
        (Protection::Tls(Some(b"hash")), plain, "SCRAM-SHA-256\0", "y,,n=,r="),
        (Protection::Tls(None), plus, "SCRAM-SHA-256\0", "n,,n=,r="),
        (Protection::ThisMachine, plain, "SCRAM-SHA-256\0", "n,,n=,r="),
    ] {
        let (_, sent) = start(&[authentication(10, offered)], Login { protection, ..LOGIN });
        let sent = String::from_utf8_lossy(&sent);
        assert!(sent.contains(mechanism) && sent.contains(header), "{sent:?}");
    }
}

#[test]
fn a_refusal_is_the_servers_error() {
    for before in [vec![], vec![authentication(0, b"")]] {
        let answer = [before, vec![error("28P01", "no")]].concat();
        assert!(matches!(start(&answer, LOGIN).0, Err(Refusal::Sql(error)) if error.code == "28P01"));
    }
}

#[test]
fn what_is_no_postgresql_is_named_so() {
    let (address, table) = (Address::Tcp { host: "db".to_owned(), port: 80 }, Table::parse(None).unwrap());
    let place = Place { address: &address, table: &table, role: "app" };
    for refusal in [
        start(&[b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()], LOGIN).0.unwrap_err(),
        request_tls(&mut Recording::new(b"HTTP/1.1 400 Bad Request\r\n\r\n")).unwrap_err(),
    ] {
        let error = refusal.at(place, "d");
        assert_eq!(error.to_string(), "store db:80: what responds there is no PostgreSQL; correct host and port");
        assert_eq!(error.remedy(), Remedy::FixConfiguration);
    }
    let failed = request_tls(&mut Recording::new(b"Ecould not fork")).unwrap_err();
    assert_eq!(failed.at(place, "d").remedy(), Remedy::TryLater);
}

#[test]
fn tls_begins_only_if_the_server_agrees() {
    assert!(request_tls(&mut Recording::new(b"S")).is_ok());
    assert!(matches!(request_tls(&mut Recording::new(b"N")), Err(Refusal::Setting(_))));
    for answer in [&b""[..], b"E", b"H"] {
        assert!(matches!(request_tls(&mut Recording::new(answer)), Err(Refusal::Io(_))));
    }
}
