//! Authorization requests as text that its holder can neither read nor change.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::authorization_request::{AuthorizationRequest, MAX_EXPORT, expired};
use crate::encryption::{Cipher, EncryptionKey, NONCE_LENGTH};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// What the text is for. With the same key, what a store encrypts is something else.
const PURPOSE: &str = "sealed authorization request";

impl AuthorizationRequest {
    /// The request as one text for a cookie, encrypted (AES-256-GCM) with the first of the keys:
    /// its holder can neither read nor change it. It is the same in all languages, and 37 or 38
    /// characters longer than [`export`](Self::export): about 900, and four for every three of
    /// `return_to`. Browsers drop a cookie of more than 4096.
    ///
    /// ```
    /// use sipgate_oauth2::{AuthorizationRequest, ClientBuilder, EncryptionKey};
    ///
    /// let keys = EncryptionKey::parse_all("qkFQV6LIHCQMOm6MTHVoTu1u32GeYDmWMMn+rJpGhuo=")?;
    /// let client = ClientBuilder::sipgate("1-0-a:third-party").redirect_uri("https://example.com/auth").build()?;
    /// let request = client.authorization_request("balance:read")?;
    ///
    /// let cookie = request.seal(&keys)?;
    /// let restored = AuthorizationRequest::unseal(cookie.reveal(), &keys)?;
    /// assert_eq!(restored.state(), request.state());
    /// # Ok::<(), sipgate_oauth2::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](crate::error::ErrorCode::InvalidArgument) if there is no key.
    pub fn seal(&self, encryption_keys: &[EncryptionKey]) -> Result<Secret> {
        let key = encryption_keys.first().ok_or_else(no_key)?;
        let json = self.to_json();
        let encrypted = cipher(key)?.encrypt(nonce(key, &json), &[], &json)?;
        Ok(Secret::from(URL_SAFE_NO_PAD.encode(encrypted)))
    }

    /// The request that [`seal`](Self::seal) gave as text, with any of the keys.
    ///
    /// # Errors
    ///
    /// - [`LoginExpired`](crate::error::ErrorCode::LoginExpired) if the text was not sealed with
    ///   one of the keys, or was cut or changed: the user logs in again.
    /// - [`InvalidArgument`](crate::error::ErrorCode::InvalidArgument) if there is no key.
    pub fn unseal(sealed: &str, encryption_keys: &[EncryptionKey]) -> Result<Self> {
        if encryption_keys.is_empty() {
            return Err(no_key());
        }
        let sealed = sealed.trim();
        let encrypted = if sealed.len() > MAX_EXPORT { None } else { URL_SAFE_NO_PAD.decode(sealed).ok() };
        for key in encryption_keys {
            if let Some(json) = encrypted.as_deref().and_then(|encrypted| cipher(key).ok()?.decrypt(&[], encrypted)) {
                return Self::from_json(&json);
            }
        }
        Err(expired("is not what seal() gave with one of encryption_keys: the cookie was lost, cut or changed, or its key was removed"))
    }
}

fn cipher(key: &EncryptionKey) -> Result<Cipher> {
    Cipher::new(&key.derived(PURPOSE))
}

/// Two requests never have the same nonce, and nobody can tell anything from it without the key.
fn nonce(key: &EncryptionKey, json: &[u8]) -> [u8; NONCE_LENGTH] {
    let mut nonce = [0; NONCE_LENGTH];
    nonce.copy_from_slice(&key.keyed_digest("nonce of a sealed authorization request", json)[..NONCE_LENGTH]);
    nonce
}

fn no_key() -> Error {
    Error::invalid_argument("encryption_keys", "has no key; give one, made with `openssl rand -base64 32`")
}

#[cfg(test)]
mod tests {
    use super::super::authorization_parameters::AuthorizationParameters;
    use super::super::authorization_request::tests::request;
    use super::*;
    use crate::error::{ErrorCode, Remedy};

    fn keys(bytes: &[u8]) -> Vec<EncryptionKey> {
        bytes.iter().map(|byte| EncryptionKey::from_bytes([*byte; 32])).collect()
    }

    fn sealed() -> (AuthorizationRequest, String) {
        let request = request(AuthorizationParameters::new("a").return_to("/inbox")).unwrap();
        let sealed = request.seal(&keys(&[1])).unwrap().reveal().to_owned();
        (request, sealed)
    }

    fn refusal(sealed: &str, with: &[u8]) -> (ErrorCode, Remedy) {
        let error = AuthorizationRequest::unseal(sealed, &keys(with)).unwrap_err();
        (error.code(), error.remedy())
    }

    const EXPIRED: (ErrorCode, Remedy) = (ErrorCode::LoginExpired, Remedy::LogInAgain);

    #[test]
    fn a_sealed_request_unseals_to_the_same() {
        let (request, sealed) = sealed();
        for with in [&[1][..], &[2, 1], &[1, 2]] {
            let unsealed = AuthorizationRequest::unseal(&format!(" {sealed}\n"), &keys(with)).unwrap();
            assert_eq!(unsealed.export(), request.export());
        }
    }

    #[test]
    fn only_the_first_key_seals() {
        let (request, sealed) = sealed();
        assert_eq!(request.seal(&keys(&[1, 2])).unwrap().reveal(), sealed);
        assert_ne!(request.seal(&keys(&[2, 1])).unwrap().reveal(), sealed);
    }

    #[test]
    fn a_sealed_request_is_little_longer_than_its_export_and_shows_nothing_of_it() {
        let (request, sealed) = sealed();
        let longer = sealed.len() - request.export().reveal().len();
        assert!((37..=38).contains(&longer), "{longer}");
        let read = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        assert!(!String::from_utf8_lossy(&read).contains("state"));
    }

    #[test]
    fn two_requests_share_no_nonce_and_the_same_request_is_sealed_to_the_same_text() {
        let first = request("a").unwrap().seal(&keys(&[1])).unwrap();
        let second = request("b").unwrap().seal(&keys(&[1])).unwrap();
        assert_ne!(first.reveal()[..16], second.reveal()[..16]);
        assert_eq!(request("a").unwrap().seal(&keys(&[1])).unwrap(), first);
    }

    #[test]
    fn every_changed_bit_and_every_cut_is_expired() {
        let (_, sealed) = sealed();
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 1;
            assert_eq!(refusal(&URL_SAFE_NO_PAD.encode(changed), &[1]), EXPIRED, "{index}");
        }
        for length in 0..sealed.len() {
            assert_eq!(refusal(&sealed[..length], &[1]), EXPIRED, "{length}");
        }
    }

    #[test]
    fn other_keys_exports_and_rubbish_are_expired() {
        let (request, sealed) = sealed();
        assert_eq!(refusal(&sealed, &[2, 3]), EXPIRED);
        for bad in [request.export().reveal(), "", "ä", &"A".repeat(100_000)] {
            assert_eq!(refusal(bad, &[1]), EXPIRED);
        }
        assert_eq!(AuthorizationRequest::restore(&sealed).unwrap_err().code(), ErrorCode::LoginExpired);
    }

    #[test]
    fn what_was_encrypted_for_another_purpose_is_expired() {
        let (request, _) = sealed();
        let encrypted = Cipher::new(&keys(&[1])[0]).unwrap().encrypt([0; NONCE_LENGTH], &[], &request.to_json()).unwrap();
        assert_eq!(refusal(&URL_SAFE_NO_PAD.encode(encrypted), &[1]), EXPIRED);
    }

    #[test]
    fn without_a_key_it_is_the_programs_mistake() {
        let (request, sealed) = sealed();
        assert_eq!(refusal(&sealed, &[]).0, ErrorCode::InvalidArgument);
        assert_eq!(request.seal(&[]).unwrap_err().code(), ErrorCode::InvalidArgument);
    }
}
