//! Which certificates are trusted, as the application says.

use protocol::error::{Error, Result};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

const BEGIN: &str = "-----BEGIN ";

/// Which certificates are trusted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Roots {
    /// Those of the operating system; if it has none, those in this library.
    System,
    /// These only.
    Own(Vec<CertificateDer<'static>>),
}

impl Roots {
    /// Every certificate of a PEM bundle that can be read. Bundles have broken ones, which do not
    /// affect the others.
    pub(crate) fn parse(pem: &[u8]) -> Result<Self> {
        let text = text(pem);
        let blocks: Vec<_> = text.match_indices(BEGIN).map(|(at, _)| &text[at..]).map(one_block).filter(is_certificate).collect();
        let good: Vec<_> = blocks.iter().filter_map(|block| certificate(block)).collect();
        if good.is_empty() {
            let what = match blocks.len() {
                0 => "holds no certificate".to_owned(),
                1 => "holds one certificate, which is broken".to_owned(),
                several => format!("holds {several} certificates, and all are broken, from the first on"),
            };
            return Err(Error::invalid_argument("ca_certificates", format_args!("{what}; give the contents of a PEM file")));
        }
        Ok(Self::Own(good))
    }

    pub(crate) fn are_own(&self) -> bool {
        matches!(self, Self::Own(_))
    }
}

/// Text as editors save it: with a byte order mark, in UTF-16, indented, or with blanks at line
/// ends.
fn text(pem: &[u8]) -> String {
    let text = match pem {
        [0xFF, 0xFE, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xFE, 0xFF, rest @ ..] => utf16(rest, u16::from_be_bytes),
        _ => String::from_utf8_lossy(pem).into_owned(),
    };
    text.replace('\u{FEFF}', "").split(['\r', '\n']).map(str::trim).collect::<Vec<_>>().join("\n")
}

fn utf16(bytes: &[u8], unit: impl Fn([u8; 2]) -> u16) -> String {
    let units = bytes.chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    char::decode_utf16(units).map(|character| character.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Up to the beginning of the next one: the end of this one may be missing.
fn one_block(text: &str) -> &str {
    text[BEGIN.len()..].find(BEGIN).map_or(text, |next| &text[..BEGIN.len() + next])
}

fn is_certificate(block: &&str) -> bool {
    block[BEGIN.len()..].starts_with("CERTIFICATE-----")
}

fn certificate(block: &str) -> Option<CertificateDer<'static>> {
    let certificate = CertificateDer::from_pem_slice(block.as_bytes()).ok()?;
    RootCertStore::empty().add(certificate.clone()).ok()?;
    Some(certificate)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made() -> String {
        rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap().cert.pem()
    }

    fn count(pem: impl AsRef<[u8]>) -> usize {
        match Roots::parse(pem.as_ref()) {
            Ok(Roots::Own(certificates)) => certificates.len(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for (bad, why) in [
            ("", "no certificate"),
            ("rubbish", "no certificate"),
            ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", "no certificate"),
            ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "one certificate, which is broken"),
            ("-----BEGIN CERTIFICATE-----\nAA\n-----BEGIN CERTIFICATE-----\n", "2 certificates, and all are broken"),
        ] {
            let message = Roots::parse(bad.as_bytes()).unwrap_err().to_string();
            assert!(message.starts_with("ca_certificates: ") && message.contains(why), "{bad}: {message}");
        }
    }

    #[test]
    fn a_bundle_is_read_as_editors_save_it() {
        let (one, another) = (made(), made());
        assert_eq!(count(&one), 1);
        assert_eq!(count(format!("\u{FEFF}{one}\u{FEFF}{another}")), 2);
        assert_eq!(count(format!("# ours\n{one}{another}").replace('\n', "\r\n")), 2);
        assert_eq!(count(one.lines().map(|line| format!("    {line}  \n")).collect::<String>()), 1);
        let units: Vec<u16> = format!("\u{FEFF}{one}{another}").encode_utf16().collect();
        assert_eq!(count(units.iter().flat_map(|unit| unit.to_le_bytes()).collect::<Vec<_>>()), 2);
        assert_eq!(count(units.iter().flat_map(|unit| unit.to_be_bytes()).collect::<Vec<_>>()), 2);
    }

    #[test]
    fn a_broken_certificate_costs_no_other() {
        let (one, another) = (made(), made());
        for broken in [
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n".to_owned(),
            "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n".to_owned(),
            "-----BEGIN CERTIFICATE-----\nMIIB".to_owned(),
            "-----BEGIN CERTIFICATE-----\nMIIB\n".to_owned(),
            made()[..200].to_owned(),
            made().replace("\n-----END CERTIFICATE-----", ""),
            "-----BEGIN PRIVATE KEY-----\n?\n-----END PRIVATE KEY-----\n".to_owned(),
            "-----END CERTIFICATE-----\n".to_owned(),
        ] {
            assert_eq!(count(format!("{one}{broken}{another}")), 2, "{broken}");
            assert_eq!(count(format!("{broken}{one}")), 1, "{broken}");
        }
    }
}
