//! Reading JSON objects from servers: strict about the whole, forgiving about each member.
//!
//! Members stay unparsed until they are asked for, so one absurd number or broken escape spoils its own member and no other.

use std::fmt;

use serde::Deserializer as _;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// The deepest nesting that is read.
const MAX_DEPTH: usize = 32;

/// No answer has this many members; the look-up of names takes time for each.
const MAX_MEMBERS: usize = 4096;

/// Ten years in seconds: no lifetime is longer.
const MAX_NUMBER: i64 = 315_360_000;

/// The members of one JSON object, in order; a name given twice stands once, with its last value.
pub(crate) struct Members<'a>(Vec<(String, &'a RawValue)>);

impl<'a> Members<'a> {
    /// One complete JSON object in UTF-8 (a byte order mark is skipped) no deeper than 32, or nothing.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes)).ok()?;
        let mut json = serde_json::Deserializer::from_str(text);
        let members = json.deserialize_map(ObjectVisitor).ok()?;
        json.end().ok()?;
        let deepest = members.0.iter().map(|(_, raw)| depth(raw.get())).max().unwrap_or(0);
        (deepest < MAX_DEPTH).then_some(members)
    }

    /// A member that is a string.
    pub(crate) fn string(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }

    /// A member as a number of seconds: an integer, a finite float rounded down, or an integer in a string; at most ten years.
    pub(crate) fn seconds(&self, name: &str) -> Member<i64> {
        match self.raw(name).map(|raw| raw.get()) {
            None | Some("null") => Member::Absent,
            Some(raw) => integer(raw).filter(|number| *number <= MAX_NUMBER).map_or(Member::Unusable, Member::Usable),
        }
    }

    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.raw(name).is_some_and(|raw| raw.get() != "null")
    }

    /// The members whose names are not in `known`; what cannot be represented is left out.
    pub(crate) fn others(&self, known: &[&str]) -> serde_json::Map<String, Value> {
        let others = self.0.iter().filter(|(name, _)| !known.contains(&name.as_str()));
        let others: Vec<_> = others.filter_map(|(name, raw)| Some((name.clone(), serde_json::from_str(raw.get()).ok()?))).collect();
        // By way of a list, whose length is known: a map that has to grow keeps room for more, and one is held for each login.
        others.into_iter().collect()
    }

    fn raw(&self, name: &str) -> Option<&'a RawValue> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, raw)| *raw)
    }
}

/// A member of an answer: absent, there but of no use, or usable.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Member<T> {
    Absent,
    Unusable,
    Usable(T),
}

struct ObjectVisitor;

impl<'de> Visitor<'de> for ObjectVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members: Vec<(String, &'de RawValue)> = Vec::new();
        while let Some((name, raw)) = map.next_entry::<String, &'de RawValue>()? {
            match members.iter().position(|(known, _)| *known == name) {
                Some(place) => members[place].1 = raw,
                None if members.len() < MAX_MEMBERS => members.push((name, raw)),
                None => return Err(A::Error::custom("too many members")),
            }
        }
        Ok(Members(members))
    }
}

fn integer(raw: &str) -> Option<i64> {
    if let Some(quoted) = raw.strip_prefix('"') {
        let text = quoted.strip_suffix('"')?;
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = (1..=19).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit());
        return if plain { text.parse().ok() } else { None };
    }
    if let Ok(number) = raw.parse() {
        return Some(number);
    }
    let float: f64 = raw.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "in range: checked on the same line")]
    (raw.starts_with(['-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) && float.abs() < 1e18).then(|| float.floor() as i64)
}

/// How deep a member's arrays and objects are nested; texts, which are most of an answer, are not looked through.
fn depth(text: &str) -> usize {
    if !text.starts_with(['{', '[']) {
        return 0;
    }
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(json: &str) -> Member<i64> {
        Members::parse(json.as_bytes()).unwrap().seconds("n")
    }

    #[test]
    fn numbers_come_as_integers_floats_and_strings() {
        assert_eq!(seconds(r#"{"n":300}"#), Member::Usable(300));
        assert_eq!(seconds(r#"{"n":299.9}"#), Member::Usable(299));
        assert_eq!(seconds(r#"{"n":-0.5}"#), Member::Usable(-1));
        assert_eq!(seconds(r#"{"n":"300"}"#), Member::Usable(300));
        assert_eq!(seconds(r#"{"n":"-1"}"#), Member::Usable(-1));
        assert_eq!(seconds(r#"{"n":315360000}"#), Member::Usable(MAX_NUMBER));
    }

    #[test]
    fn odd_numbers_count_as_unusable_and_null_as_absent() {
        for odd in ["315360001", "1e400", "-1e400", "true", "[]", "{}", "\" 300\"", "\"+3\"", "\"3.5\"", "\"\"", "\"12345678901234567890\""]
        {
            assert_eq!(seconds(&format!(r#"{{"n":{odd}}}"#)), Member::Unusable, "{odd}");
        }
        assert_eq!(seconds("{}"), Member::Absent);
        assert_eq!(seconds(r#"{"n":null}"#), Member::Absent);
    }

    #[test]
    fn the_last_of_two_members_of_one_name_counts() {
        assert_eq!(seconds(r#"{"n":1,"n":2}"#), Member::Usable(2));
    }

    #[test]
    fn only_one_complete_object_is_read() {
        for bad in ["", "[]", "null", "\"a\"", "{", "{} {}", "{}x", r#"{"a":}"#, "{\"a\":\"\u{1}\"}"] {
            assert!(Members::parse(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(Members::parse(b"\xEF\xBB\xBF {} \n").is_some());
        assert!(Members::parse(b"{\"a\":\"\xFF\"}").is_none());
    }

    #[test]
    fn nesting_is_read_to_a_depth_of_32() {
        let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert!(Members::parse(nested(31).as_bytes()).is_some());
        assert!(Members::parse(nested(32).as_bytes()).is_none());
        assert!(Members::parse(br#"{"a":"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"[[[["}"#).is_some());
    }

    #[test]
    fn an_object_has_at_most_4096_members() {
        let object = |count: usize| format!("{{{}}}", (0..count).map(|number| format!("\"{number}\":1")).collect::<Vec<_>>().join(","));
        assert!(Members::parse(object(4096).as_bytes()).is_some());
        assert!(Members::parse(object(4097).as_bytes()).is_none());
    }

    #[test]
    fn a_broken_member_spoils_no_other() {
        let members = Members::parse(br#"{"broken":"\ud800","huge":1e999,"n":1}"#).unwrap();
        assert_eq!(members.string("broken"), None);
        assert_eq!(members.seconds("n"), Member::Usable(1));
        assert_eq!(members.others(&["n"]).len(), 0);
    }

    #[test]
    fn numbers_at_the_edge_of_what_is_read() {
        assert_eq!(seconds(r#"{"n":"-9223372036854775808"}"#), Member::Usable(i64::MIN));
        assert_eq!(seconds(r#"{"n":-9223372036854775808}"#), Member::Usable(i64::MIN));
        assert_eq!(seconds(r#"{"n":-9.9e17}"#), Member::Usable(-990_000_000_000_000_000));
        assert_eq!(seconds(r#"{"n":-1e18}"#), Member::Unusable);
        assert_eq!(seconds(r#"{"n":-1}"#), Member::Usable(-1));
        assert_eq!(seconds(r#"{"n":"1234567890123456789"}"#), Member::Unusable);
        assert_eq!(seconds(r#"{"n":"-"}"#), Member::Unusable);
        assert_eq!(seconds(r#"{"n":"--1"}"#), Member::Unusable);
    }

    #[test]
    fn brackets_in_texts_are_no_nesting_and_closed_ones_do_not_add_up() {
        let wide = format!(r#"{{"a":[{}]}}"#, vec!["[{}]"; 50].join(","));
        let in_text = format!(r#"{{"a":["{}"]}}"#, "[{".repeat(50));
        let behind_a_quote = format!(r#"{{"a":["\"{}"]}}"#, "[{".repeat(50));
        let behind_a_backslash = format!(r#"{{"a":["\\",{}{}]}}"#, "[".repeat(31), "]".repeat(31));
        let beside_closing_texts = format!(r#"{{"a":{}1{}}}"#, r#"["]}",["#.repeat(20), "]]".repeat(20));
        let mixed = |levels: usize| format!(r#"{{"a":{}1{}}}"#, r#"{"b":["#.repeat(levels), "]}".repeat(levels));
        for flat in [wide, in_text, behind_a_quote] {
            assert!(Members::parse(flat.as_bytes()).is_some(), "{flat}");
        }
        for deep in [behind_a_backslash, beside_closing_texts] {
            assert!(Members::parse(deep.as_bytes()).is_none(), "{deep}");
        }
        assert!(Members::parse(mixed(15).as_bytes()).is_some());
        assert!(Members::parse(mixed(16).as_bytes()).is_none());
    }

    #[test]
    fn what_is_read_is_a_text_or_nothing() {
        let members = Members::parse(br#"{"text":"a\u00e4","number":1,"null":null}"#).unwrap();
        assert_eq!(members.string("text").as_deref(), Some("aä"));
        assert_eq!((members.string("number"), members.string("null"), members.string("absent")), (None, None, None));
        assert_eq!((members.has("number"), members.has("null"), members.has("absent")), (true, false, false));
        assert_eq!(members.value("number"), Some(Value::from(1)));
        assert_eq!(Value::Object(members.others(&["text"])), serde_json::json!({"number": 1, "null": null}));
    }
}
