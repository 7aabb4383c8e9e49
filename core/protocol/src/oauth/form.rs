//! `application/x-www-form-urlencoded`, both ways. The `url` crate writes; reading is our own,
//! because the crate would silently repair what must be refused.

use url::form_urlencoded::Serializer;

use crate::crypto::unhex_digit;

/// A form or query of these pairs, in this order.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    Serializer::new(String::with_capacity(512)).extend_pairs(pairs).finish()
}

/// A URL with these pairs in its query, behind those that it has.
pub(crate) fn with_query<'a>(url: &str, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = String::with_capacity(url.len() + 512);
    text.push_str(url);
    text.push(if url.contains('?') { '&' } else { '?' });
    let begin = text.len();
    Serializer::for_suffix(text, begin).extend_pairs(pairs).finish()
}

/// One value as it is written in a form: RFC 6749, section 2.3.1, requires it of both halves of a
/// Basic header.
pub(super) fn encode_value(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// The names of a query, and their values as they are written: a value that is not used may be
/// anything. Both are without what copying adds around them.
pub fn pairs(query: &str) -> impl Iterator<Item = (String, &str)> {
    let pairs = query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    pairs.map(|(name, value)| (decode_to_show(trimmed(name)), trimmed(value)))
}

/// A text without what copying adds around it. A form has none of these characters unencoded.
pub fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c.is_control() || matches!(c, '\u{200b}' | '\u{feff}'))
}

/// A value, decoded. Nothing if an escape is broken or the result is not UTF-8.
pub fn decode(value: &str) -> Option<String> {
    let decoded = bytes(value).collect::<Option<_>>()?;
    String::from_utf8(decoded).ok()
}

/// A value, decoded to be shown: a broken escape stays as it is, and what is not UTF-8 is read as
/// Latin-1.
pub(super) fn decode_to_show(value: &str) -> String {
    let percent = |byte: Option<u8>| byte.unwrap_or(b'%');
    String::from_utf8(bytes(value).map(percent).collect()).unwrap_or_else(|bytes| bytes.into_bytes().into_iter().map(char::from).collect())
}

/// The bytes of a value, with `None` for the `%` of a broken escape.
fn bytes(value: &str) -> impl Iterator<Item = Option<u8>> {
    let mut rest = value.bytes();
    std::iter::from_fn(move || {
        Some(match rest.next()? {
            b'+' => Some(b' '),
            b'%' => {
                let mut ahead = rest.clone();
                let escaped = (|| Some(unhex_digit(ahead.next()?)? << 4 | unhex_digit(ahead.next()?)?))();
                if escaped.is_some() {
                    rest = ahead;
                }
                escaped
            }
            other => Some(other),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_is_a_space_and_escapes_are_bytes() {
        let read: Vec<_> = pairs("a=b+c&%C3%A4=%2B&empty&&d= e \u{200b}").map(|(name, value)| (name, decode(value).unwrap())).collect();
        let expected = [("a", "b c"), ("ä", "+"), ("empty", ""), ("", ""), ("d", "e")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn broken_escapes_and_broken_utf8_are_refused_and_can_be_shown() {
        for (bad, shown) in
            [("%", "%"), ("%1", "%1"), ("%zz", "%zz"), ("100%&", "100%&"), ("%%41", "%A"), ("f%FCr", "für"), ("%C3%28", "\u{c3}(")]
        {
            assert_eq!((decode(bad), decode_to_show(bad).as_str()), (None, shown), "{bad}");
        }
        assert_eq!(decode_to_show("f%C3%BCr+alle"), "für alle");
    }

    #[test]
    fn a_client_id_with_a_colon_is_escaped_for_basic() {
        assert_eq!(encode_value("1-0-a:third-party"), "1-0-a%3Athird-party");
        assert_eq!(encode_value("€ +%"), "%E2%82%AC+%2B%25");
    }

    #[test]
    fn every_byte_has_its_escape() {
        let escapes: String = (0..=0x7F_u8).map(|byte| format!("%{byte:02x}")).collect();
        let plain: String = (0..=0x7F_u8).map(char::from).collect();
        assert_eq!(decode(&escapes), Some(plain));
    }
}
