//! What is settable about connections, checked when a client is built. Building touches no file, no environment and no network: that waits
//! for the first request.

use std::time::Duration;

use super::proxy::Proxy;
use super::roots::Roots;

#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) connect_timeout: Duration,
    pub(crate) request_timeout: Duration,
    pub(crate) roots: Roots,
    pub(crate) proxy: Proxy,
}
