//! TLS sessions that can be resumed. A ticket of TLS 1.3 is for one connection (RFC 8446, appendix
//! C.4), and each request has its own connection: there must be as many tickets as requests at the
//! same time. rustls' own store keeps eight.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;

/// More than there are requests to one server at the same time.
const MAX_TICKETS: usize = 128;

/// Once there are sessions of so many servers, all are forgotten.
const MAX_SERVERS: usize = 256;

#[derive(Default)]
pub(super) struct Sessions(Mutex<HashMap<ServerName<'static>, LocalState>>);

#[derive(Default)]
struct LocalState {
    group: Option<NamedGroup>,
    tls12: Option<Tls12ClientSessionValue>,
    /// The oldest first.
    tickets: VecDeque<Tls13ClientSessionValue>,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, HashMap<ServerName<'static>, LocalState>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with(&self, server: ServerName<'static>, change: impl FnOnce(&mut LocalState)) {
        let mut all = self.lock();
        if all.len() >= MAX_SERVERS && !all.contains_key(&server) {
            all.clear();
        }
        change(all.entry(server).or_default());
    }
}

/// It holds the sessions' secrets.
impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

impl ClientSessionStore for Sessions {
    fn set_kx_hint(&self, server: ServerName<'static>, group: NamedGroup) {
        self.with(server, |known| known.group = Some(group));
    }

    fn kx_hint(&self, server: &ServerName<'_>) -> Option<NamedGroup> {
        self.lock().get(server)?.group
    }

    fn set_tls12_session(&self, server: ServerName<'static>, session: Tls12ClientSessionValue) {
        self.with(server, |known| known.tls12 = Some(session));
    }

    fn tls12_session(&self, server: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.lock().get(server)?.tls12.clone()
    }

    fn remove_tls12_session(&self, server: &ServerName<'static>) {
        if let Some(known) = self.lock().get_mut(server) {
            known.tls12 = None;
        }
    }

    fn insert_tls13_ticket(&self, server: ServerName<'static>, ticket: Tls13ClientSessionValue) {
        self.with(server, |LocalState { tickets, .. }| {
            if tickets.len() == MAX_TICKETS {
                tickets.pop_front();
            }
            tickets.push_back(ticket);
        });
    }

    /// The newest: it is valid for the longest time.
    fn take_tls13_ticket(&self, server: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.lock().get_mut(server)?.tickets.pop_back()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_never_more_servers_than_the_limit() {
        let sessions = Sessions::default();
        let name = |number| ServerName::try_from(format!("{number}.example")).unwrap();
        let known = |number| sessions.kx_hint(&name(number)).is_some();
        for number in 0..=MAX_SERVERS {
            sessions.set_kx_hint(name(number), NamedGroup::X25519);
            assert!(known(number) && sessions.lock().len() <= MAX_SERVERS, "{number}");
        }
    }
}
