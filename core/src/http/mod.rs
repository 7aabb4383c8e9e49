//! The only place that knows ureq: one POST, and how far it got.

mod connectors;
mod current;
mod failure;
mod resolver;
mod settings;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ureq::Agent;
use ureq::http::{HeaderMap, header};
use ureq::unversioned::transport::{ConnectProxyConnector, Connector, RustlsConnector, SocksConnector, TcpConnector};

use self::connectors::{PhaseConnector, TickConnector};
pub(crate) use self::settings::{Proxy, Roots, Settings};
use crate::oauth::message::{Answer, Body, Failure, Request};
use crate::process::PerProcess;
use crate::running::Progress;

const MAX_BODY: u64 = 1024 * 1024;

/// Sends requests over kept connections. A forked child makes its own.
pub(crate) struct Transport {
    settings: Settings,
    agent: PerProcess<Agent>,
}

impl Transport {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings, agent: PerProcess::new() }
    }

    /// Sends one POST on this thread and reads the whole answer. `progress` is told before the first byte, and may forbid it.
    pub(crate) fn send(&self, request: &Request, progress: &Arc<Progress>) -> Result<Answer, Failure> {
        current::during(progress, || self.post(request)).map_err(|error| failure::judge(error, progress))
    }

    fn post(&self, request: &Request) -> Result<Answer, ureq::Error> {
        let agent = self.agent.get_or_make(|| self.make_agent());
        let mut post = agent
            .post(&request.url)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "application/json");
        if let Some(authorization) = &request.authorization {
            post = post.header(header::AUTHORIZATION, authorization.reveal());
        }
        let mut response = post.send(request.body.reveal())?;
        let body = match response.body_mut().with_config().limit(MAX_BODY).read_to_vec() {
            Ok(body) => Body::Whole(body),
            Err(ureq::Error::BodyExceedsLimit(_)) => Body::TooLarge,
            Err(error) => return Err(error),
        };
        Ok(Answer { status: response.status().as_u16(), retry_after: retry_after(response.headers()), body })
    }

    /// From the socket up: a proxy's tunnel or a connection of our own, the ticks of cancelling, TLS, and above it the phase.
    fn make_agent(&self) -> Agent {
        let connectors =
            ().chain(SocksConnector::default())
                .chain(ConnectProxyConnector::default())
                .chain(TcpConnector::default())
                .chain(TickConnector)
                .chain(RustlsConnector::default())
                .chain(PhaseConnector { proxy: self.settings.proxy_uri() });
        Agent::with_parts(self.settings.config(), connectors, resolver::SystemResolver)
    }
}

/// RFC 9110, section 10.2.3: seconds, or a date, which is compared with the server's own clock.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name)?.to_str().ok().map(str::trim);
    let value = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let now = text(header::DATE).and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
    httpdate::parse_http_date(value).ok()?.duration_since(now).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(pairs: &[(header::HeaderName, &str)]) -> Option<u64> {
        let headers = pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect();
        retry_after(&headers).map(|duration| duration.as_secs())
    }

    #[test]
    fn retry_after_is_read_as_seconds_or_as_a_date_of_the_servers_clock() {
        let date = (header::DATE, "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(parsed(&[(header::RETRY_AFTER, "120")]), Some(120));
        assert_eq!(parsed(&[date.clone(), (header::RETRY_AFTER, "Sun, 06 Nov 1994 08:50:07 GMT")]), Some(30));
        assert_eq!(parsed(&[date, (header::RETRY_AFTER, "Sun, 06 Nov 1994 08:00:00 GMT")]), None);
        assert_eq!(parsed(&[(header::RETRY_AFTER, "soon")]), None);
        assert_eq!(parsed(&[]), None);
    }
}
