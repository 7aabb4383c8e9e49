//! Randomness, passed as a value so that tests can choose what is drawn.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use protocol::error::{Error, ErrorCode, Result};

/// A source of random bytes. Private to the crate: users always get those of the operating system.
pub(crate) trait Random: Send + Sync {
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The operating system's own generator: nothing of it is kept here, so that a forked child shares
/// nothing with its parent.
pub(crate) struct SystemRandomness;

impl Random for SystemRandomness {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes)
            .map_err(|_| Error::new(ErrorCode::Internal, "the operating system provided no random bytes; nothing was started, try again"))
    }
}

/// `N` values of 256 bits each as unpadded base64url: 43 characters of `[A-Za-z0-9_-]`.
pub(crate) fn tokens<const N: usize>(random: &dyn Random) -> Result<[String; N]> {
    let mut bytes = [[0_u8; 32]; N];
    random.fill(bytes.as_flattened_mut())?;
    Ok(bytes.map(|value| URL_SAFE_NO_PAD.encode(value)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_token_is_43_characters_of_the_url_alphabet() {
        let [token] = tokens(&SystemRandomness).unwrap();
        assert_eq!(token.len(), 43);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    }

    #[test]
    fn no_token_is_drawn_twice_and_every_bit_varies() {
        let random = SystemRandomness;
        let mut seen = HashSet::new();
        let (mut ones, mut zeros) = ([0_u8; 32], [0xFF_u8; 32]);
        for _ in 0..1000 {
            let mut bytes = [0; 32];
            random.fill(&mut bytes).unwrap();
            assert!(seen.insert(bytes));
            for (index, byte) in bytes.iter().enumerate() {
                ones[index] |= byte;
                zeros[index] &= byte;
            }
        }
        assert_eq!((ones, zeros), ([0xFF; 32], [0; 32]));
    }
}
