//! The settings of connections, checked when a client is built. Building reads no file and no
//! environment variable, and uses no network: the first request does.

use std::time::Duration;

use super::proxy::Proxy;
use crate::tls::Roots;

/// The size of each buffer of a connection. ureq's own are of 128 KB, for files.
pub(super) const BUFFER: usize = 16 * 1024;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) roots: Roots,
    pub(crate) proxy: Proxy,
}
