//! Faults for the next requests and connections.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::alteration::Alteration;

/// One fault as a test requests it: `{"on": "token", "kind": "delay", "ms": 500}`. The kind
/// determines which of the optional members matter; a misspelt one is an error.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fault {
    on: String,
    pub(crate) kind: Kind,
    #[serde(default = "once")]
    times: u32,
    /// For kinds with a response of their own: whether the real handler runs first.
    #[serde(default)]
    pub(crate) process: bool,
    pub(crate) ms: Option<u64>,
    pub(crate) bytes: Option<usize>,
    pub(crate) location: Option<String>,
    pub(crate) status: Option<u16>,
    #[serde(default)]
    pub(crate) headers: Map<String, Value>,
    pub(crate) body: Option<String>,
    pub(crate) body_base64: Option<String>,
    pub(crate) json: Option<Value>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Answer,
    Silent,
    Delay,
    /// Like `Delay`, but the real handler runs before the wait.
    Late,
    CloseBefore,
    CloseAfter,
    ResetBefore,
    ResetAfter,
    Truncate,
    /// The whole body with a larger `Content-Length`, then the connection is closed.
    Overpromise,
    /// The body of the real response, compressed.
    Gzip,
    /// An interim response before the real one, whose head has many extra fields and malformed
    /// lines.
    OddHead,
    Drip,
    Oversize,
    HugeHeader,
    Redirect,
    Close,
    Reset,
    CloseAfterClientHello,
}

fn once() -> u32 {
    1
}

/// The scripted response of a fault.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Fault {
    /// Fails if the fault is not valid.
    fn check(&self) -> Result<(), String> {
        if self.on != CONNECTION && !TARGETS.contains(&self.on.as_str()) {
            return Err(format!("{}, {CONNECTION}", no_such_target(&self.on)));
        }
        let on_connections = matches!(self.kind, Kind::Close | Kind::Reset | Kind::CloseAfterClientHello);
        if self.kind != Kind::Silent && on_connections != (self.on == CONNECTION) {
            return Err(format!("{:?} is not for {}", self.kind, self.on));
        }
        self.script().map(|_| ())
    }

    pub(crate) fn script(&self) -> Result<Script, String> {
        let standard = if self.kind == Kind::Redirect { 302 } else { 200 };
        let status = StatusCode::from_u16(self.status.unwrap_or(standard)).map_err(|error| error.to_string())?;
        let mut headers = HeaderMap::new();
        if self.json.is_some() || matches!(self.kind, Kind::Oversize | Kind::HugeHeader) {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        if let Some(location) = &self.location {
            headers.insert("location", HeaderValue::from_str(location).map_err(|error| error.to_string())?);
        }
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
            if name == "content-length" || name == "transfer-encoding" {
                return Err(format!("{name} is derived from the body; use the kind truncate for a wrong one"));
            }
            headers.remove(&name);
            for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
                let value = value.as_str().ok_or_else(|| format!("the header {name} needs text"))?;
                headers.append(&name, HeaderValue::from_str(value).map_err(|error| error.to_string())?);
            }
        }
        let body = match (&self.body, &self.body_base64, &self.json) {
            (Some(text), None, None) => text.clone().into_bytes(),
            (None, Some(encoded), None) => STANDARD.decode(encoded).map_err(|error| error.to_string())?,
            (None, None, Some(json)) => json.to_string().into_bytes(),
            (None, None, None) => Vec::new(),
            _ => return Err("one of body, body_base64 and json is enough".to_owned()),
        };
        Ok(Script { status, headers, body })
    }
}

/// For each target, faults and alterations apply in the order they were added.
#[derive(Default)]
pub(crate) struct Faults {
    faults: Mutex<Vec<Fault>>,
    alterations: Mutex<Vec<Alteration>>,
}

impl Faults {
    /// Adds one fault or alteration, or a list, all or none. Returns how many are queued now.
    pub(crate) fn order(&self, order: Value) -> Result<usize, String> {
        let list = if let Value::Array(list) = order { list } else { vec![order] };
        let (faults, alterations): (Vec<_>, Vec<_>) = list.into_iter().partition(|entry| entry.get("kind").is_some());
        let faults: Vec<Fault> = serde_json::from_value(faults.into()).map_err(|error| error.to_string())?;
        faults.iter().try_for_each(Fault::check)?;
        let alterations: Vec<Alteration> = serde_json::from_value(alterations.into()).map_err(|error| error.to_string())?;
        alterations.iter().try_for_each(Alteration::check)?;

        let (mut waiting, mut waiting_alterations) = (lock(&self.faults), lock(&self.alterations));
        waiting.extend(faults.into_iter().filter(|fault| fault.times > 0));
        waiting_alterations.extend(alterations.into_iter().filter(|alteration| alteration.times > 0));
        Ok(waiting.len() + waiting_alterations.len())
    }

    /// `grant` is empty for what no grant issues.
    pub(crate) fn alteration(&self, on: &str, realm: &str, grant: &str) -> Option<Alteration> {
        take(&mut lock(&self.alterations), |alteration| alteration.applies(on, realm, grant), |alteration| &mut alteration.times)
    }

    pub(crate) fn for_connection(&self) -> Option<Fault> {
        self.take(|on| on == CONNECTION)
    }

    pub(crate) fn for_request(&self, path: &str) -> Option<Fault> {
        self.take(|on| is_for(on, path))
    }

    fn take(&self, matches: impl Fn(&str) -> bool) -> Option<Fault> {
        take(&mut lock(&self.faults), |fault| matches(&fault.on), |fault| &mut fault.times)
    }

    pub(crate) fn clear(&self) {
        lock(&self.faults).clear();
        lock(&self.alterations).clear();
    }
}

fn lock<T>(queue: &Mutex<T>) -> MutexGuard<'_, T> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The first entry that matches; it leaves the queue when it was taken often enough.
fn take<T: Clone>(waiting: &mut Vec<T>, matches: impl Fn(&T) -> bool, times: impl Fn(&mut T) -> &mut u32) -> Option<T> {
    let index = waiting.iter().position(matches)?;
    let taken = waiting[index].clone();
    let left = times(&mut waiting[index]);
    *left -= 1;
    if *left == 0 {
        waiting.remove(index);
    }
    Some(taken)
}

/// Whether a request for this path is one of those that the target names.
pub(crate) fn is_for(target: &str, path: &str) -> bool {
    target == "any" || targets(path).contains(&target)
}

/// Which requests a fault is for, and which ones a test asks about.
pub(crate) const TARGETS: [&str; 12] =
    ["any", "api", "auth", "balance", "certs", "discovery", "introspect", "login", "logout", "revoke", "token", "userinfo"];

/// A fault may also be for what comes before a request.
const CONNECTION: &str = "connection";

pub(crate) fn no_such_target(target: &str) -> String {
    format!("no such target: {target}; there are {}", TARGETS.join(", "))
}

/// The names of a path.
pub(crate) fn targets(path: &str) -> Vec<&str> {
    if path.starts_with("/v2/") {
        return vec!["api", if path == "/v2/balance" { "balance" } else { "" }];
    }
    if path.contains("/login-actions/") {
        return vec!["login"];
    }
    if path.contains("/.well-known/") {
        return vec!["discovery"];
    }
    if path.contains("/openid-connect/certs/") {
        return vec!["certs"];
    }
    vec![path.rsplit('/').next().unwrap_or_default()]
}
