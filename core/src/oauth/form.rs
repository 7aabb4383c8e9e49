//! `application/x-www-form-urlencoded`, both ways. Writing is the `url` crate's; reading is our own, because it must refuse what the
//! crate would silently repair.

use url::form_urlencoded::Serializer;

/// A form or query of these pairs, in this order.
pub(crate) fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    Serializer::new(String::with_capacity(512)).extend_pairs(pairs).finish()
}

/// One value as a form would hold it: what RFC 6749, section 2.3.1, wants of the halves of a Basic header.
pub(crate) fn encode_value(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// The pairs of a query. `None` for a broken escape or what is not UTF-8 after decoding.
pub(crate) fn decode(query: &str) -> Option<Vec<(String, String)>> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| Some((decode_value(name)?, decode_value(value)?)))
        .collect()
}

fn decode_value(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plus_is_a_space_and_escapes_are_bytes() {
        assert_eq!(
            decode("a=b+c&%C3%A4=%2B&empty"),
            Some(vec![("a".into(), "b c".into()), ("ä".into(), "+".into()), ("empty".into(), String::new())])
        );
    }

    #[test]
    fn broken_escapes_and_broken_utf8_are_refused() {
        for bad in ["a=%", "a=%1", "a=%zz", "a=%ff", "%c3=1", "a=%C3%28"] {
            assert_eq!(decode(bad), None, "{bad}");
        }
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
        assert_eq!(decode(&format!("a={escapes}")), Some(vec![("a".into(), plain)]));
    }
}
