//! Reading JSON objects from servers, in layers: the body, the one object in it, and the members
//! that matter.
//!
//! Members stay unparsed until they are used, so an absurd number or a broken escape spoils its own
//! member and no other. That is why `serde_json` parses members, and not the body.

use std::borrow::Cow;
use std::ops::Range;

use memchr::memchr2;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::object::{Extent, objects, sound};
use super::syntax::is_printable;

/// Ten years in seconds: no lifetime is longer.
const MAX_NUMBER: i64 = 315_360_000;

/// How deep a member that is kept may be nested. It is written inside other objects, and
/// `serde_json` reads no more than 127 levels in all.
const MAX_DEPTH: usize = 100;

const NULL: Written<'_> = Written::Text("null");

/// The members of one JSON object, in order. If a name is given twice, the last value counts.
pub(super) struct Members<'a> {
    body: Body<'a>,
    members: Vec<Member>,
}

/// Nearly always text, which is then validated once.
enum Body<'a> {
    Text(Cow<'a, str>),
    /// Somewhere they are not UTF-8.
    Bytes(&'a [u8]),
}

struct Member {
    at: Extent,
    /// The name, if it is not what is between its quotes.
    name: Option<String>,
    /// Whether the value is a string that says what is between its quotes.
    is_plain: bool,
}

/// A part of a body.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Written<'a> {
    /// A string that says what is between its quotes: nearly all that is not a number.
    Plain(&'a str),
    Text(&'a str),
    /// They are not UTF-8.
    Bytes(&'a [u8]),
}

impl Member {
    fn all(body: &Body<'_>, extents: Vec<Extent>) -> Vec<Self> {
        extents.into_iter().map(|extent| Self::of(body, extent)).collect()
    }

    fn of(body: &Body<'_>, at: Extent) -> Self {
        let name = body.part(&at.name);
        let name = if name.text().is_some_and(is_plain) { None } else { Some(shown(name.bytes())) };
        let quoted = body.part(&at.value).text().and_then(|text| text.strip_prefix('"')?.strip_suffix('"'));
        Self { is_plain: quoted.is_some_and(is_plain), at, name }
    }

    fn is(&self, name: &str, body: &Body<'_>) -> bool {
        self.name.as_ref().map_or_else(|| body.bytes()[self.at.name.clone()] == *name.as_bytes(), |decoded| decoded == name)
    }

    fn name<'a>(&'a self, body: &'a Body<'_>) -> &'a str {
        self.name.as_deref().unwrap_or_else(|| body.part(&self.at.name).text().expect("it is ASCII"))
    }

    fn value<'a>(&self, body: &'a Body<'_>) -> Written<'a> {
        match body.part(&self.at.value) {
            Written::Text(text) if self.is_plain => Written::Plain(text),
            other => other,
        }
    }
}

impl<'a> Body<'a> {
    /// UTF-16 is recognised by its byte order mark, or by the zeros beside the first two characters
    /// (RFC 4627, section 3).
    fn of(bytes: &'a [u8]) -> Self {
        let unit: fn([u8; 2]) -> u16 = match bytes {
            [0xFF, 0xFE, ..] | [1..=0xFF, 0, 1..=0xFF, 0, ..] => u16::from_le_bytes,
            [0xFE, 0xFF, ..] | [0, 1..=0xFF, 0, 1..=0xFF, ..] => u16::from_be_bytes,
            _ => return str::from_utf8(bytes).map_or(Self::Bytes(bytes), |text| Self::Text(text.into())),
        };
        let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
        Self::Text(char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect())
    }

    fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    /// Its ends are beside characters of ASCII.
    fn part(&self, range: &Range<usize>) -> Written<'_> {
        match self {
            Self::Text(text) => Written::Text(&text[range.clone()]),
            Self::Bytes(bytes) => {
                let bytes = &bytes[range.clone()];
                str::from_utf8(bytes).map_or(Written::Bytes(bytes), Written::Text)
            }
        }
    }
}

impl<'a> Written<'a> {
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Plain(text) | Self::Text(text) => text.as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }

    fn text(self) -> Option<&'a str> {
        match self {
            Self::Plain(text) | Self::Text(text) => Some(text),
            Self::Bytes(_) => None,
        }
    }

    /// Null is the same as absent.
    pub(super) fn or_absent(self) -> Option<Self> {
        (self != NULL).then_some(self)
    }

    /// As it is, if it can be kept: JSON, and not nested too deeply.
    pub(super) fn kept(self) -> Option<&'a str> {
        match self {
            Self::Plain(text) => Some(text),
            Self::Text(text) => serde_json::from_str(text).is_ok_and(|value| depth(&value) <= MAX_DEPTH).then_some(text),
            Self::Bytes(_) => None,
        }
    }

    /// What it says, if it is a string.
    pub(super) fn string(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Plain(text) => Some(Cow::Borrowed(&text[1..text.len() - 1])),
            Self::Text(text) => serde_json::from_str(text).ok().map(Cow::Owned),
            Self::Bytes(_) => None,
        }
    }

    /// What it says, if it is a string to be shown. It is read as Latin-1 if it is not UTF-8.
    fn shown(self) -> Option<String> {
        let [b'"', said @ .., _] = self.bytes() else { return None };
        Some(shown(said))
    }

    /// A number of seconds: an integer, a finite float rounded down, or an integer in a string; at
    /// most ten years.
    pub(super) fn seconds(self) -> Option<i64> {
        self.text().and_then(integer).filter(|number| *number <= MAX_NUMBER)
    }

    /// What it is, if it is JSON.
    pub(super) fn value(self) -> Option<Value> {
        serde_json::from_str(self.text()?).ok()
    }
}

impl<'a> Members<'a> {
    /// The members of a text that is one JSON object and nothing else.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let body = Body::Text(text.into());
        let members = Member::all(&body, objects(text.as_bytes()).next()?);
        is_json(text, &members).then_some(Self { body, members })
    }

    /// The members of the object that counts in the body of a response.
    ///
    /// `counting` ranks objects: the first list with a member that any object has decides. The
    /// object must be the only one of its rank. Text around it, bytes that are not UTF-8 and
    /// members that are not JSON do not matter. UTF-16 is read too.
    pub(super) fn find(body: &'a [u8], counting: &[&[&str]]) -> Option<Self> {
        let body = Body::of(body);
        let mut best: Option<(usize, Vec<_>)> = None;
        let mut equals = 0;
        for extents in objects(body.bytes()) {
            let members = Member::all(&body, extents);
            let has = |name: &&str| members.iter().any(|member| member.is(name, &body) && member.value(&body) != NULL);
            let rank = counting.iter().position(|names| names.iter().any(has)).unwrap_or(counting.len());
            match &best {
                Some((better, _)) if *better < rank => {}
                // The same object twice is one.
                Some((equal, there)) if *equal == rank && is_the_same(&body, there, &members) => {}
                Some((equal, _)) if *equal == rank => equals += 1,
                _ => {
                    best = Some((rank, members));
                    equals = 1;
                }
            }
        }
        let (_, members) = best.filter(|_| equals == 1)?;
        Some(Self { members, body })
    }

    /// Each member: its name, and its value.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Written<'_>)> {
        self.members.iter().map(|member| (member.name(&self.body), member.value(&self.body)))
    }

    /// A member, unless it is null, which is the same as absent.
    pub(super) fn get(&self, name: &str) -> Option<Written<'_>> {
        self.members.iter().rfind(|member| member.is(name, &self.body))?.value(&self.body).or_absent()
    }

    /// A member that is a string to be shown.
    pub(super) fn shown(&self, name: &str) -> Option<String> {
        self.get(name)?.shown()
    }
}

/// Whether a text is JSON, if it is read as an object with its members there.
fn is_json(text: &str, members: &[Member]) -> bool {
    let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let has = |at: Range<usize>, expected: &str| text.as_bytes()[at].iter().filter(|byte| !is_blank(byte)).eq(expected.as_bytes());
    let parses = |at: Range<usize>| serde_json::from_str::<IgnoredAny>(&text[at]).is_ok();
    let (mut end, mut before) = (0, "{\"");
    for Member { at: Extent { name, value }, name: decoded, is_plain } in members {
        let is_sound = has(end..name.start, before)
            && (decoded.is_none() || parses(name.start - 1..name.end + 1))
            && has(name.end + 1..value.start, ":")
            && (*is_plain || parses(value.clone()));
        if !is_sound {
            return false;
        }
        (end, before) = (value.end, ",\"");
    }
    has(end..text.len(), if members.is_empty() { "{}" } else { "}" })
}

/// A body that is cut off within an object, with that object closed after its last whole member.
pub(super) fn closed(body: &[u8]) -> Option<Vec<u8>> {
    let body = Body::of(body);
    let body = body.bytes();
    Some([&body[..sound(body)?], b"}"].concat())
}

/// Whether two objects have the same members with the same text.
fn is_the_same(body: &Body<'_>, one: &[Member], other: &[Member]) -> bool {
    let is_same = |(one, other): (&Member, &Member)| one.name(body) == other.name(body) && one.value(body) == other.value(body);
    one.len() == other.len() && one.iter().zip(other).all(is_same)
}

/// Whether a text is the same between the quotes of a JSON string.
pub(super) fn is_plain(text: &str) -> bool {
    is_printable(text) && memchr2(b'"', b'\\', text.as_bytes()).is_none()
}

/// What is between the quotes of a string, to be shown, also if it is not JSON.
fn shown(bytes: &[u8]) -> String {
    let text = str::from_utf8(bytes).map_or_else(|_| bytes.iter().copied().map(char::from).collect(), Cow::Borrowed);
    let one_line = text.replace(|c: char| c.is_ascii_control(), " ");
    serde_json::from_str(&format!("\"{one_line}\"")).unwrap_or(one_line)
}

/// How deep lists and objects are nested. The parser has limited it, so this may recurse.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
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

#[cfg(test)]
mod tests {
    use super::*;

    const COUNTING: &[&[&str]] = &[&["n"], &["text"]];

    fn find(body: &[u8]) -> Option<Members<'_>> {
        Members::find(body, COUNTING)
    }

    /// What the member is as a number, if it is there.
    fn seconds(json: &str) -> Option<Option<i64>> {
        find(json.as_bytes()).unwrap().get("n").map(Written::seconds)
    }

    #[test]
    fn numbers_are_integers_floats_or_strings() {
        assert_eq!(seconds(r#"{"n":300}"#), Some(Some(300)));
        assert_eq!(seconds(r#"{"n":299.9}"#), Some(Some(299)));
        assert_eq!(seconds(r#"{"n":-0.5}"#), Some(Some(-1)));
        assert_eq!(seconds(r#"{"n":"300"}"#), Some(Some(300)));
        assert_eq!(seconds(r#"{"n":"-1"}"#), Some(Some(-1)));
        assert_eq!(seconds(r#"{"n":315360000}"#), Some(Some(MAX_NUMBER)));
    }

    #[test]
    fn other_numbers_count_as_unusable_and_null_as_absent() {
        for odd in [
            "315360001",
            "1e400",
            "-1e400",
            "NaN",
            "",
            "true",
            "[]",
            "{}",
            "\" 300\"",
            "\"+3\"",
            "\"3.5\"",
            "\"\"",
            "\"12345678901234567890\"",
        ] {
            assert_eq!(seconds(&format!(r#"{{"n":{odd}}}"#)), Some(None), "{odd}");
        }
        assert_eq!(seconds("{}"), None);
        assert_eq!(seconds(r#"{"n":null}"#), None);
    }

    #[test]
    fn the_last_of_two_members_of_one_name_counts() {
        assert_eq!(seconds(r#"{"n":1,"n":2}"#), Some(Some(2)));
        assert_eq!(seconds(r#"{"n":1,"\u006e":2}"#), Some(Some(2)));
    }

    #[test]
    fn a_text_of_ours_is_one_complete_object_and_nothing_else() {
        // A character of each kind, where it may be and where it may not.
        for part in ["", " ", "\t\r\n", "x", ",", ":", "{", "}", "\"", "\\", "\u{b}", "\u{1}", "\u{a0}", "\u{feff}", "[]", "1", "null"] {
            for json in [
                format!("{part}{{\"a\":1}}"),
                format!("{{{part}\"a\":1}}"),
                format!("{{\"a{part}\":1}}"),
                format!("{{\"a\"{part}:1}}"),
                format!("{{\"a\":{part}1}}"),
                format!("{{\"a\":1{part}}}"),
                format!("{{\"a\":{part}}}"),
                format!("{{\"a\":\"{part}\",\"b\":\"x\"}}"),
                format!("{{\"a\":\"x\"{part},\"b\":1}}"),
                format!("{{\"a\":\"x\",{part}\"b\":1}}"),
                format!("{{\"a\":1}}{part}"),
                format!("{{{part}}}"),
                format!("{{\"a\":[{part}]}}"),
                part.to_owned(),
            ] {
                let is_object = serde_json::from_str::<IgnoredAny>(&json).is_ok() && json.trim_start().starts_with('{');
                assert_eq!(Members::parse(&json).is_some(), is_object, "{json}");
            }
        }
    }

    #[test]
    fn what_is_around_the_object_that_counts_does_not_matter() {
        for body in [
            r#"{"n":1}"#,
            "\u{feff}{\"n\":1}",
            "<br />\n<b>Warning</b>: {$x} in line 3<br />\n{\"n\":1}",
            "{\"n\":1}\0\0",
            r#"{"n":1}<!-- {"served": "by a cache"} -->"#,
            r#"callback({"n":1});"#,
            r#"{"n":null}{"n":1}"#,
            r#"{"n":1}{}"#,
            r#"{"n":1} {"n":1}"#,
            r#"{"text":"a"}{"n":1}{"text":"b"}"#,
        ] {
            assert_eq!(seconds(body), Some(Some(1)), "{body}");
        }
        assert_eq!(find(b"\xFF{\"n\":1}\xFF").unwrap().get("n").map(Written::seconds), Some(Some(1)));
        for body in [
            "",
            "[]",
            "null",
            r#""n""#,
            r#"{"n":1}{"n":2}"#,
            r#"{"n":1}{"n":1,"text":"b"}"#,
            r#"{"text":"a"}{"text":"b"}"#,
            r#"{"n":1"#,
            r#"{"a":{"n":1}"#,
        ] {
            assert!(find(body.as_bytes()).is_none(), "{body}");
        }
        assert_eq!(seconds(r#"{"a":{"n":1}}"#), None);
    }

    #[test]
    fn utf_16_is_read_with_and_without_its_mark() {
        for (mark, big) in [("\u{feff}", true), ("", true), ("\u{feff}", false), ("", false)] {
            let units = format!("{mark}{{\"n\":1,\"text\":\"ü\"}}").encode_utf16().collect::<Vec<_>>();
            let bytes: Vec<u8> = units.into_iter().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect();
            let members = find(&bytes).unwrap();
            assert_eq!(
                (members.get("n").map(Written::seconds), members.get("text").unwrap().string().as_deref()),
                (Some(Some(1)), Some("ü")),
                "{mark:?} {big}"
            );
        }
    }

    #[test]
    fn a_broken_member_spoils_no_other() {
        for broken in [&br#""\ud800""#[..], b"1e999", b"\"\xFC\"", b"\"a\nb\"", b"NaN", b"", br#""\x""#, br#"[{"a":1}, -Infinity]"#] {
            let body = [br#"{"broken":"#, broken, br#","n":1,"good":2}"#].concat();
            let members = find(&body).unwrap();
            assert_eq!((members.get("broken").and_then(Written::string), members.get("n").map(Written::seconds)), (None, Some(Some(1))));
            assert_eq!(members.iter().map(|(_, value)| value.kept()).collect::<Vec<_>>(), [None, Some("1"), Some("2")]);
        }
        let deep = format!(r#"{{"deep":{}{},"n":1}}"#, "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(
            (seconds(&deep), find(deep.as_bytes()).unwrap().iter().map(|(_, value)| value.kept()).next()),
            (Some(Some(1)), Some(None))
        );
    }

    #[test]
    fn a_text_to_show_is_read_with_any_content() {
        let shown = |body: &[u8]| find(body).unwrap().shown("text");
        assert_eq!(shown(br#"{"text":"a\u00e4"}"#).as_deref(), Some("aä"));
        assert_eq!(shown(b"{\"text\":\"ung\xFCltig\"}").as_deref(), Some("ungültig"));
        assert_eq!(shown(b"{\"text\":\"one\ntwo\"}").as_deref(), Some("one two"));
        assert_eq!(shown(br#"{"text":"\x"}"#).as_deref(), Some("\\x"));
        assert_eq!((shown(br#"{"text":1}"#), shown(b"{}")), (None, None));
    }

    #[test]
    fn numbers_at_the_edge_of_what_is_read() {
        assert_eq!(seconds(r#"{"n":"-9223372036854775808"}"#), Some(Some(i64::MIN)));
        assert_eq!(seconds(r#"{"n":-9223372036854775808}"#), Some(Some(i64::MIN)));
        assert_eq!(seconds(r#"{"n":-9.9e17}"#), Some(Some(-990_000_000_000_000_000)));
        assert_eq!(seconds(r#"{"n":-1e18}"#), Some(None));
        assert_eq!(seconds(r#"{"n":-1}"#), Some(Some(-1)));
        assert_eq!(seconds(r#"{"n":"1234567890123456789"}"#), Some(None));
        assert_eq!(seconds(r#"{"n":"-"}"#), Some(None));
        assert_eq!(seconds(r#"{"n":"--1"}"#), Some(None));
    }

    #[test]
    fn what_is_read_is_a_text_or_nothing() {
        let members = find(br#"{"text":"a\u00e4","number":1,"null":null}"#).unwrap();
        let string = |name| members.get(name).and_then(Written::string);
        assert_eq!(string("text").as_deref(), Some("aä"));
        assert_eq!((string("number"), string("null"), string("absent")), (None, None, None));
        assert_eq!(["number", "null", "absent"].map(|name| members.get(name).is_some()), [true, false, false]);
        assert_eq!(members.get("number").unwrap().value(), Some(Value::from(1)));
        let written: Vec<_> = members.iter().map(|(name, value)| (name, value.kept().unwrap())).collect();
        assert_eq!(written, [("text", r#""a\u00e4""#), ("number", "1"), ("null", "null")]);
    }
}
