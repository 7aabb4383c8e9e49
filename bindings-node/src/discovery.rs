//! Discovery of a server's metadata.

use napi::Env;
use napi_derive::napi;
use sipgate_oauth2::{Discovery, Result};

use crate::client::seconds;
use crate::error::IntoJavaScript;
use crate::task::{Started, call_options, started};

/// How the server is reached.
#[napi(object, object_to_js = false)]
pub struct DiscoveryOptions {
    /// The contents of a PEM file.
    pub ca_certificates: Option<String>,
    /// `http://host:port`, `socks5://host:port` or `direct`.
    pub proxy: Option<String>,
    /// Seconds.
    pub connect_timeout: Option<f64>,
    /// Seconds.
    pub request_timeout: Option<f64>,
}

impl DiscoveryOptions {
    fn apply(self, mut discovery: Discovery) -> Result<Discovery> {
        if let Some(pem) = self.ca_certificates {
            discovery = discovery.ca_certificates(pem);
        }
        if let Some(proxy) = self.proxy {
            discovery = discovery.proxy(proxy);
        }
        if let Some(timeout) = self.connect_timeout {
            discovery = discovery.connect_timeout(seconds("connect_timeout", timeout)?);
        }
        if let Some(timeout) = self.request_timeout {
            discovery = discovery.request_timeout(seconds("request_timeout", timeout)?);
        }
        Ok(discovery)
    }
}

/// A server's metadata, as JSON text.
#[napi(catch_unwind)]
pub fn start_discover(env: Env, issuer: String, options: DiscoveryOptions, timeout: Option<f64>) -> Started {
    let discovery = options.apply(Discovery::new(issuer)).or_throw(env)?;
    started(env, discovery.start_discover(&call_options(timeout)), |metadata| metadata.to_json())
}
