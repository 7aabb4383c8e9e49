//! The TLS configuration: which certificates are trusted. The first request that needs it makes it.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ALL_VERSIONS, CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::roots::Roots;
use super::sessions::Sessions;

pub(crate) fn client_config(roots: &Roots) -> Arc<ClientConfig> {
    let crypto = Arc::new(aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&crypto))
        .with_protocol_versions(ALL_VERSIONS)
        .expect("this provider has ciphers of all versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier(roots, crypto))
        .with_no_client_auth();
    config.resumption = Resumption::store(Arc::new(Sessions::default()));
    Arc::new(config)
}

fn verifier(roots: &Roots, crypto: Arc<CryptoProvider>) -> Arc<dyn ServerCertVerifier> {
    match roots {
        Roots::Own(certificates) => Arc::new(OwnCertificates::new(certificates, crypto)),
        Roots::System => match rustls_platform_verifier::Verifier::new(Arc::clone(&crypto)) {
            Ok(verifier) => Arc::new(verifier),
            Err(_) => webpki_verifier(webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect(), crypto),
        },
    }
}

fn webpki_verifier(roots: RootCertStore, crypto: Arc<CryptoProvider>) -> Arc<WebPkiServerVerifier> {
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), crypto).build().expect("there are roots, and no revocation lists")
}

/// The application's own certificates, as authorities; and each as the server's own certificate, if
/// the server presents that very one. `openssl req -x509` makes certificates that are both.
#[derive(Debug)]
struct OwnCertificates {
    certificates: Vec<CertificateDer<'static>>,
    authorities: Arc<WebPkiServerVerifier>,
}

impl OwnCertificates {
    fn new(certificates: &[CertificateDer<'static>], crypto: Arc<CryptoProvider>) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(certificates.iter().cloned());
        Self { certificates: certificates.to_vec(), authorities: webpki_verifier(roots, crypto) }
    }
}

impl ServerCertVerifier for OwnCertificates {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified = self.authorities.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if verified.is_ok() || !self.certificates.contains(end_entity) {
            return verified;
        }
        // Alone: the other certificates that the server presents do not matter.
        match self.authorities.verify_server_cert(end_entity, &[], server_name, ocsp_response, now) {
            Err(error) if is_only_about_its_issuer(&error) => {
                verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
                Ok(ServerCertVerified::assertion())
            }
            verified => verified,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.authorities.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.authorities.supported_verify_schemes()
    }
}

/// webpki checks the issuer after the time: these errors say that the time is right.
fn is_only_about_its_issuer(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature) => true,
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
