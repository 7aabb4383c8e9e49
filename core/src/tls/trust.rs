//! The TLS configuration: which certificates are trusted. The first request that needs it makes it.

use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{ALL_VERSIONS, CertificateError, CipherSuite, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use super::roots::Roots;
use super::sessions::Sessions;
use crate::sys::process::PerProcess;

/// At most so many sets of certificates, and so many ports of each, are kept.
const MAX_KEPT: usize = 64;

/// Shared by all clients and stores of this process that trust the same certificates. These take
/// milliseconds to read. TLS sessions are kept for each port: a server at another port does not
/// know them.
pub(crate) struct Trust {
    config: ClientConfig,
    by_port: Mutex<HashMap<u16, Arc<ClientConfig>>>,
}

type Kept = Mutex<Vec<(Trusted, Arc<Trust>)>>;

impl Trust {
    pub(crate) fn of(roots: &Roots) -> Arc<Self> {
        static KEPT: PerProcess<Kept> = PerProcess::new();
        let kept = KEPT.get_or_make(Mutex::default);
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let trusted = Trusted::now(roots);
        if let Some((_, known)) = kept.iter().find(|(known, _)| *known == trusted) {
            return Arc::clone(known);
        }
        if kept.len() >= MAX_KEPT {
            let unused = kept.iter().position(|(_, trust)| Arc::strong_count(trust) == 1);
            kept.remove(unused.unwrap_or_default());
        }
        let trust = Arc::new(Self { config: config(roots), by_port: Mutex::default() });
        kept.push((trusted, Arc::clone(&trust)));
        trust
    }

    /// A configuration with sessions of its own.
    pub(crate) fn new_config(&self) -> Arc<ClientConfig> {
        let mut config = self.config.clone();
        config.resumption = Resumption::store(Arc::new(Sessions::default()));
        Arc::new(config)
    }

    /// The configuration for the servers at this port.
    pub(crate) fn config_for(&self, port: u16) -> Arc<ClientConfig> {
        let mut by_port = self.by_port.lock().unwrap_or_else(PoisonError::into_inner);
        if by_port.len() >= MAX_KEPT && !by_port.contains_key(&port) {
            by_port.clear();
        }
        Arc::clone(by_port.entry(port).or_insert_with(|| self.new_config()))
    }
}

/// What must be the same to share certificates.
#[derive(PartialEq)]
struct Trusted {
    roots: Roots,
    /// Where the system's certificates are. An application may say so before it makes its next
    /// client.
    places: Option<[Option<OsString>; 2]>,
}

impl Trusted {
    fn now(roots: &Roots) -> Self {
        let places = (!roots.are_own()).then(|| ["SSL_CERT_FILE", "SSL_CERT_DIR"].map(env::var_os));
        Self { roots: roots.clone(), places }
    }
}

fn config(roots: &Roots) -> ClientConfig {
    let crypto = Arc::new(crypto());
    ClientConfig::builder_with_provider(Arc::clone(&crypto))
        .with_protocol_versions(ALL_VERSIONS)
        .expect("this provider has ciphers of all versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier(roots, crypto))
        .with_no_client_auth()
}

/// Prefers SHA-256, as browsers do: most of a resumed handshake is hashing, and processors have
/// instructions for it.
fn crypto() -> CryptoProvider {
    let mut crypto = aws_lc_rs::default_provider();
    crypto.cipher_suites.sort_by_key(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
    crypto
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
