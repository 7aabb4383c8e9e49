//! Throwaway certificates, generated at every start.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs::{Ticketer, default_provider};
use rustls::pki_types::PrivatePkcs8KeyDer;

type Error = Box<dyn std::error::Error + Send + Sync>;

/// What the TLS listeners serve, and the certificate authorities that tests trust or distrust.
pub(crate) struct Tls {
    pub(crate) localhost: Arc<ServerConfig>,
    pub(crate) wrong_name: Arc<ServerConfig>,
    /// With a self-signed certificate, as `openssl req -x509` creates it.
    pub(crate) self_signed: Arc<ServerConfig>,
    pub(crate) self_signed_pem: String,
    pub(crate) ca_pem: String,
    pub(crate) unrelated_ca_pem: String,
}

impl Tls {
    pub(crate) fn new() -> Result<Self, Error> {
        let (issuer, ca_pem) = authority("Local test realm CA")?;
        let (_, unrelated_ca_pem) = authority("Unrelated CA")?;
        let (self_signed, self_signed_pem) = self_signed()?;
        Ok(Self {
            localhost: server_config(&issuer, &["localhost", "127.0.0.1", "::1"])?,
            wrong_name: server_config(&issuer, &["another-host.example.test"])?,
            self_signed,
            self_signed_pem,
            ca_pem,
            unrelated_ca_pem,
        })
    }
}

fn authority(name: &str) -> Result<(Issuer<'static, KeyPair>, String), Error> {
    let mut params = parameters(&[], name)?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let key = KeyPair::generate()?;
    let pem = params.self_signed(&key)?.pem();
    Ok((Issuer::new(params, key), pem))
}

fn server_config(issuer: &Issuer<'_, KeyPair>, names: &[&str]) -> Result<Arc<ServerConfig>, Error> {
    let mut params = parameters(names, names[0])?;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    config_with(&certificate, &key)
}

fn self_signed() -> Result<(Arc<ServerConfig>, String), Error> {
    let mut params = parameters(&["localhost"], "localhost")?;
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok((config_with(&certificate, &key)?, certificate.pem()))
}

fn config_with(certificate: &Certificate, key: &KeyPair) -> Result<Arc<ServerConfig>, Error> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // As Keycloak's Java: sessions are in the tickets, so that none is forgotten.
    config.ticketer = Ticketer::new()?;
    Ok(Arc::new(config))
}

/// Some verifiers reject server certificates that are valid for more than about two years.
fn parameters(names: &[&str], common_name: &str) -> Result<CertificateParams, Error> {
    const DAY: Duration = Duration::from_secs(86_400);
    let mut params = CertificateParams::new(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())?;
    params.not_before = (SystemTime::now() - DAY).into();
    params.not_after = (SystemTime::now() + 365 * DAY).into();
    params.distinguished_name.push(DnType::CommonName, common_name);
    Ok(params)
}
