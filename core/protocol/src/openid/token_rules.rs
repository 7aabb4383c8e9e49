//! What is judged alike in every token that the server signs for a client.

use std::time::Duration;

use serde_json::{Map, Value};

use super::algorithms;
use crate::claims::seconds;
use crate::error::{Error, ErrorCode};
use crate::jose::algorithm::Algorithm;
use crate::jose::jwks::KeySet;
use crate::jose::jws::{Jws, Refusal, shown};
use crate::oauth::client_auth::Credentials;
use crate::oauth::metadata::ServerMetadata;
use crate::secret::ClientSecret;

const ALGORITHMS: &str = "id_token_signed_response_alg";

/// The longest leeway: a clock that is further off should be corrected.
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// What a client accepts: the same for all its ID tokens and logout tokens.
#[derive(Clone, Debug)]
pub struct TokenRules {
    /// The server's name, byte for byte.
    pub issuer: String,
    /// The audience.
    pub client_id: String,
    /// Audiences that may stand beside the client.
    pub trusted_audiences: Vec<String>,
    /// Algorithms that a token may be signed with.
    pub algorithms: Vec<Algorithm>,
    /// The key for `HS*`, if the client allows that.
    pub client_secret: Option<ClientSecret>,
    /// How far the clocks of client and server may differ, in seconds.
    pub leeway: i64,
}

/// What a client with these settings accepts. `algorithms` are those that the application names.
///
/// # Errors
///
/// [`ErrorCode::InvalidArgument`] that names the setting.
pub fn of_client(
    metadata: &ServerMetadata,
    credentials: &Credentials,
    algorithms: Option<&[String]>,
    trusted_audiences: Vec<String>,
    leeway: Duration,
) -> Result<TokenRules, Error> {
    if leeway > MAX_LEEWAY {
        return Err(Error::invalid_argument("leeway", "must be at most 300 seconds; correct the clock of this machine"));
    }
    if algorithms.is_some_and(<[_]>::is_empty) {
        return Err(Error::invalid_argument(ALGORITHMS, "is empty; name an algorithm, or leave it out"));
    }
    let named = algorithms.unwrap_or_default().iter().map(|name| named_algorithm(name)).collect::<Result<Vec<_>, _>>()?;
    Ok(TokenRules {
        issuer: metadata.issuer.clone(),
        client_id: credentials.client_id.clone(),
        trusted_audiences,
        algorithms: algorithms::accepted(metadata, &named, credentials.secret())?,
        client_secret: credentials.secret().cloned(),
        leeway: i64::try_from(leeway.as_secs()).unwrap_or_default(),
    })
}

fn named_algorithm(name: &str) -> Result<Algorithm, Error> {
    let known = || Algorithm::ALL.iter().map(|algorithm| algorithm.as_str()).collect::<Vec<_>>().join(", ");
    Algorithm::parse(name)
        .ok_or_else(|| Error::invalid_argument(ALGORITHMS, format_args!("names an algorithm that is not known; use {}", known())))
}

/// A kind of token.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// In errors.
    pub(super) name: &'static str,
    /// What `typ` may be, if it is there.
    pub(super) types: &'static [&'static str],
}

/// Why a token is not accepted.
pub(super) enum NotAccepted {
    Refused(Error),
    /// No key that is known verifies the signature, or none is known.
    NoKey,
}

impl From<Error> for NotAccepted {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl TokenRules {
    /// The claims of a token, after its signature is verified. Each has its JSON type.
    pub(super) fn verified(&self, kind: Kind, token: &str, keys: Option<&KeySet>) -> Result<TokenClaims, NotAccepted> {
        let refused = |refusal| match refusal {
            Refusal::Encrypted => Error::new(
                ErrorCode::Unsupported,
                format!("the server encrypts the {}, which is not supported; switch that off for this client", kind.name),
            ),
            Refusal::Wrong { member, problem } => kind.refused(ErrorCode::IdToken, member, &problem),
        };
        let jws = Jws::parse(token, &self.algorithms, kind.types).map_err(refused)?;
        if jws.algorithm().is_symmetric() {
            let secret = self.client_secret.as_ref().map(ClientSecret::reveal).unwrap_or_default();
            if !jws.is_signed_with(secret.as_bytes()) {
                let problem = "is not signed with this client's secret, or the secret is shorter than the hash";
                return Err(kind.refused(ErrorCode::IdToken, "signature", problem).into());
            }
        } else if !keys.is_some_and(|keys| jws.is_signed_by(keys)) {
            return Err(NotAccepted::NoKey);
        }
        let claims = TokenClaims { kind, algorithm: jws.algorithm(), members: jws.claims().map_err(refused)? };
        claims.check_types()?;
        Ok(claims)
    }

    /// Whether every token is verified with the client's secret.
    pub fn needs_no_keys(&self) -> bool {
        self.algorithms.iter().all(|algorithm| algorithm.is_symmetric())
    }

    /// The token is from this server, and for this client.
    pub(super) fn check_parties(&self, claims: &TokenClaims) -> Result<(), Error> {
        self.check_issuer(claims)?;
        self.check_audience(claims)
    }

    pub(super) fn check_issuer(&self, claims: &TokenClaims) -> Result<(), Error> {
        if claims.text("iss") == Some(&self.issuer) {
            return Ok(());
        }
        let problem = format!("is from {}, expected {:?}", claims.shown("iss"), self.issuer);
        Err(claims.refused_as(ErrorCode::IssuerMismatch, "iss", &problem))
    }

    pub(super) fn check_audience(&self, claims: &TokenClaims) -> Result<(), Error> {
        let audiences = claims.texts("aud");
        if !audiences.contains(&self.client_id.as_str()) {
            let problem = format!("is for {}, expected {:?}", claims.shown("aud"), self.client_id);
            return Err(claims.refused("aud", &problem));
        }
        let is_trusted = |audience: &&str| *audience == self.client_id || self.trusted_audiences.iter().any(|trusted| trusted == audience);
        if !audiences.iter().all(is_trusted) {
            let problem = format!("is also for others: {}; this client does not list all of them as trusted", claims.shown("aud"));
            return Err(claims.refused("aud", &problem));
        }
        Ok(())
    }

    /// When the token expires, if it is valid now. With a lifetime, `exp` may be missing.
    pub(super) fn check_times(&self, claims: &TokenClaims, lifetime: Option<i64>, now: i64) -> Result<i64, Error> {
        let issued_at = claims.required_time("iat")?;
        let expires_at = match (claims.time("exp"), lifetime) {
            (None, Some(lifetime)) => issued_at.saturating_add(lifetime),
            _ => claims.required_time("exp")?,
        };
        let by_its_clock = |name, problem: &str, time: i64| {
            let both = format!("{problem} {time}, and here it is {now}, in seconds since 1970; check the clock of this machine");
            claims.refused(name, &both)
        };
        if now >= expires_at.saturating_add(self.leeway) {
            return Err(by_its_clock("exp", "is right but for its time: it expired at", expires_at));
        }
        if issued_at > now.saturating_add(self.leeway) {
            return Err(by_its_clock("iat", "is right but for its time: it was issued at", issued_at));
        }
        match claims.time("nbf") {
            Some(from) if from > now.saturating_add(self.leeway) => {
                Err(by_its_clock("nbf", "is right but for its time: it is valid from", from))
            }
            _ => Ok(expires_at),
        }
    }
}

impl Kind {
    fn refused(self, code: ErrorCode, member: &str, problem: &str) -> Error {
        Error::new(code, format!("{member}: the {} {problem}", self.name))
    }
}

/// The claims of a token whose signature is verified.
pub(super) struct TokenClaims {
    kind: Kind,
    algorithm: Algorithm,
    members: Map<String, Value>,
}

/// A claim that has a type: its name, the type in words, and whether a value has it.
type Typed = (&'static str, &'static str, fn(&Value) -> bool);

const TYPED: [Typed; 15] = [
    ("iss", "a string", Value::is_string),
    ("sub", "a string", Value::is_string),
    ("aud", "a string or an array of strings", is_text_or_texts),
    ("exp", "a number of seconds", is_time),
    ("iat", "a number of seconds", is_time),
    ("nbf", "a number of seconds", is_time),
    ("auth_time", "a number of seconds", is_time),
    ("nonce", "a string", Value::is_string),
    ("acr", "a string", Value::is_string),
    ("amr", "an array of strings", is_texts),
    ("azp", "a string", Value::is_string),
    ("at_hash", "a string", Value::is_string),
    ("sid", "a string", Value::is_string),
    ("jti", "a string", Value::is_string),
    ("events", "an object", Value::is_object),
];

impl TokenClaims {
    /// A wrong type is never "absent", also where a claim is optional.
    fn check_types(&self) -> Result<(), Error> {
        for (name, expected, has_type) in TYPED {
            if self.members.get(name).is_some_and(|value| !has_type(value)) {
                return Err(self.refused(name, &format!("has {}, expected {expected}", self.type_of(name))));
            }
        }
        Ok(())
    }

    pub(super) fn into_members(self) -> Map<String, Value> {
        self.members
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.members.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }

    /// The user's id: a non-empty string of at most 255 ASCII characters (OpenID Connect Core,
    /// section 2).
    pub(super) fn subject(&self) -> Result<Option<&str>, Error> {
        let subject = self.text("sub");
        if subject.is_some_and(|subject| subject.is_empty() || subject.len() > 255 || !subject.is_ascii()) {
            return Err(self.refused("sub", "has a user id that is not 1 to 255 ASCII characters"));
        }
        Ok(subject)
    }

    /// One string, or those of an array.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        match self.get(name) {
            Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
            other => other.and_then(Value::as_str).into_iter().collect(),
        }
    }

    pub(super) fn time(&self, name: &str) -> Option<i64> {
        self.get(name).and_then(seconds)
    }

    pub(super) fn required_time(&self, name: &str) -> Result<i64, Error> {
        self.time(name).ok_or_else(|| self.missing(name))
    }

    pub(super) fn missing(&self, name: &str) -> Error {
        self.refused(name, "does not have this claim")
    }

    pub(super) fn refused(&self, name: &str, problem: &str) -> Error {
        self.refused_as(ErrorCode::IdToken, name, problem)
    }

    pub(super) fn refused_as(&self, code: ErrorCode, name: &str, problem: &str) -> Error {
        self.kind.refused(code, name, problem)
    }

    /// A claim for an error.
    pub(super) fn shown(&self, name: &str) -> String {
        self.get(name).map_or_else(|| "nobody".to_owned(), shown)
    }

    fn type_of(&self, name: &str) -> String {
        match self.get(name) {
            Some(number @ Value::Number(_)) => shown(number),
            Some(Value::String(_)) => "a string".to_owned(),
            Some(Value::Bool(_)) => "a boolean".to_owned(),
            Some(texts) if is_texts(texts) => "an array".to_owned(),
            Some(Value::Array(_)) => "an array of other values".to_owned(),
            Some(Value::Object(_)) => "an object".to_owned(),
            Some(Value::Null) | None => "null".to_owned(),
        }
    }
}

fn is_texts(value: &Value) -> bool {
    value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

fn is_text_or_texts(value: &Value) -> bool {
    value.is_string() || is_texts(value)
}

fn is_time(value: &Value) -> bool {
    seconds(value).is_some()
}
