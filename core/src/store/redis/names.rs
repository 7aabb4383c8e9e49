//! The names of keys.

use protocol::error::{Error, Result};

use crate::store::token_store::StoreKey;

const PREFIX: &str = "sipgate-oauth2:";
const LONGEST_PREFIX: usize = 200;

/// How the keys of a store are named: each starts with the prefix.
pub(super) struct Names {
    prefix: String,
}

impl Names {
    pub(super) fn new(prefix: Option<&str>) -> Result<Self> {
        let prefix = prefix.unwrap_or(PREFIX);
        if prefix.is_empty() || prefix.len() > LONGEST_PREFIX || prefix.chars().any(|char| char.is_control() || char == ' ') {
            return Err(Error::invalid_argument("prefix", "must have 1 to 200 characters, without blanks"));
        }
        if prefix.contains(['{', '}']) {
            return Err(Error::invalid_argument("prefix", "has braces, which would put all logins on one node of a cluster; omit them"));
        }
        Ok(Self { prefix: prefix.to_owned() })
    }

    pub(super) fn entry(&self, key: &StoreKey) -> String {
        format!("{}{}", self.prefix, key.as_str())
    }

    /// The key of an entry with this name. The store has other names, and others may use the
    /// prefix, too.
    pub(super) fn key(&self, name: &[u8]) -> Option<StoreKey> {
        let name = str::from_utf8(name).ok()?;
        StoreKey::parse(name.strip_prefix(&self.prefix)?).ok()
    }

    /// Holds the random id of the store.
    pub(super) fn marker(&self) -> String {
        format!("{}store", self.prefix)
    }

    /// A key that a check writes.
    pub(super) fn scratch(&self, random: &str) -> String {
        format!("{}check:{random}", self.prefix)
    }

    /// What `SCAN` and an ACL take for names that start with the prefix.
    pub(super) fn pattern(&self) -> String {
        let mut pattern = String::new();
        for char in self.prefix.chars() {
            if matches!(char, '*' | '?' | '[' | ']' | '^' | '\\') {
                pattern.push('\\');
            }
            pattern.push(char);
        }
        pattern + "*"
    }
}

/// The slot of a cluster that this name belongs to: CRC-16 (XMODEM) modulo 16,384.
pub(super) fn slot(name: &str) -> u16 {
    let mut crc = 0_u16;
    for byte in name.bytes() {
        crc ^= u16::from(byte) << 8;
        for _ in 0..8 {
            crc = if crc & 0x8000 == 0 { crc << 1 } else { crc << 1 ^ 0x1021 };
        }
    }
    crc % 16384
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::key;

    #[test]
    fn the_name_of_an_entry_leads_back_to_its_key() {
        let names = Names::new(None).unwrap();
        let name = names.entry(&key(7));
        assert_eq!(name, format!("sipgate-oauth2:{}", "07".repeat(32)));
        assert_eq!(names.key(name.as_bytes()), Some(key(7)));
        for other in [names.marker(), names.scratch("x"), key(7).as_str().to_owned(), format!("{name}0"), String::new()] {
            assert_eq!(names.key(other.as_bytes()), None, "{other}");
        }
        assert_eq!(names.key(b"\xff"), None);
    }

    #[test]
    fn a_prefix_is_matched_as_it_is() {
        assert_eq!(Names::new(None).unwrap().pattern(), "sipgate-oauth2:*");
        assert_eq!(Names::new(Some(r"a*b?[c]\")).unwrap().pattern(), r"a\*b\?\[c\]\\*");
    }

    #[test]
    fn a_prefix_that_cannot_work_is_refused() {
        for bad in ["", " ", "a b", "a\n", "{app}:", &"x".repeat(201)] {
            assert!(Names::new(Some(bad)).is_err_and(|error| error.to_string().starts_with("prefix: ")), "{bad}");
        }
    }

    /// The first is the check value of the algorithm, the others are those of `CLUSTER KEYSLOT`.
    #[test]
    fn a_name_has_the_slot_that_redis_gives_it() {
        for (name, expected) in [("123456789", 12739), ("foo", 12182), ("", 0)] {
            assert_eq!(slot(name), expected, "{name}");
        }
    }
}
