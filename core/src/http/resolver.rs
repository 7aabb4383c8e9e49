//! Name look-ups on the thread that needs them. ureq's own resolver starts a thread for each, which
//! outlives its timeout.

use std::net::ToSocketAddrs;

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::{Error, http::uri::Scheme};

const MAX_ADDRESSES: usize = 16;

#[derive(Debug)]
pub(super) struct SystemResolver;

impl Resolver for SystemResolver {
    /// Blocks as long as the operating system does. The caller's wait does not depend on it.
    fn resolve(&self, uri: &Uri, config: &Config, _: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let host = uri.host().ok_or(Error::HostNotFound)?;
        let port = uri.port_u16().or_else(|| default_port(uri)).ok_or(Error::HostNotFound)?;
        let found = (host.trim_start_matches('[').trim_end_matches(']'), port).to_socket_addrs().map_err(|_| Error::HostNotFound)?;
        let mut addresses = self.empty();
        for address in config.ip_family().keep_wanted(found).take(MAX_ADDRESSES) {
            addresses.push(address);
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

fn default_port(uri: &Uri) -> Option<u16> {
    match uri.scheme() {
        Some(scheme) if *scheme == Scheme::HTTPS => Some(443),
        Some(scheme) if *scheme == Scheme::HTTP => Some(80),
        Some(scheme) if scheme.as_str().starts_with("socks") => Some(1080),
        _ => None,
    }
}
