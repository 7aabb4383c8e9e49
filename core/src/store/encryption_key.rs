//! A key for encrypting entries.

use std::fmt;

use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use protocol::crypto::{sha256, unhex};
use protocol::error::{Error, Result};
use zeroize::Zeroizing;

/// A key of 256 bits that encrypts the entries of a store. `Debug` does not show it, and its memory
/// is wiped on drop.
///
/// Create one with `openssl rand -base64 32`, and keep it apart from the store: a key beside the
/// store protects nothing.
///
/// ```
/// use sipgate_oauth2::EncryptionKey;
///
/// let key = EncryptionKey::parse("qkFQV6LIHCQMOm6MTHVoTu1u32GeYDmWMMn+rJpGhuo=")?;
/// assert_eq!(format!("{key:?}"), "EncryptionKey([redacted])");
/// # Ok::<(), sipgate_oauth2::Error>(())
/// ```
#[derive(Clone)]
pub struct EncryptionKey(Zeroizing<[u8; 32]>);

/// The length of the id that identifies a key in the stored data and reveals nothing about it.
pub(super) const ID_LENGTH: usize = 8;

impl EncryptionKey {
    /// A key of these bytes, which must be random and not a password.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads a key of 32 bytes as base64, base64url (RFC 4648, with or without padding) or
    /// hexadecimal text.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::ErrorCode::InvalidArgument) if the text is none of these.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        let bytes = unhex(text).or_else(|| base64(text));
        bytes.map(Self).ok_or_else(|| {
            Error::invalid_argument(
                "encryption_keys",
                "a key is 32 random bytes as base64 or hexadecimal text; make one with `openssl rand -base64 32`",
            )
        })
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    pub(super) fn id(&self) -> [u8; ID_LENGTH] {
        let digest = sha256([&b"sipgate-oauth2 encryption key id\0"[..], &self.0[..]]);
        let mut id = [0; ID_LENGTH];
        id.copy_from_slice(&digest[..ID_LENGTH]);
        id
    }
}

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EncryptionKey([redacted])")
    }
}

fn base64(text: &str) -> Option<Zeroizing<[u8; 32]>> {
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [STANDARD, URL_SAFE].into_iter().find_map(|alphabet| {
        let decoded = Zeroizing::new(GeneralPurpose::new(&alphabet, config).decode(text).ok()?);
        let mut key = Zeroizing::new([0; 32]);
        (decoded.len() == key.len()).then(|| key.copy_from_slice(&decoded))?;
        Some(key)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::error::ErrorCode;

    const BYTES: [u8; 32] = {
        let mut bytes = [0xFB; 32];
        bytes[0] = 0x00;
        bytes[31] = 0xFF;
        bytes
    };

    #[test]
    fn all_encodings_of_a_key_give_the_same_bytes() {
        let hexadecimal = format!("00{}ff", "fb".repeat(30));
        for text in [
            hexadecimal.clone(),
            hexadecimal.to_uppercase(),
            base64::engine::general_purpose::STANDARD.encode(BYTES),
            base64::engine::general_purpose::STANDARD_NO_PAD.encode(BYTES),
            base64::engine::general_purpose::URL_SAFE.encode(BYTES),
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(BYTES),
            format!(" {hexadecimal}\n"),
        ] {
            assert_eq!(EncryptionKey::parse(&text).unwrap().bytes(), &BYTES, "{text}");
        }
    }

    #[test]
    fn an_invalid_key_is_refused_and_not_part_of_the_error() {
        for text in ["", "password", &"fb".repeat(31), &"fb".repeat(33), &"zz".repeat(32), &"A".repeat(42), &"+_".repeat(21)] {
            let error = EncryptionKey::parse(text).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidArgument, "{text}");
            assert!(error.to_string().starts_with("encryption_keys: "), "{error}");
            assert!(text.len() < 10 || !error.to_string().contains(text), "{error}");
        }
    }

    #[test]
    fn debug_does_not_show_the_key_and_ids_differ() {
        assert_eq!(format!("{:?}", EncryptionKey::from_bytes(BYTES)), "EncryptionKey([redacted])");
        assert_ne!(EncryptionKey::from_bytes(BYTES).id(), EncryptionKey::from_bytes([1; 32]).id());
    }

    #[test]
    fn the_id_of_a_key_is_part_of_the_format() {
        let id = EncryptionKey::from_bytes([0; 32]).id();
        assert_eq!(protocol::crypto::hex(&id), "f39d6dd2e7b6bbec");
    }
}
