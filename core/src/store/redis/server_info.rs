//! What a server says about itself.

use std::time::Duration;

use crate::store::options::Durability;

/// The reply to `INFO`, as far as it matters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ServerInfo {
    /// Whether the user has the right to ask.
    pub(super) is_known: bool,
    /// The version of Redis whose commands the server has.
    pub(super) version: (u32, u32),
    pub(super) is_loading: bool,
    pub(super) is_replica: bool,
    pub(super) is_cluster: bool,
    /// The policy that deletes entries when the memory is full, if any does.
    pub(super) eviction: Option<String>,
    /// Whether each write goes to an append-only file. `None` if the server does not say so.
    pub(super) append_only: Option<bool>,
    pub(super) last_append_failed: bool,
    /// The server's `appendfsync`, if it was asked.
    pub(super) append_fsync: Option<String>,
}

/// How it is known that a write is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// By the reply.
    Reply,
    /// By `WAITAOF`.
    Disk { replicas: u32 },
    /// By `WAIT`.
    Replicas { replicas: u32 },
}

/// Why a server cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// Until the user may ask.
    NotKnown,
    /// Until it has its data.
    Loading,
    /// Until it is promoted.
    Replica,
    /// Until somebody changes it, with the remedy.
    Settings(String),
}

/// How long the response to `INFO` counts.
pub(super) const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl ServerInfo {
    pub(super) fn parse(info: &str) -> Self {
        let value = |name: &str| info.lines().find_map(|line| line.trim_end().strip_prefix(name)?.strip_prefix(':'));
        let version = value("redis_version").unwrap_or_default();
        let mut numbers = version.split('.').map(|number| number.parse().unwrap_or(0));
        let evicts = value("maxmemory") != Some("0");
        Self {
            is_known: true,
            version: (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)),
            is_loading: value("loading") == Some("1"),
            is_replica: value("role") == Some("slave"),
            is_cluster: value("cluster_enabled") == Some("1"),
            eviction: value("maxmemory_policy").filter(|policy| evicts && *policy != "noeviction").map(str::to_owned),
            append_only: value("aof_enabled").map(|enabled| enabled == "1"),
            last_append_failed: value("aof_last_write_status") == Some("err"),
            append_fsync: None,
        }
    }

    /// Whether it is worth asking for `appendfsync`: without `WAITAOF`, it decides.
    pub(super) fn needs_append_fsync(&self, durability: Durability) -> bool {
        durability == Durability::Disk && self.append_only == Some(true) && !self.has_wait_aof()
    }

    /// How the server proves that a write is stored, or why it cannot be used. A replica in a
    /// cluster can: it says where the primary is.
    pub(super) fn proof(&self, durability: Durability, replicas: u32) -> Result<Proof, Unfit> {
        if !self.is_known {
            return Err(Unfit::NotKnown);
        }
        if self.is_loading {
            return Err(Unfit::Loading);
        }
        if self.is_replica && !self.is_cluster {
            return Err(Unfit::Replica);
        }
        match self.faults(durability, replicas).into_iter().next() {
            Some(fault) => Err(Unfit::Settings(fault)),
            None if durability == Durability::Disk && self.has_wait_aof() => Ok(Proof::Disk { replicas }),
            None if replicas > 0 => Ok(Proof::Replicas { replicas }),
            None => Ok(Proof::Reply),
        }
    }

    /// What is wrong with the server's settings, each with its remedy.
    pub(super) fn faults(&self, durability: Durability, replicas: u32) -> Vec<String> {
        let mut faults = Vec::new();
        if let Some(policy) = &self.eviction {
            faults.push(format!(
                "the server deletes logins when its memory is full (maxmemory-policy {policy}); set maxmemory-policy noeviction"
            ));
        }
        if durability == Durability::Disk && self.is_known {
            faults.extend(self.disk_fault(replicas).map(str::to_owned));
        }
        faults
    }

    fn disk_fault(&self, replicas: u32) -> Option<&'static str> {
        match (self.append_only, self.append_fsync.as_deref()) {
            (Some(false), _) => Some("the server has no append-only file; set appendonly yes, or choose another durability"),
            (None, _) => Some(
                "the server does not say whether it writes to its disk; choose the durability `server` if its operator promises that it keeps each write",
            ),
            _ if self.has_wait_aof() => None,
            _ if replicas > 0 => {
                Some("the server cannot prove that a replica has a write on disk; use Redis 7.2 or later or Valkey, or set replicas to 0")
            }
            (_, Some("always")) => None,
            (_, Some(_)) => {
                Some("the server writes to its disk later than it says so; set appendfsync always, or use Redis 7.2 or later or Valkey")
            }
            (_, None) => Some(
                "the server does not say when it writes to its disk; permit +config|get and set appendfsync always, or use Redis 7.2 or later or Valkey",
            ),
        }
    }

    pub(super) fn has_wait_aof(&self) -> bool {
        self.version >= (7, 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# Server\r\nredis_version:7.2.4\r\nvalkey_version:9.1.2\r\n# Memory\r\nmaxmemory:0\r\nmaxmemory_human:0B\r\n\
        maxmemory_policy:noeviction\r\n# Persistence\r\naof_enabled:1\r\naof_last_write_status:ok\r\n# Replication\r\nrole:master\r\n\
        # Cluster\r\ncluster_enabled:0\r\n";

    fn proof(info: &str, durability: Durability, replicas: u32) -> Result<Proof, Unfit> {
        ServerInfo::parse(info).proof(durability, replicas)
    }

    fn fault(info: &ServerInfo, replicas: u32) -> String {
        match info.proof(Durability::Disk, replicas) {
            Err(Unfit::Settings(fault)) => fault,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_server_says_what_proves_a_write() {
        assert_eq!(proof(GOOD, Durability::Disk, 2), Ok(Proof::Disk { replicas: 2 }));
        assert_eq!(proof(GOOD, Durability::Server, 0), Ok(Proof::Reply));
        assert_eq!(proof(GOOD, Durability::Server, 1), Ok(Proof::Replicas { replicas: 1 }));
        assert_eq!(proof("role:master\r\n", Durability::Memory, 0), Ok(Proof::Reply));
        assert_eq!(proof(&GOOD.replace("7.2.4", "8.0.1"), Durability::Disk, 0), Ok(Proof::Disk { replicas: 0 }));
    }

    #[test]
    fn an_older_server_is_used_if_it_writes_at_once() {
        let old = ServerInfo::parse(&GOOD.replace("7.2.4", "7.0.15"));
        assert!(old.needs_append_fsync(Durability::Disk) && !old.needs_append_fsync(Durability::Server));
        assert!(fault(&old, 0).contains("+config|get"));
        assert!(fault(&ServerInfo { append_fsync: Some("everysec".to_owned()), ..old.clone() }, 0).contains("appendfsync always"));
        let always = ServerInfo { append_fsync: Some("always".to_owned()), ..old };
        assert_eq!(always.proof(Durability::Disk, 0), Ok(Proof::Reply));
        assert!(fault(&always, 1).contains("replicas to 0"));
        assert!(!ServerInfo::parse(GOOD).needs_append_fsync(Durability::Disk));
    }

    #[test]
    fn a_server_that_would_lose_logins_is_unfit() {
        for (line, changed, word) in [
            (
                "maxmemory:0\r\nmaxmemory_human:0B\r\nmaxmemory_policy:noeviction",
                "maxmemory:9\r\nmaxmemory_policy:allkeys-lru",
                "noeviction",
            ),
            ("maxmemory:0\r\nmaxmemory_human:0B\r\nmaxmemory_policy:noeviction", "maxmemory_policy:volatile-ttl", "noeviction"),
            ("aof_enabled:1", "aof_enabled:0", "appendonly yes"),
            ("aof_enabled:1", "x:0", "durability `server`"),
        ] {
            assert!(GOOD.contains(line));
            assert!(fault(&ServerInfo::parse(&GOOD.replace(line, changed)), 0).contains(word), "{changed}");
        }
        let policy_without_limit = GOOD.replace("noeviction", "allkeys-lru");
        assert_eq!(proof(&policy_without_limit, Durability::Disk, 0), Ok(Proof::Disk { replicas: 0 }));
    }

    #[test]
    fn a_server_is_not_used_before_it_has_its_data() {
        assert_eq!(proof(&format!("{GOOD}loading:1\r\n"), Durability::Memory, 0), Err(Unfit::Loading));
    }

    #[test]
    fn a_replica_is_only_asked_in_a_cluster() {
        let replica = GOOD.replace("role:master", "role:slave");
        assert_eq!(proof(&replica, Durability::Memory, 0), Err(Unfit::Replica));
        assert!(proof(&replica.replace("cluster_enabled:0", "cluster_enabled:1"), Durability::Disk, 0).is_ok());
    }
}
