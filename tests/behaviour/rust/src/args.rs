//! The arguments of one call. Each must be taken, so that a case with a misspelt argument fails.

use std::time::Duration;

use serde_json::{Map, Value};
use sipgate_oauth2::{EncryptionKey, Error, Scope};

/// Why a call failed.
pub(crate) enum Failure {
    /// An error from the library.
    Library(Error),
    /// The call itself is malformed.
    Call(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Library(error)
    }
}

pub(crate) struct Args(Map<String, Value>);

impl Args {
    /// A `null` counts as a missing argument.
    pub(crate) fn new(args: &Value) -> Self {
        let given = args.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        Self(given.map(|(name, value)| (name.clone(), value.clone())).collect())
    }

    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Failure> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Failure::Call(format!("{name} is not a string"))),
        }
    }

    pub(crate) fn needed(&mut self, name: &str) -> Result<String, Failure> {
        self.text(name)?.ok_or_else(|| Failure::Call(format!("{name} is missing")))
    }

    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, Failure> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    pub(crate) fn optional_flag(&mut self, name: &str) -> Result<Option<bool>, Failure> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(Failure::Call(format!("{name} is neither true nor false"))),
        }
    }

    pub(crate) fn count(&mut self, name: &str) -> Result<Option<u64>, Failure> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        value.as_u64().map(Some).ok_or_else(|| Failure::Call(format!("{name} is not a count")))
    }

    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i64>, Failure> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        value.as_i64().map(Some).ok_or_else(|| Failure::Call(format!("{name} is not an integer")))
    }

    pub(crate) fn seconds(&mut self, name: &str) -> Result<Option<Duration>, Failure> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        let duration = value.as_f64().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        duration.map(Some).ok_or_else(|| Failure::Call(format!("{name} is not a number of seconds")))
    }

    pub(crate) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        let Some(value) = self.0.remove(name) else { return Ok(None) };
        let texts: Option<Vec<_>> = value.as_array().and_then(|texts| texts.iter().map(|text| text.as_str().map(str::to_owned)).collect());
        texts.map(Some).ok_or_else(|| Failure::Call(format!("{name} is not a list of strings")))
    }

    pub(crate) fn encryption_keys(&mut self) -> Result<Option<Vec<EncryptionKey>>, Failure> {
        let Some(keys) = self.texts("encryption_keys")? else { return Ok(None) };
        Ok(Some(keys.iter().map(|key| EncryptionKey::parse(key)).collect::<Result<_, Error>>()?))
    }

    /// Nested arguments.
    pub(crate) fn object(&mut self, name: &str) -> Result<Option<Self>, Failure> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(value @ Value::Object(_)) => Ok(Some(Self::new(&value))),
            Some(_) => Err(Failure::Call(format!("{name} is not an object"))),
        }
    }

    /// A JSON text, or the object itself.
    pub(crate) fn json(&mut self, name: &str) -> Result<Option<String>, Failure> {
        match self.0.get(name) {
            Some(Value::Object(_)) => Ok(self.0.remove(name).map(|object| object.to_string())),
            _ => self.text(name),
        }
    }

    /// One name, or a list of names.
    pub(crate) fn names(&mut self, name: &str) -> Result<Option<Vec<String>>, Failure> {
        match self.0.get(name) {
            Some(Value::String(_)) => Ok(self.text(name)?.map(|one| vec![one])),
            _ => self.texts(name),
        }
    }

    /// A string, or a list of strings.
    pub(crate) fn scope(&mut self, name: &str) -> Result<Option<Scope>, Failure> {
        match self.0.remove(name) {
            None => Ok(None),
            Some(Value::String(names)) => Ok(Some(Scope::from(names))),
            Some(Value::Array(names)) => {
                let names: Option<Vec<String>> = names.iter().map(|name| name.as_str().map(str::to_owned)).collect();
                names.map(|names| Some(Scope::from(names))).ok_or_else(|| Failure::Call(format!("{name} has an item that is not a string")))
            }
            Some(_) => Err(Failure::Call(format!("{name} is neither a string nor a list"))),
        }
    }

    /// Names and values: an object, or a list of pairs.
    pub(crate) fn pairs(&mut self, name: &str) -> Result<Vec<(String, String)>, Failure> {
        let pairs: Option<Vec<_>> = match self.0.remove(name) {
            None => Some(Vec::new()),
            Some(Value::Object(members)) => members.into_iter().map(|(name, value)| Some((name, value.as_str()?.to_owned()))).collect(),
            Some(Value::Array(pairs)) => {
                pairs.iter().map(|pair| Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()))).collect()
            }
            Some(_) => None,
        };
        pairs.ok_or_else(|| Failure::Call(format!("{name} is neither an object nor a list of pairs of strings")))
    }

    pub(crate) fn end(self) -> Result<(), Failure> {
        match self.0.keys().next() {
            Some(name) => Err(Failure::Call(format!("unexpected argument {name}"))),
            None => Ok(()),
        }
    }
}
