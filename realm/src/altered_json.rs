//! JSON as tests alter it.

use serde_json::{Map, Value, json};

use crate::clock;

/// Replaces members, and removes those whose new value is null. `{"$now": -5}` is the time five
/// seconds ago; `{"$add": …}` adds to a number and appends to a string; `{"$json": "…"}` is the
/// value with this JSON text, which need not be valid.
pub(crate) fn merge(into: &mut Value, changes: &Map<String, Value>) {
    let Some(into) = into.as_object_mut() else { return };
    for (name, change) in changes {
        let before = into.get(name).unwrap_or(&Value::Null);
        let value = match (operation(change, "$now"), operation(change, "$add")) {
            (Some(seconds), _) => json!(clock::of_clients() as i64 + seconds.as_i64().unwrap_or_default()),
            (_, Some(Value::String(end))) => json!(before.as_str().unwrap_or_default().to_owned() + end),
            (_, Some(number)) => json!(before.as_i64().unwrap_or_default() + number.as_i64().unwrap_or_default()),
            _ if change.is_null() => {
                into.remove(name);
                continue;
            }
            _ => change.clone(),
        };
        into.insert(name.clone(), value);
    }
}

/// The operand, if the value is an object with this only member.
fn operation<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object().filter(|object| object.len() == 1)?.get(name)
}

/// JSON text, with each `{"$json": "…"}` replaced by its own text.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::Object(members) => match operation(value, "$json").and_then(Value::as_str) {
            Some(json) => json.to_owned(),
            None => {
                let members: Vec<_> = members.iter().map(|(name, value)| format!("{}:{}", json!(name), text(value))).collect();
                format!("{{{}}}", members.join(","))
            }
        },
        Value::Array(values) => format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
