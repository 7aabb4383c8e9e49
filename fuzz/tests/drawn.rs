//! Inputs that are close to valid ones, for the targets whose inputs libFuzzer rarely finds by
//! itself. The seeds are random; a failure prints its seed, and `arbtest` says how to run it again.

use arbtest::arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use serde_json::{Value, json};
use sipgate_oauth2_fuzz as targets;

/// How long each test runs, in milliseconds.
const BUDGET: u64 = 1_000;

const NASTY: [char; 20] = ['a', 'Z', '0', ':', '+', '%', '&', '=', ' ', '€', 'ü', '"', '\\', '/', '?', '#', ';', '~', '\u{1F512}', '2'];

fn text(u: &mut Unstructured<'_>, alphabet: &[char], lengths: std::ops::Range<usize>) -> Result<String> {
    let length = u.int_in_range(lengths.start..=lengths.end - 1)?;
    (0..length).map(|_| u.choose(alphabet).copied()).collect()
}

fn one_in(u: &mut Unstructured<'_>, chances: u32) -> Result<bool> {
    u.ratio(1, chances)
}

fn shuffle<T>(u: &mut Unstructured<'_>, items: &mut [T]) -> Result<()> {
    for end in (1..items.len()).rev() {
        items.swap(end, u.int_in_range(0..=end)?);
    }
    Ok(())
}

/// Changes a few bytes, or none.
fn damage(u: &mut Unstructured<'_>, bytes: &mut Vec<u8>) -> Result<()> {
    for _ in 0..if one_in(u, 2)? { 0 } else { u.int_in_range(1..=4)? } {
        let at = u.int_in_range(0..=bytes.len())?;
        match u.int_in_range(0..=2)? {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, u.arbitrary()?),
            _ => bytes.iter_mut().skip(at).take(1).try_for_each(|byte| u.arbitrary().map(|other| *byte = other))?,
        }
    }
    Ok(())
}

/// A text as some browser or server might escape it: what could be misread always, the rest at
/// times, in either case.
fn escape(u: &mut Unstructured<'_>, text: &str) -> Result<String> {
    let mut escaped = String::new();
    for byte in text.bytes() {
        match byte {
            b' ' if u.arbitrary()? => escaped.push('+'),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' if !one_in(u, 8)? => escaped.push(char::from(byte)),
            b':' | b'/' | b'?' | b'"' | b';' | b'=' if u.arbitrary()? => escaped.push(char::from(byte)),
            _ if u.arbitrary()? => escaped.push_str(&format!("%{byte:02X}")),
            _ => escaped.push_str(&format!("%{byte:02x}")),
        }
    }
    Ok(escaped)
}

#[test]
fn a_callback_is_judged_the_same_in_any_order_encoding_and_company() {
    let issuer = "https://login.example/realms/r";
    arbtest(|u| {
        let state = if one_in(u, 8)? { text(u, &NASTY, 0..20)? } else { "the-state".to_owned() };
        let alphabet: &[char] = if one_in(u, 6)? { &NASTY } else { &['c', 'o', 'D', ' ', '.', '+', '~'] };
        let mut pairs = vec![("state".to_owned(), state), ("code".to_owned(), text(u, alphabet, 0..40)?)];
        for (name, values, chances) in [
            ("iss", &[issuer, issuer, "https://login.example/realms/r/", ""][..], 2),
            ("error", &["access_denied", "login_required", "server_error", "else", ""], 4),
            ("error_description", &["Some words", ""], 4),
            ("session_state", &["a", "b"], 3),
            ("response", &["jwt"], 30),
            ("id_token", &["t"], 30),
        ] {
            if one_in(u, chances)? {
                pairs.push((name.to_owned(), (*u.choose(values)?).to_owned()));
            }
        }
        for _ in 0..u.int_in_range(0..=3)? {
            pairs.push((format!("x{}", text(u, &NASTY, 0..4)?), text(u, &NASTY, 0..30)?));
        }
        if one_in(u, 5)? {
            pairs.push(u.choose(&pairs)?.clone());
        }
        shuffle(u, &mut pairs)?;

        let encoded = pairs.iter().map(|(name, value)| Ok(format!("{}={}", escape(u, name)?, escape(u, value)?)));
        let encoded = encoded.collect::<Result<Vec<_>>>()?;
        let query = encoded.join(if one_in(u, 8)? { "&&" } else { "&" });
        let before = *u.choose(&["?", "/cb?", "https://app.example/cb?", "https://app.example:443/cb?"])?;
        let callback = format!("{before}{query}");
        assert!(targets::callback::rules(&callback).is_some(), "the rules have no verdict about {callback}");
        targets::callback::check(&callback);
        Ok(())
    })
    .budget_ms(BUDGET);
}

fn lifetime(u: &mut Unstructured<'_>) -> Result<Value> {
    let seconds = u.int_in_range(-1_000_000..=399_000_000)?;
    Ok(match u.int_in_range(0..=4)? {
        0 => json!(seconds),
        1 => json!(seconds.to_string()),
        2 => json!(f64::from(seconds) + 0.25),
        3 => u.choose(&[json!([]), json!({}), json!(true), json!(1e300), json!("1 day"), json!("")])?.clone(),
        _ => Value::Null,
    })
}

#[test]
fn tokens_are_never_lost_because_of_what_is_beside_them() {
    arbtest(|u| {
        let mut members = vec![
            ("access_token", json!("canary-access-token")),
            ("refresh_token", json!("canary refresh-token")),
            ("expires_in", lifetime(u)?),
            ("refresh_expires_in", lifetime(u)?),
        ];
        let odd = [json!(null), json!(1), json!([1, "a"]), json!({"deep": [[]]}), json!("text €"), json!(false)];
        for name in ["id_token", "scope", "error_description", "session_state", "not-before-policy", "x€"] {
            if u.arbitrary()? {
                members.push((name, u.choose(&odd)?.clone()));
            }
        }
        shuffle(u, &mut members)?;
        let members: Vec<_> = members.iter().map(|(name, value)| format!("{}: {value}", json!(name))).collect();
        targets::token_response::check(format!(" {{{}}}\n", members.join(" ,")).as_bytes());
        Ok(())
    })
    .budget_ms(BUDGET);
}

#[test]
fn a_damaged_response_never_becomes_another_token() {
    let whole = br#"{"access_token":"a-token","token_type":"bearer","expires_in":300,"refresh_token":"r-token","scope":"a b"}"#;
    arbtest(|u| {
        let mut body = whole.to_vec();
        let at = u.int_in_range(0..=body.len() - 1)?;
        if u.arbitrary()? {
            body.truncate(at);
        } else {
            body[at] = *u.choose(b"\x00\xFF\"\\{}[],: \n")?;
        }
        targets::token_response::check(&body);
        Ok(())
    })
    .budget_ms(BUDGET);
}

#[test]
fn every_status_with_every_body_is_an_error_that_tells_the_truth() {
    let mut bodies = vec![String::new(), "<html>".to_owned(), "{}".to_owned(), "[]".to_owned(), r#"{"access_token":"a"}"#.to_owned()];
    for error in ["invalid_grant", "invalid_scope", "invalid_client", "unauthorized_client", "access_denied", "not_allowed", "else"] {
        bodies.push(format!(r#"{{"error":"{error}","error_description":"canary code\ncanary refresh token"}}"#));
    }
    for grant in ["code", "refresh", "narrowing"] {
        for status in 200..600 {
            bodies.iter().for_each(|body| targets::error_response::check(&format!("{grant} {status}\n{body}")));
        }
    }
}

#[test]
fn a_url_of_a_servers_metadata_is_safe_or_refused() {
    let beginnings =
        ["https://", "https:", "https://login.example/", "HTTPS://login.example:8443", "http://localhost/", "javascript:", "-", ""];
    let mut alphabet = NASTY.to_vec();
    alphabet.extend("@'`|<>^{}[].-\n\u{202e}\u{a0}".chars());
    arbtest(|u| {
        let hostile = format!("{}{}", u.choose(&beginnings)?, text(u, &alphabet, 0..12)?);
        let mut document = json!({
            "issuer": "https://login.example/realms/r",
            "authorization_endpoint": "https://login.example/auth",
            "token_endpoint": "https://login.example/token",
        });
        document[*u.choose(&["authorization_endpoint", "token_endpoint", "jwks_uri", "end_session_endpoint"])?] = hostile.into();
        targets::metadata::check(&document.to_string());
        Ok(())
    })
    .budget_ms(BUDGET);
}

#[test]
fn any_text_is_read_from_the_quotes_of_a_challenge() {
    let mut alphabet = NASTY.to_vec();
    alphabet.extend(",\t".chars());
    arbtest(|u| {
        targets::www_authenticate::check(&text(u, &alphabet, 0..40)?);
        targets::userinfo::check(&format!("401 \nBearer {}\n", text(u, &alphabet, 0..40)?));
        Ok(())
    })
    .budget_ms(BUDGET);
}

#[test]
fn any_scope_is_refused_or_sent_as_the_names_it_is_made_of() {
    arbtest(|u| {
        let alphabet: &[char] = if one_in(u, 3)? { &NASTY } else { &['a', ':', '/', '#', '[', ']', '!', '~', ' '] };
        targets::authorization_request::check(&format!("scope={}", text(u, alphabet, 0..20)?));
        Ok(())
    })
    .budget_ms(BUDGET);
}

#[test]
fn any_client_id_and_secret_are_read_from_the_form_and_from_basic() {
    arbtest(|u| {
        let longest = if one_in(u, 10)? { 256 } else { 40 };
        let (id, secret) = (text(u, &NASTY, 1..longest)?, text(u, &NASTY, 1..longest)?);
        targets::client_authentication::check(&format!("{id}\n{secret}\n{}", text(u, &NASTY, 0..40)?));
        Ok(())
    })
    .budget_ms(BUDGET);
}

#[test]
fn any_authorization_request_survives_being_stored() {
    let printable: Vec<char> = (' '..='~').collect();
    arbtest(|u| {
        let mut lines = vec![format!("scope={}", text(u, &['a', ':', '!'], 1..30)?), format!("state={}", text(u, &printable, 1..513)?)];
        if u.arbitrary()? {
            lines.push(format!("return_to={}", text(u, &NASTY, 1..400)?));
        }
        for index in 0..u.int_in_range(0..=3)? {
            let name = text(u, &NASTY, 0..5)?.replace('=', "-");
            lines.push(format!("x{index}{name}={}", text(u, &NASTY, 1..30)?));
        }
        targets::authorization_request::check(&lines.join("\n"));
        Ok(())
    })
    .budget_ms(BUDGET);
}

/// Claims of which each is often right, with values that matter for one of them or another.
fn claims(u: &mut Unstructured<'_>, good: &Value, others: &[&str]) -> Result<String> {
    let now = 1_700_000_000_i64;
    let odd = [
        json!(null),
        json!(true),
        json!(""),
        json!("client"),
        json!(["client", "api"]),
        json!(["client", "client"]),
        json!(["client", 1]),
        json!([]),
        json!({}),
        json!(now - 60),
        json!(now - 59),
        json!(now + 60),
        json!(now + 61),
        json!(1e300),
        json!(-0.5),
        json!("x".repeat(256)),
        json!({"http://schemas.openid.net/event/backchannel-logout": []}),
    ];
    let mut claims = good.as_object().expect("an object").clone();
    for _ in 0..u.int_in_range(0..=2)? {
        let names: Vec<&str> = claims.keys().map(String::as_str).chain(others.iter().copied()).collect();
        let name = (*u.choose(&names)?).to_owned();
        match one_in(u, 4)? {
            true => claims.shift_remove(&name),
            false => claims.insert(name, u.choose(&odd)?.clone()),
        };
    }
    Ok(Value::from(claims).to_string())
}

#[test]
fn an_id_token_is_judged_by_the_rules_whatever_it_says() {
    let good = json!({
        "iss": "https://login.example/realms/r", "sub": "u", "aud": "client", "exp": 1_700_000_300, "iat": 1_700_000_000,
        "nonce": "canary-nonce",
    });
    arbtest(|u| {
        targets::id_token::check(&claims(
            u,
            &good,
            &["azp", "nbf", "auth_time", "acr", "amr", "at_hash", "sid", "jti", "events", "other"],
        )?);
        Ok(())
    })
    .budget_ms(BUDGET);
}

#[test]
fn a_logout_token_is_judged_by_the_rules_whatever_it_says() {
    let good = json!({
        "iss": "https://login.example/realms/r", "aud": "client", "exp": 1_700_000_120, "iat": 1_700_000_000, "jti": "j", "sub": "u",
        "sid": "s", "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
    });
    arbtest(|u| {
        targets::logout_token::check(&claims(u, &good, &["nonce", "nbf", "azp", "other"])?);
        Ok(())
    })
    .budget_ms(BUDGET);
}

#[test]
fn a_postgres_server_may_say_any_messages_in_any_order() {
    let message = |tag: u8, body: &[u8]| [&[tag][..], &u32::try_from(body.len() + 4).expect("short").to_be_bytes(), body].concat();
    let row = |columns: &[Option<&[u8]>]| {
        let length = |column: &Option<&[u8]>| column.map_or(-1, |column| i32::try_from(column.len()).expect("short")).to_be_bytes();
        let values = columns.iter().flat_map(|column| [&length(column)[..], column.unwrap_or_default()].concat()).collect::<Vec<_>>();
        [&u16::try_from(columns.len()).expect("few").to_be_bytes()[..], &values].concat()
    };
    let start = [message(b'R', &[0; 4]), message(b'S', b"in_hot_standby\0on\0"), message(b'Z', b"I")];
    let error = b"SERROR\0VWARNING\0C42P01\0Mcanary words\0\0";
    let parts = [
        message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0"),
        message(b'R', b"\0\0\0\x0br=x,s=AAAA,i=1"),
        message(b'E', error),
        message(b'N', error),
        message(b'C', b"UPDATE 1\0"),
        message(b'D', &row(&[Some(b"\0"), Some(b"version"), Some(b"data"), None, Some(b"marker")])),
        message(b'D', &row(&[Some(&b"\x01"[..]); 14])),
        message(b'Z', b"I"),
        message(b'Z', b"E"),
        message(b'1', b""),
        message(b'A', b"\0\0\0\x01channel\0text\0"),
    ];
    arbtest(|u| {
        let mut said = if one_in(u, 8)? { Vec::new() } else { start.concat() };
        for _ in 0..u.int_in_range(0..=10)? {
            said.extend(u.choose(&parts)?);
        }
        damage(u, &mut said)?;
        targets::postgres::check(&said);
        Ok(())
    })
    .budget_ms(BUDGET);
}

#[test]
fn a_redis_may_send_any_replies_in_any_order() {
    let bulk = |text: &str| format!("${}\r\n{text}\r\n", text.len());
    let info = |role: &str| {
        bulk(&format!(
            "redis_version:7.2.4\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\nrole:{role}\r\ncluster_enabled:0\r\n"
        ))
    };
    let key = format!("sipgate-oauth2:{}", "07".repeat(32));
    let entry = format!("*3\r\n{}{}{}", bulk("version"), bulk("data"), bulk("4000000000"));
    let start = ["*0\r\n".to_owned(), info("master"), bulk("marker"), entry.clone(), bulk("marker")];
    let parts = [
        info("slave"),
        info("master").replace("enabled:0", "enabled:1"),
        entry,
        bulk("marker"),
        "$-1\r\n".to_owned(),
        "*3\r\n$-1\r\n$-1\r\n$-1\r\n".to_owned(),
        ":1\r\n".to_owned(),
        "*2\r\n:1\r\n:0\r\n".to_owned(),
        format!("*2\r\n{}*2\r\n{}{}", bulk("0"), bulk(&key), bulk("sipgate-oauth2:store")),
        "+OK\r\n".to_owned(),
        "-MOVED 5 :1\r\n".to_owned(),
        "-ASK 5 a b\x07:1\r\n".to_owned(),
        "-NOPERM no permissions\r\n".to_owned(),
        "-ERR canary: secret + %\r\n".to_owned(),
        "-ERR Error running script: OOM 'canary: secret + %'\r\n".to_owned(),
        "%1\r\n+a\r\n+b\r\n".to_owned(),
    ];
    arbtest(|u| {
        let mut pieces = if one_in(u, 8)? { Vec::new() } else { start.to_vec() };
        for _ in 0..u.int_in_range(0..=6)? {
            pieces.push(u.choose(&parts)?.clone());
        }
        if one_in(u, 2)? && !pieces.is_empty() {
            let at = u.int_in_range(0..=pieces.len() - 1)?;
            pieces[at] = u.choose(&parts)?.clone();
        }
        let mut sent = pieces.join("--\n").into_bytes();
        damage(u, &mut sent)?;
        targets::redis_replies::check(&sent);
        Ok(())
    })
    .budget_ms(BUDGET);
}
