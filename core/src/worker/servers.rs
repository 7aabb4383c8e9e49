//! The turns at each server.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use super::turns::Turns;
use crate::sync::Mutex;

/// So many requests are under way at one server, each on a connection of its own.
const MOST_REQUESTS: usize = 64;

/// See the module.
#[derive(Default)]
pub(crate) struct Servers(Mutex<HashMap<String, Arc<Turns>>>);

impl Servers {
    /// Those of the server at this scheme, host and port.
    pub(crate) fn turns(&self, server: &str) -> Arc<Turns> {
        let mut servers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(turns) = servers.get(server) {
            return Arc::clone(turns);
        }
        // Those that nobody uses now are as good as new ones.
        servers.retain(|_, turns| Arc::strong_count(turns) > 1);
        let turns = Turns::new(MOST_REQUESTS);
        servers.insert(server.to_owned(), Arc::clone(&turns));
        turns
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_its_turns_as_long_as_somebody_uses_them() {
        let servers = Servers::default();
        let used = servers.turns("https://a.example");
        assert!(Arc::ptr_eq(&used, &servers.turns("https://a.example")));
        servers.turns("https://b.example");
        servers.turns("https://c.example");
        assert_eq!(servers.0.lock().unwrap().len(), 2);
    }
}
