//! How requests connect, as the application says it.

use std::time::Duration;

use protocol::error::{Error, Result};

use crate::http::{Proxy, Settings};
use crate::tls::Roots;

#[derive(Clone)]
pub(super) struct ConnectionOptions {
    pub(super) ca_certificates: Option<Vec<u8>>,
    pub(super) proxy: Option<String>,
    pub(super) connect_timeout: Duration,
    pub(super) request_timeout: Duration,
}

impl Default for ConnectionOptions {
    fn default() -> Self {
        Self { ca_certificates: None, proxy: None, connect_timeout: Duration::from_secs(5), request_timeout: Duration::from_secs(30) }
    }
}

impl ConnectionOptions {
    /// The settings, checked. No I/O.
    pub(super) fn settings(&self) -> Result<Settings> {
        check_timeout("connect_timeout", self.connect_timeout)?;
        check_timeout("request_timeout", self.request_timeout)?;
        Ok(Settings {
            connect_timeout: self.connect_timeout,
            request_timeout: self.request_timeout,
            roots: self.ca_certificates.as_deref().map_or(Ok(Roots::System), Roots::parse)?,
            proxy: self.proxy.as_deref().map_or(Ok(Proxy::Environment), Proxy::parse)?,
        })
    }
}

fn check_timeout(field: &str, timeout: Duration) -> Result<()> {
    if timeout.is_zero() || timeout > Duration::from_secs(3600) {
        return Err(Error::invalid_argument(field, "must be more than 0 and at most 3600 seconds"));
    }
    Ok(())
}
