//! Replaces the core's module: a network that delays and loses requests to this execution's server.

#[expect(dead_code, reason = "nothing here connects")]
#[path = "../../../../core/src/http/proxy.rs"]
mod proxy;
#[expect(dead_code, reason = "nothing here connects")]
#[path = "../../../../core/src/http/settings.rs"]
mod settings;

use std::sync::Arc;
use std::time::Duration;

pub(crate) use self::proxy::Proxy;
pub(crate) use self::settings::Settings;
use crate::server::Way;
use crate::sys::sync::thread;
use crate::task::progress::Progress;
use crate::world::World;
use protocol::http::{FailureKind, Request, Response, SendState, TransportError};

pub(crate) struct Transport {
    settings: Settings,
}

impl Transport {
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings }
    }

    #[expect(clippy::unused_self, reason = "as in the core")]
    pub(crate) fn proxy_to(&self, _url: &str) -> Option<String> {
        None
    }

    pub(crate) fn send(&self, request: &Request, progress: &Arc<Progress>) -> Result<Response, TransportError> {
        let server = Arc::clone(&World::here().server);
        let _asking = server.asked(request);
        let way = server.next_way(request);
        travel();
        if way == Way::Blocked {
            return Err(failed(SendState::NotSent, FailureKind::ConnectionLost));
        }
        if !progress.may_send() {
            return Err(failed(SendState::NotSent, FailureKind::Abandoned));
        }
        let response = server.respond(request, way);
        match way {
            Way::Silent => {
                thread::sleep(self.settings.request_timeout);
                Err(failed(SendState::Sent, FailureKind::TimedOut))
            }
            Way::ResponseLost => {
                travel();
                Err(failed(SendState::Sent, FailureKind::ConnectionLost))
            }
            _ => {
                travel();
                Ok(response)
            }
        }
    }
}

/// Takes from no time at all to longer than some callers wait.
fn travel() {
    let milliseconds = [0, 1, 30, 400][usize::try_from(World::here().draw() % 4).expect("less than four")];
    thread::sleep(Duration::from_millis(milliseconds));
}

fn failed(reached: SendState, kind: FailureKind) -> TransportError {
    TransportError { reached, kind, cause: None }
}
