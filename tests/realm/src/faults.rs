//! Faults for the next requests and connections.

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value};

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
        const TARGETS: [&str; 13] = [
            "any",
            "auth",
            "balance",
            "certs",
            "connection",
            "discovery",
            "introspect",
            "login",
            "logout",
            "revoke",
            "token",
            "userinfo",
            "api",
        ];
        if !TARGETS.contains(&self.on.as_str()) {
            return Err(format!("no such target: {}; there are {}", self.on, TARGETS.join(", ")));
        }
        let on_connections = matches!(self.kind, Kind::Close | Kind::Reset | Kind::CloseAfterClientHello);
        if self.kind != Kind::Silent && on_connections != (self.on == "connection") {
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

/// For each target, faults apply in the order they were added.
#[derive(Default)]
pub(crate) struct Faults(Mutex<Vec<Fault>>);

impl Faults {
    /// Adds one fault or a list of them, all or none. Returns how many are queued now.
    pub(crate) fn order(&self, order: Value) -> Result<usize, String> {
        let list = if order.is_array() { order } else { Value::Array(vec![order]) };
        let faults: Vec<Fault> = serde_json::from_value(list).map_err(|error| error.to_string())?;
        for fault in &faults {
            fault.check()?;
        }
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.extend(faults.into_iter().filter(|fault| fault.times > 0));
        Ok(waiting.len())
    }

    pub(crate) fn for_connection(&self) -> Option<Fault> {
        self.take(|on| on == "connection")
    }

    pub(crate) fn for_request(&self, path: &str) -> Option<Fault> {
        let targets = targets(path);
        self.take(|on| on == "any" || targets.contains(&on))
    }

    fn take(&self, matches: impl Fn(&str) -> bool) -> Option<Fault> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let index = waiting.iter().position(|fault| matches(&fault.on))?;
        let fault = waiting[index].clone();
        waiting[index].times -= 1;
        if waiting[index].times == 0 {
            waiting.remove(index);
        }
        Some(fault)
    }

    pub(crate) fn clear(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// The names a fault may use for a path.
fn targets(path: &str) -> Vec<&str> {
    if path.starts_with("/v2/") {
        return vec!["api", if path == "/v2/balance" { "balance" } else { "" }];
    }
    if path.contains("/login-actions/") {
        return vec!["login"];
    }
    vec![match path.rsplit('/').next().unwrap_or_default() {
        "openid-configuration" => "discovery",
        last => last,
    }]
}
