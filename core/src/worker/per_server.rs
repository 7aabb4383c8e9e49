//! One semaphore per server.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::semaphore::Semaphore;
use crate::sys::sync::Mutex;

/// How many requests run at one server at a time, each on a connection of its own.
const MAX_REQUESTS: usize = 64;

/// The semaphores of the servers that are in use.
#[derive(Default)]
pub(crate) struct PerServer(Mutex<HashMap<String, Arc<Semaphore>>>);

impl PerServer {
    /// The semaphore of the server at this scheme, host and port.
    pub(crate) fn semaphore(&self, server: &str) -> Arc<Semaphore> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(semaphore) = servers.get(server) {
            return Arc::clone(semaphore);
        }
        // A semaphore that is not in use does not differ from a new one.
        servers.retain(|_, semaphore| Arc::strong_count(semaphore) > 1);
        let semaphore = Semaphore::new(MAX_REQUESTS);
        servers.insert(server.to_owned(), Arc::clone(&semaphore));
        semaphore
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_keeps_its_semaphore_while_it_is_in_use() {
        let servers = PerServer::default();
        let used = servers.semaphore("https://a.example");
        assert!(Arc::ptr_eq(&used, &servers.semaphore("https://a.example")));
        servers.semaphore("https://b.example");
        servers.semaphore("https://c.example");
        assert_eq!(servers.0.lock().unwrap().len(), 2);
    }
}
