//! Changes to what the realm says: to a token before it is signed, or to a JSON response. The HTTP
//! response around it stays as it is.

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::algorithm::Algorithm;
use crate::altered_json::{merge, text};
use crate::odd_keys;

const TOKENS: [&str; 2] = ["id_token", "logout_token"];
const JSON_RESPONSES: [&str; 5] = ["certs", "discovery", "introspect", "token", "userinfo"];

/// One alteration as a test requests it: `{"on": "id_token", "claims": {"iss": "https://other"}}`.
/// It is told from a fault by having no `kind`. A misspelt member is an error.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Alteration {
    pub(crate) on: String,
    #[serde(default = "once")]
    pub(crate) times: u32,
    /// Every realm if absent.
    realm: Option<String>,
    /// Only ID tokens of this grant.
    grant: Option<String>,
    /// Merged into the claims of a token or the members of a response.
    #[serde(default, alias = "members")]
    pub(crate) claims: Map<String, Value>,
    #[serde(default)]
    pub(crate) header: Map<String, Value>,
    /// The algorithm to sign with, or `none`.
    alg: Option<String>,
    /// Signs an `HS…` token instead of the client's secret.
    pub(crate) secret: Option<String>,
    pub(crate) kid: Option<Kid>,
    pub(crate) signature: Option<Signature>,
    /// Keys that `certs` lists before and after its own: JWKs, or names of `odd_keys`.
    #[serde(default)]
    first: Vec<Value>,
    #[serde(default)]
    last: Vec<Value>,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kid {
    /// From a token, or from every key of `certs`.
    Remove,
    Unknown,
}

#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Signature {
    Broken,
    Empty,
    /// By a key that the realm does not list, or with another secret.
    OtherKey,
}

fn once() -> u32 {
    1
}

impl Alteration {
    /// The alteration of something that the test asks for itself, so `on` is known.
    pub(crate) fn of(on: &str, mut order: Map<String, Value>) -> Result<Self, String> {
        order.insert("on".to_owned(), on.into());
        let alteration: Self = serde_json::from_value(order.into()).map_err(|error| error.to_string())?;
        alteration.check().map(|()| alteration)
    }

    /// Fails if the alteration is not valid.
    pub(crate) fn check(&self) -> Result<(), String> {
        let on = self.on.as_str();
        if !TOKENS.contains(&on) && !JSON_RESPONSES.contains(&on) {
            return Err(format!("nothing to alter: {on}; there are {}, {}", TOKENS.join(", "), JSON_RESPONSES.join(", ")));
        }
        let of_a_token = !self.header.is_empty() || self.alg.is_some() || self.secret.is_some() || self.signature.is_some();
        let of_keys = !self.first.is_empty() || !self.last.is_empty();
        if self.claims.is_empty() && !of_a_token && !of_keys && self.kid.is_none() {
            return Err("the alteration alters nothing; a fault needs a kind".to_owned());
        }
        // Userinfo may be a token.
        if of_a_token && !TOKENS.contains(&on) && on != "userinfo" {
            return Err(format!("{on} is not signed"));
        }
        if of_keys && on != "certs" {
            return Err(format!("{on} has no keys"));
        }
        if !matches!(self.grant.as_deref(), None | Some("any" | "authorization_code" | "refresh_token")) {
            return Err("grant is any, authorization_code or refresh_token".to_owned());
        }
        for key in self.first.iter().chain(&self.last) {
            odd_keys::check(key)?;
        }
        match self.alg.as_deref() {
            None | Some("none") => Ok(()),
            Some(name) => Algorithm::named(name).map(|_| ()),
        }
    }

    pub(crate) fn applies(&self, on: &str, realm: &str, grant: &str) -> bool {
        self.on == on
            && self.realm.as_ref().is_none_or(|wanted| wanted == realm)
            && self.grant.as_ref().is_none_or(|wanted| wanted == "any" || wanted == grant)
    }

    pub(crate) fn algorithm(&self) -> Option<Algorithm> {
        self.alg.as_deref().and_then(|name| Algorithm::named(name).ok())
    }

    /// Whether the token is to be unsecured (RFC 7515, appendix A.5).
    pub(crate) fn unsigned(&self) -> bool {
        self.alg.as_deref() == Some("none")
    }

    /// The text of the altered JSON response.
    pub(crate) fn altered(&self, mut response: Value) -> String {
        if let Some(keys) = response["keys"].as_array().filter(|_| self.on == "certs") {
            let odd = |keys_to_add: &[Value]| keys_to_add.iter().map(|key| odd_keys::jwk(key, keys)).collect::<Vec<_>>();
            let mut keys = [odd(&self.first), keys.clone(), odd(&self.last)].concat();
            for key in keys.iter_mut().filter(|_| self.kid.is_some()).filter_map(Value::as_object_mut) {
                key.remove("kid");
            }
            response["keys"] = keys.into();
        }
        merge(&mut response, &self.claims);
        text(&response)
    }
}
