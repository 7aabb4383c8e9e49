//! The challenges of `WWW-Authenticate` (RFC 9110, section 11.6.1; RFC 6750, section 3).

use crate::http::Headers;

const BLANKS: [char; 2] = [' ', '\t'];

/// What a server requires for a request that it has refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    scheme: String,
    parameters: Vec<(String, String)>,
}

impl Challenge {
    /// The scheme as the server wrote it: `Bearer`. Upper and lower case do not differ.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The first value of a parameter. `name` is in lower case.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The challenge for access tokens, if there is one: the first with an error, or else the first.
pub fn bearer(headers: &Headers) -> Option<Challenge> {
    let mut bearers: Vec<_> = headers.all("www-authenticate").flat_map(challenges).filter(is_bearer).collect();
    let with_error = bearers.iter().position(|challenge| challenge.parameter("error").is_some());
    (!bearers.is_empty()).then(|| bearers.swap_remove(with_error.unwrap_or(0)))
}

fn is_bearer(challenge: &Challenge) -> bool {
    challenge.scheme.eq_ignore_ascii_case("Bearer")
}

/// The challenges of one field.
///
/// Commas separate both challenges and parameters, so a word with `=` behind it is a parameter, and
/// any other begins a challenge. What fits nowhere is skipped. Every character is read a fixed
/// number of times.
pub fn challenges(field: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = field;
    loop {
        rest = rest.trim_start_matches(|c| c == ',' || BLANKS.contains(&c));
        let (word, after) = rest.split_at(rest.find(|c| !is_token_character(c)).unwrap_or(rest.len()));
        if word.is_empty() {
            match rest.chars().next() {
                None => return challenges,
                Some('"') => rest = value(rest).1,
                Some(odd) => rest = &rest[odd.len_utf8()..],
            }
        } else if let Some(after) = after.trim_start_matches(BLANKS).strip_prefix('=') {
            let (value, after) = value(after.trim_start_matches(BLANKS));
            if let Some(challenge) = challenges.last_mut() {
                challenge.parameters.push((word.to_ascii_lowercase(), value));
            }
            rest = after;
        } else {
            challenges.push(Challenge { scheme: word.to_owned(), parameters: Vec::new() });
            rest = without_token68(after);
        }
    }
}

/// A value in quotes or without them, and what is after it.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find(|c| c == ',' || BLANKS.contains(&c)).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let mut value = String::new();
    let mut characters = quoted.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => break,
            '\\' => value.extend(characters.next()),
            other => value.push(other),
        }
    }
    (value, characters.as_str())
}

/// What is after a scheme, without the text that some schemes have in place of parameters.
fn without_token68(text: &str) -> &str {
    let is_token68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    let after = text.trim_start_matches(BLANKS).trim_start_matches(is_token68).trim_start_matches('=').trim_start_matches(BLANKS);
    if after.is_empty() || after.starts_with(',') { after } else { text }
}

/// RFC 9110, section 5.6.2.
fn is_token_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> Vec<(String, Vec<String>)> {
        let parameters = |challenge: Challenge| challenge.parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        challenges(field).into_iter().map(|challenge| (challenge.scheme.clone(), parameters(challenge))).collect()
    }

    #[test]
    fn challenges_and_their_parameters_are_told_apart() {
        for (field, expected) in [
            ("", &[][..]),
            ("Bearer", &[("Bearer", &[][..])]),
            ("Bearer realm=\"r\"", &[("Bearer", &["realm=r"])]),
            ("Bearer realm=\"r\", error=\"invalid_token\"", &[("Bearer", &["realm=r", "error=invalid_token"])]),
            ("Bearer Realm = r ,ERROR\t=\tx", &[("Bearer", &["realm=r", "error=x"])]),
            ("Basic realm=\"a, Bearer error=\\\"x\\\"\", Bearer", &[("Basic", &["realm=a, Bearer error=\"x\""]), ("Bearer", &[])]),
            (
                "Newauth realm=\"apps\", type=1, title=\"\", Basic realm=\"simple\"",
                &[("Newauth", &["realm=apps", "type=1", "title="]), ("Basic", &["realm=simple"])],
            ),
            ("Negotiate YII/GQ+Bearer==, Bearer error=x", &[("Negotiate", &[]), ("Bearer", &["error=x"])]),
            ("Negotiate, Basic , Bearer", &[("Negotiate", &[]), ("Basic", &[]), ("Bearer", &[])]),
            ("Bearer realm=\"r\" error=\"e\" scope=\"a b\"", &[("Bearer", &["realm=r", "error=e", "scope=a b"])]),
            (
                "Bearer resource_metadata=https://api.example/?a=b, error=x",
                &[("Bearer", &["resource_metadata=https://api.example/?a=b", "error=x"])],
            ),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(scheme, parameters)| ((*scheme).to_owned(), parameters.iter().map(|&p| p.to_owned()).collect()))
                .collect();
            assert_eq!(read(field), expected, "{field}");
        }
    }

    #[test]
    fn what_fits_nowhere_is_skipped() {
        for (field, expected) in [
            (",, ,", &[][..]),
            ("error=\"x\"", &[]),
            ("\"text\", {}[]; Bearer error=x", &[("Bearer", &["error=x"][..])]),
            ("Bearer error=\"x", &[("Bearer", &["error=x"])]),
            ("Bearer error=\"x\\", &[("Bearer", &["error=x"])]),
            ("Bearer scope=a, error=, error_uri=", &[("Bearer", &["scope=a", "error=", "error_uri="])]),
            ("Bearer error=\"\u{fc}\"\u{20ac}, scope=\u{fc}", &[("Bearer", &["error=\u{fc}", "scope=\u{fc}"])]),
        ] {
            let expected: Vec<_> = expected
                .iter()
                .map(|(scheme, parameters)| ((*scheme).to_owned(), parameters.iter().map(|&p| p.to_owned()).collect()))
                .collect();
            assert_eq!(read(field), expected, "{field}");
        }
        for long in ["a", "a ", ",", "a=", "\"", "\\", "a=\"", "= ", "\u{20ac}"] {
            challenges(&long.repeat(100_000));
        }
    }

    #[test]
    fn the_challenge_for_access_tokens_is_found_among_others_and_in_any_field() {
        let found = |fields: &[&str]| {
            let headers: Headers = fields.iter().map(|field| ("www-authenticate", (*field).to_owned())).collect();
            bearer(&headers).map(|challenge| (challenge.scheme().to_owned(), challenge.parameter("error").map(str::to_owned)))
        };
        assert_eq!(found(&[]), None);
        assert_eq!(found(&["Basic realm=\"r\""]), None);
        assert_eq!(found(&["bearer realm=\"r\""]), Some(("bearer".into(), None)));
        assert_eq!(found(&["Basic realm=\"r\"", "Bearer, BEARER error=\"x\""]), Some(("BEARER".into(), Some("x".into()))));
    }

    #[test]
    fn the_first_of_two_parameters_of_one_name_counts() {
        let challenge = challenges("Bearer error=a, error=b").remove(0);
        assert_eq!((challenge.parameter("error"), challenge.parameter("scope")), (Some("a"), None));
    }
}
