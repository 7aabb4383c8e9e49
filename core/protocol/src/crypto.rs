//! Digests, and hexadecimal text.

use aws_lc_rs::digest::{Context, SHA256};
use zeroize::Zeroizing;

/// The SHA-256 digest of these parts, one after the other.
pub fn sha256<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    parts.into_iter().for_each(|part| context.update(part));
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// Lower-case hexadecimal digits, two for each byte.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

/// The bytes that hexadecimal digits stand for, if there are exactly as many as needed.
pub fn unhex<const N: usize>(digits: &str) -> Option<Zeroizing<[u8; N]>> {
    let digits = digits.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = Zeroizing::new([0; N]);
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = unhex_digit(pair[0])? << 4 | unhex_digit(pair[1])?;
    }
    Some(bytes)
}

/// The value of one hexadecimal digit.
pub(crate) fn unhex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_of_parts_is_that_of_the_whole() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex(&sha256([&b"abc"[..]])), abc);
        assert_eq!(hex(&sha256([&b"a"[..], b"", b"bc"])), abc);
    }

    #[test]
    fn every_byte_has_two_digits() {
        assert_eq!(hex(&[0, 9, 0xA0, 0xFF]), "0009a0ff");
        assert_eq!(unhex("0009a0fF").map(|bytes| *bytes), Some([0, 9, 0xA0, 0xFF]));
        for bad in ["0009a0f", "0009a0ff0", "0009a0fg", "+009a0ff", "äöü"] {
            assert!(unhex::<4>(bad).is_none(), "{bad}");
        }
    }
}
