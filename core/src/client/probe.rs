//! What the command line asks beyond the public interface.

use std::sync::Arc;

use protocol::error::Result;
use protocol::http::Request;
use protocol::oauth::authorization_parameters::AuthorizationParameters;
use protocol::oauth::authorization_request::AuthorizationRequest;
use protocol::oauth::authorization_response;
use protocol::openid::discovery;

use super::client::Client;
use crate::session::store::Store;
use crate::session::sweep::KeepAliveReport;

/// What a page of the server tells of itself.
#[non_exhaustive]
pub struct Probe {
    /// The status of the response.
    pub status: u16,
    /// How far the server's clock is ahead of the clock of this machine, in seconds, if the server
    /// says its time.
    pub clock_ahead: Option<i64>,
    /// The proxy on the way: host and port.
    pub proxy: Option<String>,
}

/// Loads a page with the client's connections, and does not follow redirects. Blocks.
///
/// # Errors
///
/// Those of a request of the client.
pub fn probe(client: &Client, url: &str) -> Result<Probe> {
    let context = &client.context;
    let before = context.clock.unix_seconds();
    let response = context.transport.send(&Request::get(url, "*/*"), &Arc::default());
    let after = context.clock.unix_seconds();
    let response = response.map_err(|failure| discovery::context(url, after).failed(failure))?;
    // The server has said its time somewhere between.
    let clock_ahead = response.server_time().map(|time| if time < before { time - before } else { (time - after).max(0) });
    Ok(Probe { status: response.status, clock_ahead, proxy: context.transport.proxy_to(url) })
}

/// Whether a login with these parameters could be stored, before the user logs in.
///
/// # Errors
///
/// Those of [`Client::start_login_in_browser`] before it opens anything.
pub fn check_can_log_in(client: &Client, account: Option<&str>, parameters: &AuthorizationParameters) -> Result<()> {
    client.check_can_log_in(account, parameters)
}

/// Whether a callback is a response to this request, good or bad. Does not use the request up.
///
/// # Errors
///
/// Those of [`Client::complete_login`] before it sends anything.
pub fn check_callback(client: &Client, request: &AuthorizationRequest, callback: &str) -> Result<()> {
    authorization_response::check_shared(request, callback, client.context.clock.unix_seconds()).map(drop)
}

/// Whether the client authenticates with a secret.
pub fn has_secret(client: &Client) -> bool {
    client.context.credentials.secret().is_some()
}

/// How many parts of the store a report left out: those that an earlier call had looked at, and
/// those that another process looks at.
pub fn left_out(report: &KeepAliveReport) -> (u64, u64) {
    (report.not_due, report.elsewhere)
}

/// The client's store, if it has one.
pub fn store(client: &Client) -> Option<&Store> {
    client.store().ok()
}

/// Where a store is: a path, or a URL without user and password.
pub fn place(store: &Store) -> &str {
    store.place()
}

/// Whether a store did not exist when it was last read, and was not created.
pub fn is_missing(store: &Store) -> bool {
    store.is_missing()
}
