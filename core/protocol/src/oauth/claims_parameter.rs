//! The parameter `claims` of an authorization request (OpenID Connect Core, section 5.5), as far as
//! the ID token must fulfil it.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// What a `claims` parameter requires of the ID token.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct ClaimsParameter {
    /// `auth_time` is essential.
    pub(super) auth_time: bool,
    /// The values that `acr` may have, if it is essential and they are named.
    pub(super) acr_values: Vec<String>,
}

impl ClaimsParameter {
    pub(super) fn parse(json: &str) -> Result<Self> {
        let Ok(Value::Object(claims)) = serde_json::from_str(json) else { return Err(bad("is not a JSON object")) };
        object(&claims, "userinfo")?;
        let Some(requested) = object(&claims, "id_token")? else { return Ok(Self::default()) };
        let auth_time = object(requested, "auth_time")?.map_or(Ok(false), is_essential)?;
        let acr_values = match object(requested, "acr")? {
            Some(acr) if is_essential(acr)? => values(acr)?,
            _ => Vec::new(),
        };
        Ok(Self { auth_time, acr_values })
    }
}

/// Whether a claim is requested as essential (section 5.5.1).
fn is_essential(request: &Map<String, Value>) -> Result<bool> {
    match request.get("essential") {
        None => Ok(false),
        Some(Value::Bool(essential)) => Ok(*essential),
        Some(_) => Err(bad("has an essential that is not true or false")),
    }
}

/// The values that a claim is requested to have one of.
fn values(request: &Map<String, Value>) -> Result<Vec<String>> {
    let several = match request.get("values") {
        None => &[][..],
        Some(Value::Array(values)) => values,
        Some(_) => return Err(bad("has values that are not a list")),
    };
    let values = request.get("value").into_iter().chain(several).map(|value| value.as_str().map(str::to_owned));
    values.collect::<Option<_>>().ok_or_else(|| bad("has a value of acr that is not a string"))
}

fn object<'a>(members: &'a Map<String, Value>, name: &str) -> Result<Option<&'a Map<String, Value>>> {
    match members.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(members)) => Ok(Some(members)),
        Some(_) => Err(bad(format_args!("has a {name} that is not an object"))),
    }
}

fn bad(problem: impl std::fmt::Display) -> Error {
    Error::invalid_argument("claims", format_args!("{problem}; give the object of OpenID Connect Core, section 5.5"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(json: &str) -> ClaimsParameter {
        ClaimsParameter::parse(json).unwrap()
    }

    #[test]
    fn only_what_is_essential_is_required() {
        for voluntary in [
            "{}",
            r#"{"id_token":null,"userinfo":{"email":{"essential":true}}}"#,
            r#"{"id_token":{"auth_time":null,"acr":{"values":["gold"]}}}"#,
            r#"{"id_token":{"auth_time":{"essential":false},"acr":{"essential":true},"x":7}}"#,
            r#"{"userinfo":{"auth_time":{"essential":true},"acr":{"essential":true,"value":"gold"}}}"#,
        ] {
            assert_eq!(parse(voluntary), ClaimsParameter::default(), "{voluntary}");
        }
        assert!(parse(r#"{"id_token":{"auth_time":{"essential":true,"value":1}}}"#).auth_time);
        assert_eq!(parse(r#"{"id_token":{"acr":{"essential":true,"value":"gold"}}}"#).acr_values, ["gold"]);
        assert_eq!(parse(r#"{"id_token":{"acr":{"essential":true,"values":["gold","silver"]}}}"#).acr_values, ["gold", "silver"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for bad in [
            "",
            "[]",
            "null",
            "{} {}",
            r#"{"id_token":[]}"#,
            r#"{"userinfo":"x"}"#,
            r#"{"id_token":{"auth_time":true}}"#,
            r#"{"id_token":{"auth_time":{"essential":"true"}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"values":"gold"}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"values":["gold",1]}}}"#,
            r#"{"id_token":{"acr":{"essential":true,"value":1}}}"#,
        ] {
            assert!(ClaimsParameter::parse(bad).unwrap_err().to_string().starts_with("claims: "), "{bad}");
        }
        let deep = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(ClaimsParameter::parse(&deep).is_err());
    }
}
