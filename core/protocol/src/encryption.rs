//! Encryption with the application's own keys (AES-256-GCM): of a store's entries, and of
//! authorization requests.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::alphabet::{STANDARD, URL_SAFE};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::crypto::{sha256, unhex};
use crate::error::{Error, ErrorCode, Result};

/// A key of 256 bits that encrypts the entries of a store, or authorization requests. `Debug` does
/// not show it, and its memory is wiped on drop.
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
pub const KEY_ID_LENGTH: usize = 8;

/// The length of a nonce. It is in front of what is encrypted.
pub const NONCE_LENGTH: usize = NONCE_LEN;

/// Encrypts with one key, and decrypts what it encrypted.
pub struct Cipher {
    key_id: [u8; KEY_ID_LENGTH],
    key: LessSafeKey,
}

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
    /// [`InvalidArgument`](crate::error::ErrorCode::InvalidArgument) if the text is none of these.
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

    /// Reads any number of keys, separated by commas or white space, each as [`parse`](Self::parse)
    /// does.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::error::ErrorCode::InvalidArgument) if one of them is no key.
    pub fn parse_all(text: &str) -> Result<Vec<Self>> {
        text.split([',', ' ', '\t', '\r', '\n']).filter(|key| !key.is_empty()).map(Self::parse).collect()
    }

    /// Another key, for this purpose only: what is encrypted with it says nothing about what is
    /// encrypted with the key itself.
    pub(crate) fn derived(&self, purpose: &str) -> Self {
        Self::from_bytes(self.keyed_digest(purpose, &[]))
    }

    /// A digest that nobody can compute without the key.
    pub(crate) fn keyed_digest(&self, purpose: &str, data: &[u8]) -> [u8; 32] {
        sha256([&b"sipgate-oauth2 "[..], purpose.as_bytes(), b"\0", &self.0[..], data])
    }

    fn id(&self) -> [u8; KEY_ID_LENGTH] {
        let mut id = [0; KEY_ID_LENGTH];
        id.copy_from_slice(&self.keyed_digest("encryption key id", &[])[..KEY_ID_LENGTH]);
        id
    }
}

impl Cipher {
    /// # Errors
    ///
    /// [`ErrorCode::Internal`] if the crypto library fails.
    pub fn new(key: &EncryptionKey) -> Result<Self> {
        let unbound = UnboundKey::new(&AES_256_GCM, &key.0[..]).map_err(|_| crypto_failed())?;
        Ok(Self { key_id: key.id(), key: LessSafeKey::new(unbound) })
    }

    /// What identifies the key.
    pub fn key_id(&self) -> &[u8; KEY_ID_LENGTH] {
        &self.key_id
    }

    /// The nonce, the encrypted data and their tag. A nonce must never be used for two different
    /// texts. What the data are bound to must be the same when they are decrypted.
    ///
    /// # Errors
    ///
    /// [`ErrorCode::Internal`] if the crypto library fails.
    pub fn encrypt(&self, nonce: [u8; NONCE_LENGTH], bound_to: &[u8], data: &[u8]) -> Result<Vec<u8>> {
        let mut encrypted = data.to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(bound_to), &mut encrypted)
            .map_err(|_| crypto_failed())?;
        Ok([&nonce[..], &encrypted].concat())
    }

    /// What was encrypted; `None` if that was with another key, was bound to something else, or was
    /// changed since.
    pub fn decrypt(&self, bound_to: &[u8], encrypted: &[u8]) -> Option<Vec<u8>> {
        let (nonce, encrypted) = encrypted.split_first_chunk::<NONCE_LENGTH>()?;
        let mut data = encrypted.to_vec();
        let length = self.key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(bound_to), &mut data).ok()?.len();
        data.truncate(length);
        Some(data)
    }
}

fn crypto_failed() -> Error {
    Error::new(ErrorCode::Internal, "the crypto library failed to encrypt; nothing was stored, try again")
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
            assert_eq!(*EncryptionKey::parse(&text).unwrap().0, BYTES, "{text}");
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
        assert_eq!(crate::crypto::hex(&id), "f39d6dd2e7b6bbec");
    }

    #[test]
    fn keys_are_separated_by_commas_or_white_space() {
        let (one, two) = ("00".repeat(32), "ff".repeat(32));
        let ids = |text: &str| EncryptionKey::parse_all(text).map(|keys| keys.iter().map(EncryptionKey::id).collect::<Vec<_>>());
        assert_eq!(ids(&format!(" {one},\n{two},")).unwrap(), [[0; 32], [0xFF; 32]].map(|bytes| EncryptionKey::from_bytes(bytes).id()));
        assert_eq!(ids(" , ").unwrap(), [[0; KEY_ID_LENGTH]; 0]);
        assert!(ids(&format!("{one}{two}")).is_err());
    }

    #[test]
    fn a_derived_key_opens_nothing_of_the_key_itself() {
        let key = EncryptionKey::from_bytes([1; 32]);
        let encrypted = Cipher::new(&key).unwrap().encrypt([0; NONCE_LENGTH], b"", b"data").unwrap();
        assert_eq!(Cipher::new(&key).unwrap().decrypt(b"", &encrypted), Some(b"data".to_vec()));
        for other in [key.derived("one"), key.derived("other")] {
            assert_eq!(Cipher::new(&other).unwrap().decrypt(b"", &encrypted), None);
        }
        assert_ne!(key.derived("one").id(), key.derived("other").id());
    }
}
