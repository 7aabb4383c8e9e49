//! Encrypts the data of entries in any store, with AES-256-GCM.

use std::sync::Arc;

use protocol::crypto::hex;
use protocol::encryption::{Cipher, EncryptionKey, KEY_ID_LENGTH, NONCE_LENGTH};
use protocol::error::{Error, ErrorCode, Remedy, Result};

use super::token_store::{BoxError, StoreEntry, StoreKey, StoreLock, SwapOutcome, TokenStore};
use crate::sys::random::{Random as _, SystemRandomness};

/// The start of encrypted data. It is not valid UTF-8, so no plaintext entry starts with it. The
/// last byte is the format.
const MARK: [u8; 5] = *b"\x89SGE\x01";

/// Encrypts entries before another store keeps them. Plaintext entries can be read, and are
/// encrypted when they are next replaced.
pub(crate) struct Encrypted {
    inner: Arc<dyn TokenStore>,
    /// The first key encrypts, all of them decrypt.
    ciphers: Vec<Cipher>,
    random: SystemRandomness,
}

/// A store with plaintext entries. Reports an encrypted entry, which another process wrote with a
/// key.
pub(crate) struct Plaintext(pub(crate) Arc<dyn TokenStore>);

impl TokenStore for Plaintext {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        match self.0.load(key)? {
            Some(entry) if entry.data.starts_with(&MARK[..4]) => Err(keys_missing().into()),
            entry => Ok(entry),
        }
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        self.0.swap(key, expected, entry)
    }

    fn try_lock(&self, key: &StoreKey) -> Result<StoreLock, BoxError> {
        self.0.try_lock(key)
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        self.0.keys(after, limit)
    }

    fn check(&self) -> Result<Vec<String>, BoxError> {
        self.0.check()
    }

    fn is_missing(&self) -> bool {
        self.0.is_missing()
    }
}

impl Encrypted {
    /// `keys` has the newest first. An old key is kept until no entry needs it.
    pub(crate) fn new(inner: Arc<dyn TokenStore>, keys: &[EncryptionKey]) -> Result<Self> {
        if keys.is_empty() {
            return Err(Error::invalid_argument("encryption_keys", "has no key; give one, or omit it"));
        }
        let ciphers = keys.iter().map(Cipher::new).collect::<Result<_>>()?;
        Ok(Self { inner, ciphers, random: SystemRandomness })
    }

    fn encrypt(&self, key: &StoreKey, version: &str, data: &[u8]) -> Result<Vec<u8>> {
        let cipher = &self.ciphers[0];
        let mut nonce = [0; NONCE_LENGTH];
        self.random.fill(&mut nonce)?;
        let encrypted = cipher.encrypt(nonce, &bound_to(cipher.key_id(), key, version), data)?;
        Ok([&MARK[..], cipher.key_id(), &encrypted].concat())
    }

    fn decrypt(&self, key: &StoreKey, version: &str, data: Vec<u8>) -> Result<Vec<u8>> {
        let Some(encrypted) = data.strip_prefix(&MARK) else {
            return if data.starts_with(&MARK[..4]) { Err(newer()) } else { Ok(data) };
        };
        let (id, encrypted) = encrypted.split_first_chunk().ok_or_else(damaged)?;
        let mut candidates = self.ciphers.iter().filter(|cipher| cipher.key_id() == id).peekable();
        if candidates.peek().is_none() {
            return Err(unknown_key(id));
        }
        candidates.find_map(|cipher| cipher.decrypt(&bound_to(id, key, version), encrypted)).ok_or_else(damaged)
    }
}

impl TokenStore for Encrypted {
    fn load(&self, key: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        let Some(StoreEntry { version, data, expires_at }) = self.inner.load(key)? else { return Ok(None) };
        let data = self.decrypt(key, &version, data)?;
        Ok(Some(StoreEntry { version, data, expires_at }))
    }

    fn swap(&self, key: &StoreKey, expected: Option<&str>, entry: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        let data = self.encrypt(key, &entry.version, &entry.data)?;
        self.inner.swap(key, expected, &StoreEntry { version: entry.version.clone(), data, expires_at: entry.expires_at })
    }

    fn try_lock(&self, key: &StoreKey) -> Result<StoreLock, BoxError> {
        self.inner.try_lock(key)
    }

    fn keys(&self, after: Option<&StoreKey>, limit: usize) -> Result<Vec<StoreKey>, BoxError> {
        self.inner.keys(after, limit)
    }

    fn check(&self) -> Result<Vec<String>, BoxError> {
        self.inner.check()
    }

    fn is_missing(&self) -> bool {
        self.inner.is_missing()
    }
}

/// Binds an entry to its key, version and format: moved to another place, it does not decrypt.
fn bound_to(id: &[u8; KEY_ID_LENGTH], key: &StoreKey, version: &str) -> Vec<u8> {
    [&MARK[..], id, key.as_str().as_bytes(), version.as_bytes()].concat()
}

fn keys_missing() -> Error {
    corrupt(
        "this login is encrypted; set encryption_keys (or SIPGATE_ENCRYPTION_KEYS) to the keys it was written with; nothing is lost"
            .to_owned(),
    )
}

fn unknown_key(id: &[u8; KEY_ID_LENGTH]) -> Error {
    let id = hex(id);
    corrupt(format!(
        "none of encryption_keys opens this login (it was written with key {id}); add the key it was written with; nothing is lost"
    ))
}

fn damaged() -> Error {
    corrupt("encryption_keys do not open this login: it was altered or damaged after it was written; log in again".to_owned())
        .with_remedy(Remedy::LogInAgain)
}

fn newer() -> Error {
    Error::new(ErrorCode::StoreFormat, "a login was encrypted by a newer version of this library; update the library")
}

fn corrupt(message: String) -> Error {
    Error::new(ErrorCode::StoreCorrupt, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::conformance;
    use crate::store::memory::Memory;
    use crate::store::sqlite::Sqlite;
    use crate::store::testing::{TemporaryDirectory, entry, key};

    fn encryption_key(byte: u8) -> EncryptionKey {
        EncryptionKey::from_bytes([byte; 32])
    }

    fn encrypted(inner: &Arc<dyn TokenStore>, keys: &[u8]) -> Encrypted {
        let keys: Vec<_> = keys.iter().copied().map(encryption_key).collect();
        Encrypted::new(Arc::clone(inner), &keys).unwrap()
    }

    fn memory() -> Arc<dyn TokenStore> {
        Arc::new(Memory::new())
    }

    fn load_error(store: &impl TokenStore, key: &StoreKey) -> Error {
        *store.load(key).unwrap_err().downcast::<Error>().unwrap()
    }

    #[test]
    fn without_keys_an_encrypted_entry_is_reported_and_kept() {
        let inner = memory();
        encrypted(&inner, &[1]).swap(&key(1), None, &entry("a", None)).unwrap();
        let plaintext = Plaintext(Arc::clone(&inner));
        let error = load_error(&plaintext, &key(1));
        assert_eq!((error.code(), error.remedy()), (ErrorCode::StoreCorrupt, Remedy::FixConfiguration));
        assert!(error.to_string().contains("is encrypted; set encryption_keys"), "{error}");
        assert_eq!(plaintext.load(&key(2)).unwrap(), None);
        assert_eq!(encrypted(&inner, &[1]).load(&key(1)).unwrap(), Some(entry("a", None)));
    }

    #[test]
    fn it_keeps_the_promises_of_a_store() {
        let directory = TemporaryDirectory::new();
        let sqlite: Arc<dyn TokenStore> = Arc::new(Sqlite::open(directory.join("logins.db")).unwrap());
        for inner in [memory(), sqlite] {
            assert_eq!(conformance::check(&encrypted(&inner, &[1])), Ok(()));
        }
    }

    #[test]
    fn stored_data_do_not_reveal_the_login_and_differ_each_time() {
        let inner = memory();
        let store = encrypted(&inner, &[1]);
        store.swap(&key(1), None, &entry("a", None)).unwrap();
        let first = inner.load(&key(1)).unwrap().unwrap();
        store.swap(&key(1), Some("a"), &entry("a", None)).unwrap();
        let second = inner.load(&key(1)).unwrap().unwrap();
        assert_ne!(first.data, second.data);
        assert!(!String::from_utf8_lossy(&first.data).contains("data"));
        assert_eq!(first.data.len(), MARK.len() + KEY_ID_LENGTH + NONCE_LENGTH + entry("a", None).data.len() + 16);
    }

    #[test]
    fn an_old_key_still_decrypts_and_new_entries_use_the_new_key() {
        let inner = memory();
        encrypted(&inner, &[1]).swap(&key(1), None, &entry("a", None)).unwrap();
        let rotated = encrypted(&inner, &[2, 1]);
        assert_eq!(rotated.load(&key(1)).unwrap(), Some(entry("a", None)));
        rotated.swap(&key(1), Some("a"), &entry("b", None)).unwrap();
        assert_eq!(encrypted(&inner, &[2]).load(&key(1)).unwrap(), Some(entry("b", None)));
    }

    #[test]
    fn a_missing_key_is_reported_and_nothing_is_lost() {
        let inner = memory();
        encrypted(&inner, &[1]).swap(&key(1), None, &entry("a", None)).unwrap();
        let error = load_error(&encrypted(&inner, &[2, 3]), &key(1));
        assert_eq!((error.code(), error.remedy()), (ErrorCode::StoreCorrupt, Remedy::FixConfiguration));
        assert!(error.to_string().starts_with("none of encryption_keys opens this login"), "{error}");
        assert_eq!(encrypted(&inner, &[1]).load(&key(1)).unwrap(), Some(entry("a", None)));
    }

    #[test]
    fn an_altered_bit_or_length_is_detected() {
        let inner = memory();
        let store = encrypted(&inner, &[1]);
        store.swap(&key(1), None, &entry("a", None)).unwrap();
        let good = inner.load(&key(1)).unwrap().unwrap();
        for index in MARK.len()..good.data.len() {
            let mut bad = good.clone();
            bad.data[index] ^= 1;
            inner.swap(&key(1), Some("a"), &bad).unwrap();
            assert_eq!(load_error(&store, &key(1)).code(), ErrorCode::StoreCorrupt, "{index}");
        }
        for length in MARK.len()..good.data.len() {
            let mut bad = good.clone();
            bad.data.truncate(length);
            inner.swap(&key(1), Some("a"), &bad).unwrap();
            assert_eq!(load_error(&store, &key(1)).code(), ErrorCode::StoreCorrupt, "{length}");
        }
    }

    #[test]
    fn an_entry_moved_to_another_key_or_version_is_detected() {
        let inner = memory();
        let store = encrypted(&inner, &[1]);
        store.swap(&key(1), None, &entry("a", None)).unwrap();
        let good = inner.load(&key(1)).unwrap().unwrap();
        inner.swap(&key(2), None, &good).unwrap();
        assert_eq!(load_error(&store, &key(2)).code(), ErrorCode::StoreCorrupt);
        inner.swap(&key(1), Some("a"), &StoreEntry { version: "b".to_owned(), ..good }).unwrap();
        assert_eq!(load_error(&store, &key(1)).code(), ErrorCode::StoreCorrupt);
    }

    #[test]
    fn encryption_can_be_enabled_later() {
        let inner = memory();
        inner.swap(&key(1), None, &entry("a", None)).unwrap();
        let store = encrypted(&inner, &[1]);
        assert_eq!(store.load(&key(1)).unwrap(), Some(entry("a", None)));
        store.swap(&key(1), Some("a"), &entry("b", None)).unwrap();
        assert!(inner.load(&key(1)).unwrap().unwrap().data.starts_with(&MARK));
        assert_eq!(store.load(&key(1)).unwrap(), Some(entry("b", None)));
    }

    #[test]
    fn an_entry_encrypted_by_a_newer_version_is_refused() {
        let inner = memory();
        inner.swap(&key(1), None, &StoreEntry { data: b"\x89SGE\x02...".to_vec(), ..entry("a", None) }).unwrap();
        assert_eq!(load_error(&encrypted(&inner, &[1]), &key(1)).code(), ErrorCode::StoreFormat);
    }

    #[test]
    fn an_empty_list_of_keys_is_refused() {
        assert_eq!(Encrypted::new(memory(), &[]).err().map(|error| error.code()), Some(ErrorCode::InvalidArgument));
    }

    #[test]
    fn entries_of_earlier_versions_are_decrypted() {
        let inner = memory();
        inner.swap(&key(7), None, &StoreEntry { version: "AAAAAAAAAAAAAAAAAAAAAA".to_owned(), data: vector(), expires_at: None }).unwrap();
        assert_eq!(encrypted(&inner, &[9]).load(&key(7)).unwrap().unwrap().data, b"a login");
    }

    /// Computed with another implementation of AES-256-GCM.
    fn vector() -> Vec<u8> {
        const TEXT: &str = "8953474501dba65ea1a8194c3d000102030405060708090a0b8b71f7ad5b26446b7a6139abd0132014e4ee6cad83e01a";
        protocol::crypto::unhex::<{ TEXT.len() / 2 }>(TEXT).unwrap().to_vec()
    }
}
