//! The semaphores at each server.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::semaphore::Semaphore;
use crate::sys::sync::Mutex;

/// So many requests are under way at one server, each on a connection of its own.
const MAX_REQUESTS: usize = 64;

/// See the module.
#[derive(Default)]
pub(crate) struct PerServer(Mutex<HashMap<String, Arc<Semaphore>>>);

impl PerServer {
    /// Those of the server at this scheme, host and port.
    pub(crate) fn semaphore(&self, server: &str) -> Arc<Semaphore> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphores) = servers.get(server) {
            return Arc::clone(semaphores);
        }
        // Those that nobody uses now are as good as new ones.
        servers.retain(|_, semaphores| Arc::strong_count(semaphores) > 1);
        let semaphores = Semaphore::new(MAX_REQUESTS);
        servers.insert(server.to_owned(), Arc::clone(&semaphores));
        semaphores
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_its_semaphores_as_long_as_somebody_uses_them() {
        let servers = PerServer::default();
        let used = servers.semaphore("https://a.example");
        assert!(Arc::ptr_eq(&used, &servers.semaphore("https://a.example")));
        servers.semaphore("https://b.example");
        servers.semaphore("https://c.example");
        assert_eq!(servers.0.lock().unwrap().len(), 2);
    }
}
