//! What a node says about its cluster.

use ::redis::Value;

use super::commands;
use super::connection::{Connection, Failure};
use super::wire::{array, not_redis, number, text};
use crate::store::remote::address::Address;
use crate::store::remote::url::is_host;

/// The nodes of the cluster that have slots.
pub(super) fn primaries(connection: &mut Connection) -> Result<Vec<Address>, Failure> {
    let [slots] = connection.ask([&commands::cluster_slots()])?;
    let mut primaries = Vec::new();
    for range in array(slots?).ok_or_else(not_redis)? {
        let primary = array(range).and_then(|range| primary_of(range, &connection.address)).ok_or_else(not_redis)?;
        if !primaries.contains(&primary) {
            primaries.push(primary);
        }
    }
    Ok(primaries)
}

/// The primary, with its host and port, follows the first and the last slot of the range.
fn primary_of(range: Vec<Value>, asked: &Address) -> Option<Address> {
    let mut primary = array(range.into_iter().nth(2)?)?.into_iter();
    let host = text(primary.next()?).filter(|host| !host.is_empty() && host != "?");
    let port = u16::try_from(number(&primary.next()?)?).ok()?;
    let host = match (host, asked) {
        (Some(host), _) => Some(host).filter(|host| is_host(host))?,
        (None, Address::Tcp { host, .. }) => host.clone(),
        (None, Address::Unix(_)) => "localhost".to_owned(),
    };
    Some(Address::Tcp { host, port })
}
