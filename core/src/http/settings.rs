//! What is settable about connections, checked when a client is built; and ureq's configuration made from it. Building touches no file,
//! no environment and no network: that waits for the first request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use rustls::crypto::{CryptoProvider, aws_lc_rs};
use ureq::config::Config;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Agent, http::Uri};

use crate::error::{Error, Result};

/// Over the 64 KiB that servers accept, and far from what would fill memory.
const MAX_HEADER: usize = 64 * 1024;

/// Apache closes idle connections after 5 seconds; a request on one that was just closed would be in doubt.
const MAX_IDLE: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) roots: Roots,
    pub(crate) proxy: Proxy,
    /// The server is this machine: no proxy could reach it.
    pub(crate) loopback: bool,
    /// Without TLS no certificate is asked for.
    pub(crate) tls: bool,
}

impl Settings {
    pub(super) fn config(&self) -> Config {
        let crypto = Arc::new(aws_lc_rs::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .root_certs(if self.tls { self.roots.load(&crypto) } else { RootCerts::WebPki })
            .unversioned_rustls_crypto_provider(crypto)
            .build();
        Agent::config_builder()
            .user_agent(concat!("sipgate-oauth2/", env!("CARGO_PKG_VERSION")))
            .http_status_as_error(false)
            .https_only(!self.loopback)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .timeout_global(Some(self.request_timeout))
            .timeout_connect(Some(self.connect_timeout))
            .max_response_header_size(MAX_HEADER)
            .max_idle_age(MAX_IDLE)
            .proxy(self.effective_proxy())
            .tls_config(tls)
            .build()
    }

    /// Where the tunnel's own connection goes, if there is one.
    pub(super) fn proxy_uri(&self) -> Option<Uri> {
        self.effective_proxy().map(|proxy| proxy.uri().clone())
    }

    fn effective_proxy(&self) -> Option<ureq::Proxy> {
        match &self.proxy {
            _ if self.loopback => None,
            Proxy::Environment => ureq::Proxy::try_from_env(),
            Proxy::Direct => None,
            Proxy::Set(proxy) => Some(proxy.clone()),
        }
    }
}

/// The way out.
#[derive(Clone)]
pub(crate) enum Proxy {
    /// As `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` … say at the first request.
    Environment,
    Direct,
    Set(ureq::Proxy),
}

impl Proxy {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if text == "direct" {
            return Ok(Self::Direct);
        }
        let refused = || Error::argument("proxy", "is not a proxy URL; give http://host:port, socks5://host:port, or direct for none");
        let schemes = ["http://", "https://", "socks4://", "socks4a://", "socks5://", "socks5h://"];
        if !schemes.iter().any(|scheme| text.starts_with(scheme)) {
            return Err(refused());
        }
        ureq::Proxy::new(text).map(Self::Set).map_err(|_| refused())
    }
}

/// A proxy's URL can hold a password.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Environment => "Environment",
            Self::Direct => "Direct",
            Self::Set(_) => "Set([redacted])",
        })
    }
}

/// Whose certificates are believed.
#[derive(Clone, Debug)]
pub(crate) enum Roots {
    /// The operating system's, and where it has none, those that come with this library.
    System,
    /// These only.
    Own(RootCerts),
}

impl Roots {
    /// Every certificate of a PEM bundle.
    pub(crate) fn parse(pem: &[u8]) -> Result<Self> {
        let refused = || Error::argument("ca_certificates", "holds no readable certificate; give the contents of a PEM file");
        let mut certificates: Vec<Certificate<'static>> = Vec::new();
        for item in parse_pem(pem) {
            if let PemItem::Certificate(certificate) = item.map_err(|_| refused())? {
                certificates.push(certificate);
            }
        }
        let mut store = rustls::RootCertStore::empty();
        let (usable, _) = store.add_parsable_certificates(certificates.iter().map(|certificate| certificate.der().to_vec().into()));
        if usable == 0 || usable < certificates.len() {
            return Err(refused());
        }
        Ok(Self::Own(RootCerts::new_with_certs(&certificates)))
    }

    fn load(&self, crypto: &Arc<CryptoProvider>) -> RootCerts {
        match self {
            Self::Own(roots) => roots.clone(),
            Self::System if rustls_platform_verifier::Verifier::new(Arc::clone(crypto)).is_ok() => RootCerts::PlatformVerifier,
            Self::System => RootCerts::WebPki,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_a_url_or_direct() {
        assert!(matches!(Proxy::parse("direct"), Ok(Proxy::Direct)));
        for good in ["http://proxy.example:8080", "http://user:pa%24s@proxy.example", "socks5://127.0.0.1"] {
            assert!(matches!(Proxy::parse(good), Ok(Proxy::Set(_))), "{good}");
        }
        for bad in ["", "proxy.example", "ftp://proxy.example", "http://", "http:// x"] {
            let error = Proxy::parse(bad).unwrap_err();
            assert!(error.to_string().starts_with("proxy: "), "{bad}");
        }
    }

    #[test]
    fn a_proxys_password_does_not_show() {
        let text = format!("{:?}", Proxy::parse("http://user:canary@proxy.example").unwrap());
        assert!(!text.contains("canary"), "{text}");
    }

    /// Runs itself again with an environment in which the system has no certificates.
    #[test]
    #[cfg(all(unix, not(target_vendor = "apple")))]
    fn where_the_system_has_no_certificates_the_bundled_ones_are_used() {
        const AGAIN: &str = "SIPGATE_OAUTH2_TEST_WITHOUT_CERTIFICATES";
        let crypto = Arc::new(aws_lc_rs::default_provider());
        if std::env::var_os(AGAIN).is_some() {
            assert!(matches!(Roots::System.load(&crypto), RootCerts::WebPki));
            return;
        }
        let name = "http::settings::tests::where_the_system_has_no_certificates_the_bundled_ones_are_used";
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .envs([(AGAIN, "1"), ("SSL_CERT_FILE", "/dev/null"), ("SSL_CERT_DIR", "/dev/null")])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        for bad in ["", "rubbish", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            assert!(Roots::parse(bad.as_bytes()).unwrap_err().to_string().starts_with("ca_certificates: "), "{bad}");
        }
    }
}
