//! Where the JSON objects of a body are, and where their members are.
//!
//! Only strings and brackets are followed. What is between them may be anything, so a byte that is
//! not UTF-8, a raw line break or a `NaN` belongs to its own member and to no other. Every byte is
//! read a fixed number of times, and nothing recurses.

use std::ops::Range;

use memchr::{memchr, memchr2};

/// As many members as most responses have.
const USUAL: usize = 12;

/// Where a member is in the body: its name without the quotes, and its value.
pub(super) struct Extent {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
}

/// The complete objects that are not inside another, in order. What is around them is skipped.
pub(super) fn objects(body: &[u8]) -> impl Iterator<Item = Vec<Extent>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            at += memchr(b'{', &body[at..])? + 1;
            match object(body, at) {
                Scanned::Object { members, end } => {
                    at = end;
                    return Some(members);
                }
                Scanned::NoObject { at: broken } => at = broken,
                Scanned::CutOff { .. } => {
                    at = body.len();
                    return None;
                }
            }
        }
    })
}

/// If the body is cut off within an object, the end of that object's last whole member.
pub(super) fn sound(body: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr(b'{', &body[at..])? + 1;
        match object(body, at) {
            Scanned::Object { end, .. } => at = end,
            Scanned::NoObject { at: broken } => at = broken,
            Scanned::CutOff { sound } => return Some(sound),
        }
    }
}

enum Scanned {
    Object {
        members: Vec<Extent>,
        end: usize,
    },
    /// What is at this place cannot be in an object.
    NoObject {
        at: usize,
    },
    CutOff {
        /// The end of the last whole member.
        sound: usize,
    },
}

/// The object whose opening bracket is just before `at`. The last member may have a comma after it.
fn object(body: &[u8], mut at: usize) -> Scanned {
    let mut members = Vec::new();
    let mut sound = at;
    loop {
        at = skip_blanks(body, at);
        match body.get(at) {
            None => return Scanned::CutOff { sound },
            Some(b'}') => return Scanned::Object { members, end: at + 1 },
            Some(b'"') => {}
            Some(_) => return Scanned::NoObject { at },
        }
        let Some(name_end) = string_end(body, at + 1, b":") else { return Scanned::CutOff { sound } };
        let name = at + 1..name_end;
        let start = skip_blanks(body, skip_blanks(body, name_end + 1) + 1);
        let Some(end) = value_end(body, start) else { return Scanned::CutOff { sound } };
        sound = end;
        if members.is_empty() {
            members.reserve(USUAL);
        }
        members.push(Extent { name, value: start..start + body[start..end].trim_ascii_end().len() });
        at = if body[end] == b',' { end + 1 } else { end };
    }
}

/// The comma or the bracket that ends the value.
fn value_end(body: &[u8], mut at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    loop {
        match body.get(at)? {
            b'"' => at = string_end(body, at + 1, if depth == 0 { b",}" } else { b",:]}" })?,
            b'{' | b'[' => depth += 1,
            b',' | b'}' if depth == 0 => return Some(at),
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
}

/// The quote that ends the string: one that is followed by one of `followers`, as in all valid
/// JSON. So a quote that is not escaped spoils its own member only.
fn string_end(body: &[u8], mut at: usize, followers: &[u8]) -> Option<usize> {
    loop {
        at += memchr2(b'"', b'\\', body.get(at..)?)?;
        match body[at] {
            b'\\' => at += 1,
            _ if followers.contains(body.get(skip_blanks(body, at + 1))?) => return Some(at),
            _ => {}
        }
        at += 1;
    }
}

fn skip_blanks(body: &[u8], at: usize) -> usize {
    let rest = body.get(at..).unwrap_or_default();
    at + (rest.len() - rest.trim_ascii_start().len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Vec<Vec<(&str, &str)>> {
        let member = |extent: &Extent| (&body[extent.name.clone()], &body[extent.value.clone()]);
        objects(body.as_bytes()).map(|members| members.iter().map(member).collect()).collect()
    }

    #[test]
    fn members_are_found_as_they_are_written() {
        assert_eq!(read(r#" { "a" : "x" , "b":[1,{"c":"}"}],"d":null } "#), [[("a", r#""x""#), ("b", r#"[1,{"c":"}"}]"#), ("d", "null")]]);
        assert_eq!(read("{}"), [[]; 1]);
        assert_eq!(read(r#"{"a":1,}"#), [[("a", "1")]]);
        assert_eq!(read(r#"{"a":}"#), [[("a", "")]]);
        assert_eq!(read(r#"{"a\"":"\\"}"#), [[(r#"a\""#, r#""\\""#)]]);
    }

    #[test]
    fn a_broken_member_ends_where_the_next_begins() {
        for broken in ["NaN", "-Infinity", "", r#""\x""#, "\"a\nb\"", r#""Peter "Pete" Parker""#, "[[[}}}", "1]", "{\"x\"}", "'y'"] {
            let body = format!(r#"{{"odd":{broken},"b":"2"}}"#);
            assert_eq!(read(&body), [[("odd", broken), ("b", r#""2""#)]], "{broken}");
        }
    }

    #[test]
    fn text_around_objects_is_skipped() {
        assert_eq!(read(r#"<b>Notice</b>: {$x} {y {"a":1}"#), [[("a", "1")]]);
        assert_eq!(read(r#"callback({"a":1});"#), [[("a", "1")]]);
        assert_eq!(read("{\"a\":1}\0<!-- } -->{\"b\":2}").len(), 2);
        assert_eq!(read(r#"[{"a":{"b":1}}]"#).len(), 1);
    }

    #[test]
    fn what_is_cut_off_is_not_an_object_and_contains_none() {
        for cut in ["", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":\"b\"", "{\"a\":1,", "{\"a\":{\"b\":1}", "{\"a\":[}"] {
            assert!(read(cut).is_empty(), "{cut}");
        }
    }

    #[test]
    fn a_million_brackets_and_quotes_take_linear_time() {
        for part in ["{", "{\"a\":", "[", "\"", "\" ", "{\"a\":[", "{}", "{\"a\":1,x", "\\"] {
            objects(part.repeat(1_000_000 / part.len()).as_bytes()).for_each(drop);
        }
    }
}
