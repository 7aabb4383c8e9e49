//! Binds a login to its TLS connection (RFC 5929, section 4.1): a server in the middle cannot relay
//! the login, even with a certificate that is trusted.

use aws_lc_rs::digest::{Algorithm, SHA256, SHA384, SHA512, digest};

const SEQUENCE: u8 = 0x30;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// Object identifiers of signature algorithms, without the last byte, which says the hash.
const RSA: &[u8] = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01";
const ECDSA: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x03";
const ECDSA_WITH_SHA1: &[u8] = b"\x2a\x86\x48\xce\x3d\x04\x01";

/// The hash of the server's certificate that SCRAM binds the login to. `None` if the
/// certificate's signature algorithm does not say which hash to use, such as Ed25519.
pub(super) fn server_end_point(certificate: &[u8]) -> Option<Vec<u8>> {
    Some(digest(hash(signature_algorithm(certificate)?)?, certificate).as_ref().to_vec())
}

/// The hash function of the signature; SHA-256 replaces MD5 and SHA-1.
fn hash(signature_algorithm: &[u8]) -> Option<&'static Algorithm> {
    let (family, last) = signature_algorithm.split_at_checked(signature_algorithm.len().checked_sub(1)?)?;
    match (family, last) {
        (RSA, [4 | 5 | 11]) | (ECDSA, [2]) => Some(&SHA256),
        (RSA, [12]) | (ECDSA, [3]) => Some(&SHA384),
        (RSA, [13]) | (ECDSA, [4]) => Some(&SHA512),
        _ if signature_algorithm == ECDSA_WITH_SHA1 => Some(&SHA256),
        _ => None,
    }
}

/// The signature algorithm follows the signed part (RFC 5280, section 4.1).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = element(certificate, SEQUENCE)?;
    let (_, behind) = element(certificate, SEQUENCE)?;
    let (algorithm, _) = element(behind, SEQUENCE)?;
    Some(element(algorithm, OBJECT_IDENTIFIER)?.0)
}

/// The contents of the first element of DER, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&first, rest) = der.split_first()?;
    let (&length, rest) = rest.split_first()?;
    let (length, rest) = match length {
        0..=0x7f => (usize::from(length), rest),
        0x81..=0x84 => {
            let (bytes, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    if first == tag { rest.split_at_checked(length) } else { None }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519, SignatureAlgorithm};

    use super::*;

    fn made(algorithm: &'static SignatureAlgorithm) -> Vec<u8> {
        let key = KeyPair::generate_for(algorithm).unwrap();
        CertificateParams::new(["localhost".to_owned()]).unwrap().self_signed(&key).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_is_hashed_as_it_is_signed() {
        for (algorithm, hash) in [(&PKCS_ECDSA_P256_SHA256, Some(&SHA256)), (&PKCS_ECDSA_P384_SHA384, Some(&SHA384)), (&PKCS_ED25519, None)]
        {
            let certificate = made(algorithm);
            assert_eq!(server_end_point(&certificate), hash.map(|hash| digest(hash, &certificate).as_ref().to_vec()), "{algorithm:?}");
        }
    }

    #[test]
    fn each_hash_has_its_algorithms_and_those_that_are_broken_become_sha_256() {
        for (prefix, last, expected) in [
            (RSA, 4, Some(&SHA256)),
            (RSA, 5, Some(&SHA256)),
            (RSA, 11, Some(&SHA256)),
            (RSA, 12, Some(&SHA384)),
            (RSA, 13, Some(&SHA512)),
            (RSA, 10, None),
            (ECDSA, 4, Some(&SHA512)),
            (&ECDSA_WITH_SHA1[..6], 1, Some(&SHA256)),
            (b"", 0, None),
        ] {
            assert_eq!(hash(&[prefix, &[last]].concat()), expected, "{prefix:?} {last}");
        }
        assert_eq!(hash(b""), None);
    }

    #[test]
    fn what_is_no_certificate_has_no_hash() {
        let certificate = made(&PKCS_ECDSA_P256_SHA256);
        for end in 0..certificate.len() {
            assert_eq!(server_end_point(&certificate[..end]), None, "{end}");
        }
        for bad in [&b"\x30\x80"[..], b"\x30\x84\xff\xff\xff\xff", b"\x30\x85\0\0\0\0\0", b"\x31\0"] {
            assert_eq!(server_end_point(bad), None);
        }
    }
}
