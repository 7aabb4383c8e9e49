//! What is wrong with a server, in words.

use protocol::error::Result;

use super::caller::Caller;
use super::cluster::primaries;
use super::commands;
use super::connection::{Connection, Failure};
use super::refusal::{Advice, Refusal};
use super::server_info::Proof;
use super::settings::Settings;
use super::url::Route;
use crate::store::token_store::StoreEntry;
use crate::sys::clock::{Clock as _, SystemClock};
use crate::sys::random::{SystemRandomness, tokens};

/// How long the keys that a check writes are kept.
const KEPT_SECONDS: u32 = 60;

pub(super) fn findings(caller: &Caller) -> Result<Vec<String>> {
    let settings = &caller.settings;
    let mut first = settings.open_any(&caller.nodes.home().route, settings.limits.deadline())?;
    let mut findings = look(settings, &mut first)?;
    if first.info.is_cluster {
        match primaries(&mut first) {
            Ok(primaries) => {
                for primary in primaries.into_iter().filter(|primary| *primary != first.address) {
                    match settings.open_any(&Route::Server(primary), settings.limits.deadline()) {
                        Ok(mut connection) => findings.extend(look(settings, &mut connection)?),
                        Err(error) => findings.push(error.to_string()),
                    }
                }
            }
            Err(failure) => findings.push(settings.error(&first.address, failure).to_string()),
        }
    }
    Ok(findings)
}

fn look(settings: &Settings, connection: &mut Connection) -> Result<Vec<String>> {
    let mut findings = Vec::new();
    if connection.info.is_replica && !connection.info.is_cluster {
        findings.push("the server is a replica, not the primary; give the primary's host, or sentinels".to_owned());
    }
    findings.extend(connection.info.faults(settings.durability, settings.replicas));
    if connection.info.last_append_failed {
        findings.push("the server could not write to its append-only file; make room on its disk".to_owned());
    }
    let proof = connection.info.proof(settings.durability, settings.replicas).unwrap_or(Proof::Reply);
    connection.proof = proof;
    match attempt(settings, connection) {
        Ok(refusals) => findings.extend(in_words(settings, connection, &refusals)),
        Err(Failure::NotProved) => {
            findings.push("a write was not on disk in time here and on the replicas; give more time, or fewer replicas".to_owned());
        }
        Err(failure) => return Err(settings.error(&connection.address, failure)),
    }
    let mut unique: Vec<String> = Vec::new();
    for finding in findings.into_iter().map(|finding| format!("store {}: {finding}", connection.address)) {
        if !unique.contains(&finding) {
            unique.push(finding);
        }
    }
    Ok(unique)
}

/// Runs each command on keys of its own, which expire. The access list is checked before a cluster
/// redirects.
fn attempt(settings: &Settings, connection: &mut Connection) -> Result<Vec<Refusal>, Failure> {
    let [random, version] = tokens(&SystemRandomness)?;
    let (hash, text) = (settings.names.scratch(&random), settings.names.scratch(&version));
    let now = SystemClock.unix_seconds();
    let replies = connection.ask([
        &commands::load(&hash),
        &commands::persist(&hash),
        &commands::expire_at(&hash, now),
        &commands::set_briefly(&text, KEPT_SECONDS),
        &commands::get(&text),
        &commands::scan("0", &settings.names.pattern(), 1),
    ])?;
    let mut refusals: Vec<_> = replies.into_iter().filter_map(Result::err).collect();
    if connection.info.is_cluster {
        let [asking] = connection.ask([&commands::asking()])?;
        refusals.extend(asking.err());
    }
    let entry = StoreEntry { version, data: Vec::new(), expires_at: Some(now + i64::from(KEPT_SECONDS)) };
    // Without the right to let it expire, it would stay.
    if !refusals.iter().any(Refusal::is_not_permitted) {
        match connection.write(&commands::swap(&hash, None, &entry, now), |_| true) {
            Err(Failure::Refused(refusal)) => refusals.push(refusal),
            written => drop(written?),
        }
    }
    Ok(refusals)
}

fn in_words(settings: &Settings, connection: &Connection, refusals: &[Refusal]) -> Vec<String> {
    let mut words = Vec::new();
    if !connection.info.is_known {
        words.push(settings.missing_right());
    }
    for refusal in refusals.iter().filter(|refusal| refusal.redirect().is_none()) {
        words.push(match refusal.advice() {
            Some(Advice::ConnectAgain(_)) if connection.info.is_replica => continue,
            Some(Advice::ConnectAgain(problem) | Advice::TryLater(problem) | Advice::Fix(problem)) => problem.to_owned(),
            Some(Advice::Permit) => settings.missing_right(),
            None => format!("the server refused a command ({refusal})"),
        });
    }
    words
}
