//! JSON objects that can be read in one way only.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// How deep lists and objects may be nested.
const MAX_DEPTH: usize = 32;

/// A text that is one JSON object in UTF-8, with no name given twice at any level.
pub(super) fn object(text: &[u8]) -> Option<Map<String, Value>> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = Strict { depth: 0 }.deserialize(&mut json).ok()?;
    json.end().ok()?;
    match value {
        Value::Object(members) => Some(members),
        _ => None,
    }
}

/// A value inside this many lists and objects.
#[derive(Clone, Copy)]
struct Strict {
    depth: usize,
}

impl Strict {
    fn nested<E: Error>(self) -> Result<Self, E> {
        if self.depth == MAX_DEPTH {
            return Err(E::custom("nested too deeply"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let nested = self.nested()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(nested)? {
            values.push(value);
        }
        Ok(values.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let nested = self.nested()?;
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(nested)?;
            if object.insert(name, value).is_some() {
                return Err(A::Error::custom("a name twice"));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_read_as_it_is() {
        let text = r#" {"a":null,"b":[true,-1,18446744073709551615,0.5,"\u00e4"],"c":{"a":{}}} "#;
        assert_eq!(Value::from(object(text.as_bytes()).unwrap()), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn what_is_not_one_object_in_utf_8_is_refused() {
        for bad in
            [&b""[..], b"null", b"1", b"\"a\"", b"[{}]", b"{}{}", b"{},", b"{", b"{\"a\":1,}", b"{'a':1}", b"{\"a\":NaN}", b"{\"a\":1e999}"]
        {
            assert_eq!(object(bad), None, "{}", String::from_utf8_lossy(bad));
        }
        for bad in [
            &b"{\"\xE4\":1}"[..],
            b"{\"a\":\"\xE4\"}",
            b"{\"a\":\"\\ud800\"}",
            b"\xEF\xBB\xBF{}",
            b"{\"a\":1}\xE4",
            b"{\0\"\0a\0\"\0:\x001\0}\0",
        ] {
            assert_eq!(object(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn t_dup_1_a_member_given_twice_is_refused_at_every_level() {
        for bad in [r#"{"a":1,"a":1}"#, r#"{"a":1,"b":2,"\u0061":3}"#, r#"{"x":{"a":1,"a":2}}"#, r#"{"x":[[{"a":null,"a":null}]]}"#] {
            assert_eq!(object(bad.as_bytes()), None, "{bad}");
        }
        assert!(object(br#"{"a":{"a":1},"b":[{"a":1},{"a":1}],"A":1}"#).is_some());
    }

    #[test]
    fn t_lim_2_deep_json_is_refused() {
        let nested = |lists: usize| format!("{{\"a\":{}{}}}", "[".repeat(lists), "]".repeat(lists));
        assert!(object(nested(MAX_DEPTH - 1).as_bytes()).is_some());
        assert_eq!(object(nested(MAX_DEPTH).as_bytes()), None);
        let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
        assert!(object(objects(MAX_DEPTH).as_bytes()).is_some());
        assert_eq!(object(objects(MAX_DEPTH + 1).as_bytes()), None);
        assert_eq!(object("[".repeat(1_000_000).as_bytes()), None);
    }
}
