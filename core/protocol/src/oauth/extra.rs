//! The members of a response that have no meaning here. Hardly anyone reads them, so they stay text
//! until then. They are made without a lock: a child that is forked meanwhile could find it taken.

use std::hash::{Hash, Hasher};

use once_cell::race::OnceBox;
use serde_json::{Map, Value};

use super::json::{Written, is_plain};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Extra {
    /// A JSON object, or nothing.
    json: Box<str>,
    read: OnceBox<Map<String, Value>>,
}

impl Extra {
    /// These members, and the names of those that cannot be kept.
    pub(super) fn of(members: &[(&str, Written<'_>)]) -> (Self, Vec<String>) {
        let (mut json, mut ignored) = (String::new(), Vec::new());
        for &(name, value) in members {
            match value.kept() {
                Some(value) => {
                    json.push(if json.is_empty() { '{' } else { ',' });
                    push_text(&mut json, name);
                    json.push(':');
                    json.push_str(value);
                }
                None => ignored.push(name.to_owned()),
            }
        }
        if !json.is_empty() {
            json.push('}');
        }
        (Self { json: json.into(), read: OnceBox::new() }, ignored)
    }

    /// The members. If a name is given twice, the last value counts.
    pub(super) fn members(&self) -> &Map<String, Value> {
        self.read.get_or_init(|| self.parsed().into())
    }

    /// The members, of which nothing stays in memory.
    pub(super) fn to_members(&self) -> Map<String, Value> {
        self.read.get().map_or_else(|| self.parsed(), Map::clone)
    }

    fn parsed(&self) -> Map<String, Value> {
        // Each of them was parsed before.
        serde_json::from_str(&self.json).unwrap_or_default()
    }
}

/// A text as JSON writes it.
fn push_text(json: &mut String, text: &str) {
    if is_plain(text) {
        json.extend(["\"", text, "\""]);
    } else {
        json.push_str(&Value::from(text).to_string());
    }
}

impl PartialEq for Extra {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json || self.members() == other.members()
    }
}

impl Hash for Extra {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.members().hash(state);
    }
}

#[cfg(test)]
mod tests {
    use super::super::json::Members;
    use super::*;

    fn extra(json: &str) -> (Extra, Vec<String>) {
        let members = Members::find(json.as_bytes(), &[]).unwrap();
        Extra::of(&members.iter().filter(|(name, _)| *name != "known").collect::<Vec<_>>())
    }

    #[test]
    fn what_is_not_known_is_kept_as_it_was_written() {
        let (extra, ignored) = extra(r#"{"known":1, "a" : "\u00e4" ,"b\"": [1.50, {}], "c":1e15}"#);
        assert_eq!(&*extra.json, r#"{"a":"\u00e4","b\"":[1.50, {}],"c":1e15}"#);
        let members = serde_json::json!({"a": "ä", "b\"": [1.5, {}], "c": 1e15});
        assert_eq!((Value::Object(extra.to_members()), Value::Object(extra.members().clone())), (members.clone(), members));
        assert!(ignored.is_empty());
    }

    #[test]
    fn the_last_of_two_members_of_one_name_counts() {
        let (extra, _) = extra(r#"{"a":1,"b":2,"\u0061":3}"#);
        assert_eq!(Value::Object(extra.to_members()).to_string(), r#"{"a":3,"b":2}"#);
    }

    #[test]
    fn what_cannot_be_kept_is_named_and_spoils_nothing() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        let json = format!(r#"{{"a":NaN,"b":"\ud800","c":1e999,"d":{},"e":{},"f":"x"y"}}"#, deep(100), deep(101));
        let (extra, ignored) = extra(&json);
        assert_eq!(extra.members().keys().collect::<Vec<_>>(), ["d"]);
        assert_eq!(ignored, ["a", "b", "c", "e", "f"]);
    }

    #[test]
    fn without_any_there_is_no_text() {
        let (extra, _) = extra(r#"{"known":1}"#);
        assert_eq!((&*extra.json, extra.members().len()), ("", 0));
    }

    #[test]
    fn equal_members_are_equal_however_they_were_written() {
        let equal = |one: &str, other: &str| extra(one).0 == extra(other).0;
        assert!(equal(r#"{"a":"ä","b":1}"#, r#"{"b":1,"a":"\u00e4"}"#));
        assert!(equal("{}", r#"{"known":1}"#));
        assert!(!equal(r#"{"a":1}"#, r#"{"a":2}"#));
    }
}
