//! Whether connections are encrypted, and which servers they may reach if they are not.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use protocol::error::{Error, Result};
use rustls::{CertificateError, ClientConfig};

use super::address::Address;
use super::socket::Socket;
use crate::sys::process::PerProcess;
use crate::tls::{Roots, Trust};

/// Whether the connections of a store are encrypted.
pub(crate) enum Encryption {
    /// They are not, and reach this machine only.
    ThisMachine,
    Tls(Tls),
}

/// The TLS of a store. The first connection of a process reads the certificates.
pub(crate) struct Tls {
    roots: Roots,
    config: PerProcess<Arc<ClientConfig>>,
}

impl Tls {
    pub(crate) fn new(roots: Roots) -> Self {
        Self { roots, config: PerProcess::new() }
    }

    /// Encrypts a connection on which both sides have agreed to do so, and verifies the server.
    pub(crate) fn start(&self, socket: Socket, host: &str, deadline: Instant) -> io::Result<Socket> {
        socket.start_tls(&self.config(), host, deadline).map_err(|cause| match cause.get_ref().and_then(|cause| cause.downcast_ref()) {
            Some(rustls::Error::InvalidCertificate(why)) => {
                let refused = CertificateRefused { why: why.clone(), own_roots: self.roots.are_own() };
                io::Error::new(io::ErrorKind::InvalidData, refused)
            }
            _ => cause,
        })
    }

    fn config(&self) -> Arc<ClientConfig> {
        Arc::clone(&self.config.get_or_make(|| Trust::of(&self.roots).new_config()))
    }
}

/// The certificate of the server was refused.
#[derive(Debug)]
pub(super) struct CertificateRefused {
    pub(super) why: CertificateError,
    /// Whether the application gave the certificates to trust.
    pub(super) own_roots: bool,
}

impl fmt::Display for CertificateRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.why.fmt(f)
    }
}

impl std::error::Error for CertificateRefused {}

/// Fails for another machine: without TLS, anybody on the network could read logins and passwords.
/// `remedy` says what to write in the URL.
pub(crate) fn only_this_machine<'a>(addresses: impl IntoIterator<Item = &'a Address>, remedy: &str) -> Result<()> {
    match addresses.into_iter().find(|address| !address.is_local()) {
        Some(other) => {
            Err(Error::invalid_argument("url", format_args!("without TLS, only this machine may be reached, and {other} is not; {remedy}")))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_tls_only_this_machine_is_reached() {
        let tcp = |host: &str| Address::Tcp { host: host.to_owned(), port: 1 };
        only_this_machine(&[tcp("localhost"), tcp("127.0.0.1"), Address::Unix("/run/x".into())], "").unwrap();
        let error = only_this_machine(&[tcp("localhost"), tcp("db.internal")], "use rediss://").unwrap_err();
        assert_eq!(error.to_string(), "url: without TLS, only this machine may be reached, and db.internal:1 is not; use rediss://");
    }

    #[test]
    fn a_process_makes_its_configuration_once() {
        let tls = Tls::new(Roots::System);
        assert!(Arc::ptr_eq(&tls.config(), &tls.config()));
    }
}
