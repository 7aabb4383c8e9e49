//! What the realm received: counters, and every request verbatim.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::faults::is_for;

const COUNTERS: [&str; 17] = [
    "balance_ok",
    "balance_refused",
    "code_grants",
    "connections",
    "faults",
    "invalid_grant",
    "logins",
    "logout_tokens_accepted",
    "logout_tokens_refused",
    "refresh_grants",
    "requests",
    "sessions_ended",
    "sessions_killed",
    "tls_handshakes",
    "tls_resumptions",
    "token_requests",
    "userinfo_requests",
];

#[derive(Default)]
pub(crate) struct Ledger {
    counters: Mutex<BTreeMap<&'static str, u64>>,
    requests: Mutex<Vec<Value>>,
}

impl Ledger {
    pub(crate) fn count(&self, counter: &'static str) {
        debug_assert!(COUNTERS.contains(&counter), "{counter} would be missing from a fresh list");
        *self.counters.lock().unwrap_or_else(PoisonError::into_inner).entry(counter).or_default() += 1;
    }

    pub(crate) fn record(&self, request: &Parts, body: &[u8], connection: u64, tls: bool) {
        let headers: Vec<_> =
            request.headers.iter().map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())])).collect();
        let mut entry = json!({
            "method": request.method.as_str(),
            "path": request.uri.path(),
            "query": request.uri.query().unwrap_or_default(),
            "headers": headers,
            "body": String::from_utf8_lossy(body),
            "connection": connection,
            "tls": tls,
        });
        if std::str::from_utf8(body).is_err() {
            entry["body_base64"] = STANDARD.encode(body).into();
        }
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
    }

    pub(crate) fn counters(&self) -> Value {
        let counters = self.counters.lock().unwrap_or_else(PoisonError::into_inner);
        let all: Map<_, _> = COUNTERS.iter().map(|name| ((*name).to_owned(), counters.get(name).copied().unwrap_or(0).into())).collect();
        all.into()
    }

    /// The requests that the target names, in order.
    pub(crate) fn requests(&self, target: &str) -> Vec<Value> {
        let requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        requests.iter().filter(|entry| entry["path"].as_str().is_some_and(|path| is_for(target, path))).cloned().collect()
    }

    pub(crate) fn clear(&self) {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
