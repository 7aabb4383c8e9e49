//! What the URLs of all databases have in common.

use std::fmt;

use protocol::error::{Error, Result};

use super::address::Address;

/// An error that never contains the URL.
pub(crate) fn invalid(problem: impl fmt::Display) -> Error {
    Error::invalid_argument("url", problem)
}

/// The text without its percent-encoding.
pub(crate) fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || rest.next().and_then(|digit| char::from(digit).to_digit(16)).and_then(|digit| u8::try_from(digit).ok());
        let (Some(high), Some(low)) = (digit(), digit()) else {
            return Err(invalid("has a % without two hexadecimal digits; write % as %25"));
        };
        bytes.push(high << 4 | low);
    }
    String::from_utf8(bytes).map_err(|_| invalid("has percent-encoded bytes that are not UTF-8; encode the text as UTF-8"))
}

/// The host without its brackets, and the port, which is empty if there is none.
pub(crate) fn split_port(text: &str) -> Result<(&str, &str)> {
    match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => Ok((host, "")),
        Some((host, port)) => {
            let port = port.strip_prefix(':').ok_or_else(|| invalid("has something between ] and the port; remove it"))?;
            Ok((host, port))
        }
        None => Ok(text.split_once(':').unwrap_or((text, ""))),
    }
}

pub(crate) fn port(text: &str) -> Result<u16> {
    let port = text.parse().ok().filter(|port| *port > 0);
    port.ok_or_else(|| invalid("has a port that is not a number up to 65535; correct it"))
}

/// The address of a host that a URL names.
pub(crate) fn tcp(host: String, port: u16) -> Result<Address> {
    if is_host(&host) {
        Ok(Address::Tcp { host, port })
    } else {
        Err(invalid("has no host, or one with characters that a host cannot have; correct it"))
    }
}

/// Whether the text can be a name or an IP address, which errors may show.
pub(crate) fn is_host(text: &str) -> bool {
    (1..=255).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_two_hexadecimal_digits_of_utf_8() {
        for (text, expected) in [("", ""), ("a", "a"), ("%2fA%2F%c3%A4ä", "/A/ää"), ("%2541", "%41")] {
            assert_eq!(decoded(text).unwrap(), expected);
        }
        for bad in ["%", "%4", "%+1", "%zz", "a%ä", "%ff"] {
            assert!(decoded(bad).unwrap_err().to_string().starts_with("url: has"), "{bad}");
        }
    }

    #[test]
    fn a_port_follows_the_host_or_its_brackets() {
        for (text, expected) in
            [("h", ("h", "")), ("h:1", ("h", "1")), ("h:", ("h", "")), ("[::1]", ("::1", "")), ("[::1]:5", ("::1", "5")), ("", ("", ""))]
        {
            assert_eq!(split_port(text).unwrap(), expected);
        }
        assert!(split_port("[::1]5").unwrap_err().to_string().contains("port"));
    }

    #[test]
    fn a_port_is_a_number_up_to_65535() {
        assert_eq!((port("1").unwrap(), port("65535").unwrap()), (1, 65535));
        for bad in ["", "0", "65536", "-1", "x"] {
            assert!(port(bad).is_err(), "{bad}");
        }
    }
}
