//! Why a certificate is refused, in words.

use std::env;

use rustls::CertificateError;

/// Where other libraries look for certificates, and this one does not.
const OF_OTHERS: [&str; 3] = ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"];

/// What is wrong with a certificate, and what to do. `own_roots` says whether the application gave
/// the certificates to trust.
pub(crate) fn certificate_problem(why: &CertificateError, own_roots: bool) -> String {
    problem(why, own_roots, |name| env::var_os(name).is_some_and(|value| !value.is_empty()))
}

fn problem(why: &CertificateError, own_roots: bool, is_set: impl Fn(&str) -> bool) -> String {
    let of_others = OF_OTHERS.iter().find(|name| is_set(name));
    if let (CertificateError::UnknownIssuer, false, Some(name)) = (why, own_roots, of_others) {
        return format!(
            "{why}; this library does not read {name}: set ca_certificates to the contents of that file, or name it in SSL_CERT_FILE"
        );
    }
    let remedy = match why {
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => {
            "it names no host: make one with subjectAltName (openssl req -x509 -addext subjectAltName=DNS:host.name), also for ca_certificates"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "correct the host: ca_certificates do not change whom a certificate is for"
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => "replace it, also in ca_certificates, or correct this machine's clock",
        CertificateError::UnknownIssuer if own_roots => {
            "ca_certificates holds neither the certificate of its issuer nor this very certificate; add one of them, or correct the host"
        }
        _ => "set ca_certificates if your company has its own, or correct the host",
    };
    format!("{why}; {remedy}")
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::ServerName;

    use super::*;

    #[test]
    fn a_certificates_problem_is_named_with_what_to_do() {
        let name = |presented| CertificateError::NotValidForNameContext { expected: ServerName::try_from("a.example").unwrap(), presented };
        for (error, own_roots, words) in [
            (name(vec![]), true, "make one with subjectAltName"),
            (name(vec!["b.example".to_owned()]), true, "correct the host"),
            (CertificateError::Expired, false, "replace it"),
            (CertificateError::UnknownIssuer, true, "ca_certificates holds neither"),
            (CertificateError::UnknownIssuer, false, "set ca_certificates"),
            (CertificateError::Revoked, false, "correct the host"),
        ] {
            let text = problem(&error, own_roots, |_| false);
            assert!(text.contains(words) && text.contains("ca_certificates"), "{text}");
        }
    }
    #[test]
    fn a_variable_that_only_other_libraries_read_is_named() {
        let text = |own_roots| problem(&CertificateError::UnknownIssuer, own_roots, |name| name == "NODE_EXTRA_CA_CERTS");
        assert!(text(false).contains("does not read NODE_EXTRA_CA_CERTS"), "{}", text(false));
        assert!(!text(true).contains("NODE_EXTRA"), "{}", text(true));
    }
}
