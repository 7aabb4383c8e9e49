//! The servers of a store, each with its connections.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::connection::Connection;
use super::refusal::Redirect;
use super::url::Route;
use crate::store::remote::address::Address;
use crate::store::remote::pool::Pool;
use crate::sys::process::PerProcess;

/// The server of the URL, and the other nodes if it belongs to a cluster.
pub(super) struct Nodes {
    home: Arc<Node>,
    connections: usize,
    cluster: PerProcess<Mutex<Cluster>>,
}

pub(super) struct Node {
    pub(super) route: Route,
    pub(super) pool: Pool<Connection>,
}

#[derive(Default)]
struct Cluster {
    nodes: Vec<Arc<Node>>,
    /// Where each slot that was asked for was last.
    slots: HashMap<u16, Arc<Node>>,
}

impl Nodes {
    pub(super) fn new(home: Route, connections: usize) -> Self {
        Self { home: Arc::new(Node::new(home, connections)), connections, cluster: PerProcess::new() }
    }

    pub(super) fn home(&self) -> Arc<Node> {
        Arc::clone(&self.home)
    }

    /// The node that has the slot, as far as this is known.
    pub(super) fn of(&self, slot: u16) -> Arc<Node> {
        self.with(|cluster| cluster.slots.get(&slot).map_or_else(|| self.home(), Arc::clone))
    }

    /// The node that the redirect of the server `from` leads to.
    pub(super) fn follow(&self, redirect: &Redirect, from: &Address) -> Arc<Node> {
        let host = match (&redirect.host, from) {
            (Some(host), _) | (None, Address::Tcp { host, .. }) => host.clone(),
            (None, Address::Unix(_)) => "localhost".to_owned(),
        };
        let node = self.at(&Address::Tcp { host, port: redirect.port });
        if !redirect.is_once {
            self.with(|cluster| cluster.slots.insert(redirect.slot, Arc::clone(&node)));
        }
        node
    }

    pub(super) fn at(&self, address: &Address) -> Arc<Node> {
        let is_there = |node: &Arc<Node>| matches!(&node.route, Route::Server(known) if known == address);
        if is_there(&self.home) {
            return self.home();
        }
        self.with(|cluster| {
            if let Some(node) = cluster.nodes.iter().find(|node| is_there(node)) {
                return Arc::clone(node);
            }
            let node = Arc::new(Node::new(Route::Server(address.clone()), self.connections));
            cluster.nodes.push(Arc::clone(&node));
            node
        })
    }

    /// These are the primaries of the cluster, and there are no others any more.
    pub(super) fn know(&self, primaries: &[Address]) {
        let nodes: Vec<_> = primaries.iter().map(|primary| self.at(primary)).collect();
        let is_known = |node: &Arc<Node>| nodes.iter().any(|known| Arc::ptr_eq(known, node));
        self.with(|cluster| {
            cluster.nodes.retain(is_known);
            cluster.slots.retain(|_, node| is_known(node));
        });
    }

    /// How many nodes are known.
    pub(super) fn count(&self) -> usize {
        1 + self.with(|cluster| cluster.nodes.len())
    }

    /// The nodes of the cluster other than these, which cannot be reached. Each node knows where a
    /// slot is.
    pub(super) fn others(&self, unreachable: &[Arc<Node>]) -> Vec<Arc<Node>> {
        let is_other = |node: &Arc<Node>| !unreachable.iter().any(|other| Arc::ptr_eq(other, node));
        self.with(|cluster| {
            cluster.slots.retain(|_, node| is_other(node));
            [self.home()].iter().chain(&cluster.nodes).filter(|node| is_other(node)).cloned().collect()
        })
    }

    fn with<T>(&self, act: impl FnOnce(&mut Cluster) -> T) -> T {
        let cluster = self.cluster.get_or_make(Mutex::default);
        let mut cluster: MutexGuard<'_, Cluster> = cluster.lock().unwrap_or_else(PoisonError::into_inner);
        act(&mut cluster)
    }
}

impl Node {
    fn new(route: Route, connections: usize) -> Self {
        Self { pool: Pool::new(route.to_string(), connections), route }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(port: u16) -> Address {
        Address::Tcp { host: "127.0.0.1".to_owned(), port }
    }

    fn moved(slot: u16, port: u16, is_once: bool) -> Redirect {
        Redirect { slot, host: None, port, is_once }
    }

    #[test]
    fn a_slot_is_asked_for_where_it_was_last() {
        let nodes = Nodes::new(Route::Server(tcp(1)), 1);
        assert!(Arc::ptr_eq(&nodes.of(7), &nodes.home()));
        let second = nodes.follow(&moved(7, 2, false), &tcp(1));
        assert!(Arc::ptr_eq(&nodes.of(7), &second) && Arc::ptr_eq(&nodes.of(8), &nodes.home()));
        let third = nodes.follow(&moved(7, 3, true), &tcp(1));
        assert!(Arc::ptr_eq(&nodes.of(7), &second) && !Arc::ptr_eq(&second, &third));
        assert!(Arc::ptr_eq(&nodes.follow(&moved(7, 1, false), &tcp(2)), &nodes.home()));
        assert!(Arc::ptr_eq(&nodes.of(7), &nodes.home()));
    }

    #[test]
    fn a_node_that_has_left_the_cluster_is_forgotten() {
        let nodes = Nodes::new(Route::Server(tcp(1)), 1);
        let second = nodes.follow(&moved(7, 2, false), &tcp(1));
        nodes.follow(&moved(8, 3, false), &tcp(1));
        nodes.know(&[tcp(2), tcp(4)]);
        assert!(Arc::ptr_eq(&nodes.of(7), &second) && Arc::ptr_eq(&nodes.of(8), &nodes.home()));
        let ports = |others: &[Arc<Node>]| others.iter().map(|node| node.route.to_string()).collect::<Vec<_>>();
        assert_eq!(ports(&nodes.others(&[nodes.home()])), ["127.0.0.1:2", "127.0.0.1:4"]);
    }

    #[test]
    fn the_slots_of_a_node_that_cannot_be_reached_are_asked_for_elsewhere() {
        let nodes = Nodes::new(Route::Server(tcp(1)), 1);
        let second = nodes.follow(&moved(7, 2, false), &tcp(1));
        let others = nodes.others(&[second]);
        assert!(others.len() == 1 && Arc::ptr_eq(&others[0], &nodes.home()));
        assert!(Arc::ptr_eq(&nodes.of(7), &nodes.home()));
        assert_eq!(nodes.others(&[nodes.home()]).len(), 1);
    }
}
