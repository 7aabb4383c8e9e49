//! Finds the server for a key, and lets an operation run there.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use protocol::error::{Error, Result};

use super::cluster::primaries;
use super::connection::{Connection, Failure};
use super::names::slot;
use super::nodes::{Node, Nodes};
use super::refusal::Redirect;
use super::settings::Settings;
use crate::store::remote::address::Address;
use crate::store::remote::failure::unavailable;
use crate::store::remote::limits::share;
use crate::store::remote::pool::{Pooled, Repeat};

const MOST_REDIRECTS: usize = 5;

pub(super) struct Caller {
    pub(super) settings: Settings,
    pub(super) nodes: Nodes,
}

/// One operation.
#[derive(Clone, Copy)]
pub(super) struct Call<'a> {
    /// The name of the key that it is about.
    pub(super) name: &'a str,
    pub(super) deadline: Instant,
    pub(super) repeat: Repeat,
}

/// What an operation does with a connection.
type Act<'a> = dyn FnMut(&mut Connection) -> Result<(), Failure> + 'a;

/// How an operation on one node ended without a result.
enum End {
    Redirected(Redirect, Address),
    /// Nothing was sent.
    Unreachable(Error),
    Failed(Error),
}

impl Caller {
    pub(super) fn new(settings: Settings, nodes: Nodes) -> Self {
        Self { settings, nodes }
    }

    /// Runs the operation on the node that has its key.
    pub(super) fn call<T>(&self, call: Call<'_>, act: impl Fn(&mut Connection) -> Result<T, Failure>) -> Result<T> {
        result_of(act, |act| self.follow(call, act))
    }

    /// Runs the operation on this node.
    pub(super) fn on<T>(&self, node: &Node, call: Call<'_>, act: impl Fn(&mut Connection) -> Result<T, Failure>) -> Result<T> {
        result_of(act, |act| self.at(node, call, call.deadline, false, act)).map_err(|end| match end {
            End::Redirected(_, from) => unavailable(&from, "the cluster is changing; try again"),
            End::Unreachable(error) | End::Failed(error) => error,
        })
    }

    fn follow(&self, call: Call<'_>, act: &mut Act<'_>) -> Result<()> {
        let mut node = self.nodes.of(slot(call.name));
        let (mut is_asking, mut redirects, mut unreachable) = (false, 0, Vec::new());
        let mut failure = None;
        loop {
            let open_by = share(call.deadline, self.nodes.count().saturating_sub(unreachable.len()));
            match self.at(&node, call, open_by, is_asking, act) {
                Ok(()) => return Ok(()),
                Err(End::Redirected(_, from)) if redirects == MOST_REDIRECTS => {
                    return Err(unavailable(&from, "the nodes of the cluster do not agree which has this login; try again when they do"));
                }
                Err(End::Redirected(redirect, from)) => {
                    redirects += 1;
                    is_asking = redirect.is_once;
                    node = self.nodes.follow(&redirect, &from);
                }
                Err(End::Unreachable(error)) => {
                    unreachable.push(node);
                    is_asking = false;
                    failure = Some(error);
                    let Some(other) = self.nodes.others(&unreachable).into_iter().next() else { break };
                    node = other;
                }
                Err(End::Failed(error)) => return Err(error),
            }
            if unreachable.iter().any(|other| Arc::ptr_eq(other, &node)) {
                break;
            }
        }
        Err(failure.expect("only a node that could not be reached ends the loop"))
    }

    fn at(&self, node: &Node, call: Call<'_>, open_by: Instant, is_asking: bool, act: &mut Act<'_>) -> Result<(), End> {
        let mut connection = self.connection(node, call, open_by)?;
        let mut ended = Self::run(&mut connection, is_asking, act);
        let may_have_been_closed = connection.was_idle() && call.repeat == Repeat::Once;
        if may_have_been_closed && matches!(&ended, Err(Failure::Broken(error)) if error.kind() != io::ErrorKind::TimedOut) {
            drop(connection);
            node.pool.clear();
            connection = self.connection(node, call, open_by)?;
            ended = Self::run(&mut connection, is_asking, act);
        }
        self.finish(node, connection, ended)
    }

    fn connection(&self, node: &Node, call: Call<'_>, open_by: Instant) -> Result<Pooled<Connection>, End> {
        let mut connection = node.pool.get(call.deadline, || self.open(node, open_by)).map_err(End::Unreachable)?;
        connection.set_deadline(call.deadline);
        if let Err(error) = self.settings.look_again(&mut connection) {
            drop(connection);
            node.pool.clear();
            return Err(End::Unreachable(error));
        }
        Ok(connection)
    }

    /// A node of a cluster also says which others there are: it may be the next one to fail.
    fn open(&self, node: &Node, deadline: Instant) -> Result<Connection> {
        let mut connection = self.settings.open(&node.route, deadline)?;
        if connection.info.is_cluster {
            match primaries(&mut connection) {
                Ok(primaries) => self.nodes.know(&primaries),
                Err(failure @ Failure::Broken(_)) => return Err(self.settings.error(&connection.address, failure)),
                // Without the right to ask, redirects lead to them.
                Err(_) => {}
            }
        }
        Ok(connection)
    }

    fn run(connection: &mut Connection, is_asking: bool, act: &mut Act<'_>) -> Result<(), Failure> {
        connection.set_asking(is_asking);
        act(connection)
    }

    /// Gives the connection back, unless it is broken or its server is not the right one any more.
    fn finish(&self, node: &Node, connection: Pooled<Connection>, ended: Result<(), Failure>) -> Result<(), End> {
        let Err(failure) = ended else {
            connection.give_back();
            return Ok(());
        };
        let (address, is_cluster) = (connection.address.clone(), connection.info.is_cluster);
        let (is_good, redirect) = match &failure {
            Failure::Broken(_) => (false, None),
            Failure::Refused(refusal) => (!refusal.ends_connections(), refusal.redirect().cloned()),
            Failure::NotProved | Failure::Told(_) => (true, None),
        };
        let is_refused = matches!(failure, Failure::Refused(_));
        let error = self.settings.error(&address, failure);
        if is_good {
            connection.give_back();
        } else {
            drop(connection);
            node.pool.clear();
            // A new connection to a replica leads elsewhere, but one to a node of a cluster that is
            // down does not.
            if is_refused && is_cluster {
                node.pool.back_off(&error);
            }
        }
        match redirect {
            Some(redirect) => Err(End::Redirected(redirect, address)),
            None => Err(End::Failed(error)),
        }
    }
}

/// The result of an operation that `run` runs. Only this exists once for each kind of result.
fn result_of<T, E>(act: impl Fn(&mut Connection) -> Result<T, Failure>, run: impl FnOnce(&mut Act<'_>) -> Result<(), E>) -> Result<T, E> {
    let mut result = None;
    run(&mut |connection| {
        result = Some(act(connection)?);
        Ok(())
    })?;
    Ok(result.expect("an operation that has succeeded has a result"))
}
