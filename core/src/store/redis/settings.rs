//! What a store knows of its server before it asks.

use std::sync::atomic::{AtomicBool, Ordering};

use protocol::error::{Error, Result};
use protocol::secret::Secret;

use super::commands;
use super::names::Names;
use super::url::{RedisUrl, Route};
use crate::store::options::{Durability, StoreOptions};
use crate::store::remote::encryption::{Encryption, Tls, only_this_machine};
use crate::store::remote::limits::Limits;
use crate::store::remote::password::Password;

pub(super) struct Settings {
    pub(super) encryption: Encryption,
    pub(super) user: Option<String>,
    pub(super) database: u32,
    pub(super) names: Names,
    pub(super) durability: Durability,
    pub(super) replicas: u32,
    pub(super) limits: Limits,
    /// Whether a server has said that it belongs to a cluster.
    pub(super) is_cluster: AtomicBool,
    /// Whether a server has said that it has no `WAITAOF`.
    pub(super) is_old: AtomicBool,
    pub(super) password: Password,
}

impl Settings {
    /// Also returns the way to the server.
    pub(super) fn new(url: &str, options: &StoreOptions) -> Result<(Self, Route)> {
        let RedisUrl { route, is_encrypted, user, password, database } = RedisUrl::parse(url)?;
        let encryption = if is_encrypted {
            Encryption::Tls(Tls::new(options.roots()?))
        } else {
            only_this_machine(route.addresses(), "use rediss:// or rediss+sentinel://")?;
            Encryption::ThisMachine
        };
        let (durability, replicas) = (options.durability.unwrap_or_default(), options.replicas.unwrap_or(0));
        if durability == Durability::Memory && replicas > 0 {
            return Err(Error::invalid_argument("replicas", "needs the durability `disk` or `server`"));
        }
        let (names, limits) = (Names::new(options.prefix.as_deref())?, Limits::new(options)?);
        Ok((
            Self {
                encryption,
                user,
                database,
                names,
                durability,
                replicas,
                limits,
                is_cluster: AtomicBool::new(false),
                is_old: AtomicBool::new(false),
                password: Password::new(password.map(Secret::from), options),
            },
            route,
        ))
    }

    pub(super) fn missing_right(&self) -> String {
        format!("the user lacks a right; an administrator must run {}", self.acl())
    }

    /// What gives the user the rights that the store needs.
    fn acl(&self) -> String {
        let user = self.user.as_deref().unwrap_or("default");
        let proof = match (self.durability, self.replicas) {
            // An older server refuses an ACL with WAITAOF, which it does not know.
            (Durability::Disk, _) if self.is_old.load(Ordering::Relaxed) => " +config|get",
            (Durability::Disk, _) => " +waitaof",
            (_, 0) => "",
            _ => " +wait",
        };
        let select = if self.database == 0 { "" } else { " +select" };
        let cluster = if self.is_cluster.load(Ordering::Relaxed) { " +asking +cluster|slots" } else { "" };
        format!("ACL SETUSER {user} ~{} {}{proof}{select}{cluster}", self.names.pattern(), commands::NEEDED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(url: &str, options: &StoreOptions) -> String {
        match Settings::new(url, options) {
            Ok(_) => panic!("{url} was accepted"),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn another_machine_needs_tls() {
        for url in ["redis://cache.internal", "redis://10.0.0.1", "redis+sentinel://localhost,s2.internal/m"] {
            let problem = problem(url, &StoreOptions::new());
            assert!(problem.starts_with("url: without TLS") && problem.contains("rediss://"), "{problem}");
        }
        for url in
            ["redis://localhost", "redis://[::1]", "unix:///run/redis.sock", "redis+sentinel://127.0.0.1/m", "rediss://cache.internal"]
        {
            assert!(Settings::new(url, &StoreOptions::new()).is_ok(), "{url}");
        }
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        let options = StoreOptions::new().durability(Durability::Memory).replicas(1);
        assert!(problem("redis://localhost", &options).starts_with("replicas: "));
        assert!(problem("redis://localhost", &StoreOptions::new().prefix("")).starts_with("prefix: "));
        assert!(problem("redis://localhost", &StoreOptions::new().connections(0)).starts_with("connections: "));
        assert!(problem("rediss://localhost", &StoreOptions::new().ca_certificates("x")).starts_with("ca_certificates: "));
    }

    #[test]
    fn the_acl_permits_what_is_used() {
        let acl = |url, options: StoreOptions| Settings::new(url, &options).unwrap().0.acl();
        let disk = acl("redis://app@localhost", StoreOptions::new());
        assert_eq!(disk, format!("ACL SETUSER app ~sipgate-oauth2:* {} +waitaof", commands::NEEDED));
        let server = StoreOptions::new().durability(Durability::Server).replicas(1).prefix("a*");
        assert_eq!(acl("redis://localhost/2", server), format!(r"ACL SETUSER default ~a\** {} +wait +select", commands::NEEDED));
    }
}
