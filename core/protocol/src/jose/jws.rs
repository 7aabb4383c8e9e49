//! A signed token in its compact form (RFC 7515, section 7.1).

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use super::algorithm::Algorithm;
use super::json;
use super::jwks::KeySet;

const MAX_TOKEN: usize = 64 * 1024;
const MAX_HEADER: usize = 8 * 1024;

/// A token of the right form. Nothing is verified yet.
///
/// Of its header, only `alg`, `kid` and `typ` are used: keys never come from a token.
pub struct Jws<'a> {
    algorithm: Algorithm,
    kid: Option<String>,
    signing_input: &'a str,
    payload: Vec<u8>,
    signature: Vec<u8>,
}

/// Why a token is refused before its signature is verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is encrypted (RFC 7516).
    Encrypted,
    /// Something is wrong with it.
    Wrong {
        /// A member of the header, or a part.
        member: &'static str,
        /// What is wrong, in words that fit after "the token".
        problem: String,
    },
}

impl<'a> Jws<'a> {
    /// Reads a token, without decoding one that is too large.
    ///
    /// `allowed` are the algorithms that it may be signed with, and `types` the values that `typ`
    /// may have, if it is there.
    ///
    /// # Errors
    ///
    /// What is wrong with its form or its header.
    pub fn parse(token: &'a str, allowed: &[Algorithm], types: &[&str]) -> Result<Self, Refusal> {
        let Parts { signing_input, header, payload, signature } = Parts::of(token)?;
        let header = decoded("header", header)?;
        let header = object("header", &header)?;
        let algorithm = algorithm(&header, allowed)?;
        if header.contains_key("crit") {
            return Err(wrong("crit", "needs an extension that is not supported"));
        }
        let kind = text(&header, "typ")?;
        if kind.is_some_and(|kind| !types.iter().any(|expected| is_type(kind, expected))) {
            return Err(wrong("typ", format!("has the type {}, expected {}", shown(&header["typ"]), types.join(" or "))));
        }
        Ok(Self {
            algorithm,
            kid: text(&header, "kid")?.map(str::to_owned),
            signing_input,
            payload: decoded("payload", payload)?,
            signature: decoded("signature", signature)?,
        })
    }

    /// The algorithm that it says it is signed with. It is one of those that are allowed.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether one of the server's keys verifies the signature.
    pub fn is_signed_by(&self, keys: &KeySet) -> bool {
        keys.verifies(self.algorithm, self.kid.as_deref(), self.signing_input.as_bytes(), &self.signature)
    }

    /// Whether this secret verifies the signature. It must be at least as long as the hash (RFC
    /// 7518, section 3.2).
    pub fn is_signed_with(&self, secret: &[u8]) -> bool {
        let hmac = match self.algorithm {
            Algorithm::Hs256 => hmac::HMAC_SHA256,
            Algorithm::Hs384 => hmac::HMAC_SHA384,
            Algorithm::Hs512 => hmac::HMAC_SHA512,
            _ => return false,
        };
        let key = hmac::Key::new(hmac, secret);
        secret.len() >= hmac.tag_len() && hmac::verify(&key, self.signing_input.as_bytes(), &self.signature).is_ok()
    }

    /// The claims: the payload as a JSON object.
    ///
    /// # Errors
    ///
    /// It is none.
    pub fn claims(&self) -> Result<Map<String, Value>, Refusal> {
        object("payload", &self.payload)
    }
}

/// The claims of a token that was judged before. Nothing is verified.
pub fn claims_of_judged(token: &str) -> Option<Map<String, Value>> {
    let payload = decoded("payload", Parts::of(token).ok()?.payload).ok()?;
    json::object(&payload)
}

struct Parts<'a> {
    /// Header and payload.
    signing_input: &'a str,
    header: &'a str,
    payload: &'a str,
    signature: &'a str,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Result<Self, Refusal> {
        if token.len() > MAX_TOKEN {
            return Err(wrong("token", format!("has {} bytes; {MAX_TOKEN} are the most", token.len())));
        }
        let not_compact = || wrong("token", "is not three parts of base64url with two dots between them");
        match token.bytes().filter(|byte| *byte == b'.').count() {
            2 => {}
            4 => return Err(Refusal::Encrypted),
            _ => return Err(not_compact()),
        }
        let (signing_input, signature) = token.rsplit_once('.').ok_or_else(not_compact)?;
        let (header, payload) = signing_input.split_once('.').ok_or_else(not_compact)?;
        if header.len() > MAX_HEADER {
            return Err(wrong("header", format!("has a header of {} bytes; {MAX_HEADER} are the most", header.len())));
        }
        Ok(Self { signing_input, header, payload, signature })
    }
}

fn algorithm(header: &Map<String, Value>, allowed: &[Algorithm]) -> Result<Algorithm, Refusal> {
    let name = header.get("alg").ok_or_else(|| wrong("alg", "does not say how it is signed"))?;
    let known = name.as_str().and_then(Algorithm::parse).filter(|algorithm| allowed.contains(algorithm));
    known.ok_or_else(|| {
        let allowed: Vec<_> = allowed.iter().map(|algorithm| algorithm.as_str()).collect();
        wrong("alg", format!("is signed with {}, expected {}", shown(name), allowed.join(" or ")))
    })
}

/// Media types have no case, and `application/` may be left out (RFC 7515, section 4.1.9).
fn is_type(kind: &str, expected: &str) -> bool {
    const PREFIX: &str = "application/";
    let prefix = kind.get(..PREFIX.len()).filter(|prefix| prefix.eq_ignore_ascii_case(PREFIX));
    kind[prefix.map_or(0, str::len)..].eq_ignore_ascii_case(expected)
}

fn text<'a>(header: &'a Map<String, Value>, name: &'static str) -> Result<Option<&'a str>, Refusal> {
    let Some(value) = header.get(name) else { return Ok(None) };
    value.as_str().map(Some).ok_or_else(|| wrong(name, "has a header in which this is not a string"))
}

fn decoded(part: &'static str, text: &str) -> Result<Vec<u8>, Refusal> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| wrong(part, format!("has a {part} that is not base64url")))
}

fn object(part: &'static str, text: &[u8]) -> Result<Map<String, Value>, Refusal> {
    json::object(text).ok_or_else(|| wrong(part, format!("has a {part} that is not one JSON object with each member once")))
}

fn wrong(member: &'static str, problem: impl Into<String>) -> Refusal {
    Refusal::Wrong { member, problem: problem.into() }
}

/// A value for an error: its JSON, cut at 100 characters.
pub fn shown(value: &Value) -> String {
    let json = value.to_string();
    match json.char_indices().nth(100) {
        Some((end, _)) => format!("{}…", &json[..end]),
        None => json,
    }
}

#[cfg(test)]
mod tests;
