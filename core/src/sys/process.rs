//! The fork guard. A forked child must not use what its parent opened: a shared TLS session is nonce reuse, a shared connection
//! hands one process the other's answers, and a lock that was held at the fork stays held for ever.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwapOption;

/// A value made once per process. A child that was forked makes its own and forgets the parent's: dropping it could touch a
/// connection or a lock that the parent still uses.
pub(crate) struct PerProcess<T> {
    current: ArcSwapOption<Owned<T>>,
}

struct Owned<T> {
    origin: Origin,
    value: Arc<T>,
}

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self { current: ArcSwapOption::const_empty() }
    }

    /// This process's value, made by `make` when there is none yet. When two threads make one at once, one of them is used.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> T) -> Arc<T> {
        self.get_or_succeed(make, |_| ())
    }

    /// The same, with a last look at the parent's value in a child that has just made its own. One thread gets it.
    pub(crate) fn get_or_succeed(&self, make: impl FnOnce() -> T, take_leave: impl FnOnce(&T)) -> Arc<T> {
        let here = Origin::here();
        let seen = self.current.load();
        if let Some(owned) = seen.as_ref()
            && owned.origin == here
        {
            return Arc::clone(&owned.value);
        }
        let made = Arc::new(Owned { origin: here, value: Arc::new(make()) });
        let previous = self.current.compare_and_swap(&seen, Some(Arc::clone(&made)));
        match previous.as_ref() {
            Some(other) if other.origin == here => Arc::clone(&other.value),
            inherited => {
                if let Some(inherited) = inherited {
                    take_leave(&inherited.value);
                }
                mem::forget(inherited.cloned());
                Arc::clone(&made.value)
            }
        }
    }
}

/// The process in which something was made. What has an effect on the system when it is dropped asks whether it still is there: a
/// forked child drops copies of what is its parent's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Origin(u32);

impl Origin {
    pub(crate) fn here() -> Self {
        Self(std::process::id())
    }

    pub(crate) fn is_here(self) -> bool {
        self == Self::here()
    }

    /// Another process, for tests that cannot fork.
    #[cfg(test)]
    pub(crate) const fn elsewhere() -> Self {
        Self(0)
    }
}

/// Which process something belongs to, in a form that is stored and that other processes can ask after. The id alone does not tell: systems give ids
/// again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessIdentity {
    pub(crate) id: u32,
    /// When and where it started, as an opaque text. Nothing where the system does not tell.
    pub(crate) started: Option<String>,
}

impl ProcessIdentity {
    /// This process's. Read once; a forked child has its own.
    pub(crate) fn here() -> Arc<Self> {
        static HERE: PerProcess<ProcessIdentity> = PerProcess::new();
        HERE.get_or_make(|| Self { id: std::process::id(), started: system::here().map(|start| start.to_string()) })
    }

    /// Whether that process still runs; one that has ended and that its parent has not asked about does not. Nothing where it cannot be known: on
    /// Windows, of a process in another container or of another boot, and of one whose start is not known while a process with its id runs.
    pub(crate) fn is_alive(&self) -> Option<bool> {
        let here = Self::here();
        if here.id == self.id && here.started == self.started && here.started.is_some() {
            return Some(true);
        }
        system::is_alive(self.id, self.started.as_deref())
    }
}

/// What tells a process from a later one with the same id: which start of the machine, which set of process ids, and when.
#[cfg(target_os = "linux")]
mod system {
    use std::fmt;
    use std::fs;

    use rustix::process::{Pid, test_kill_process};

    pub(super) struct Start {
        boot: String,
        /// Containers count their processes apart.
        id_space: String,
        ticks: u64,
    }

    pub(super) fn here() -> Option<Start> {
        let stat = Stat::read("self")?;
        // In a container that sees its host's `/proc`, the ids there are not the ones that it knows.
        if stat.id != std::process::id() {
            return None;
        }
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let id_space = fs::read_link("/proc/self/ns/pid").ok()?.to_str()?.trim_start_matches("pid:").to_owned();
        Some(Start { boot, id_space, ticks: stat.started })
    }

    pub(super) fn is_alive(id: u32, started: Option<&str>) -> Option<bool> {
        let (there, here) = (Start::parse(started?)?, here()?);
        // Another boot is another start of this machine, or another kernel that has the same file: a virtual machine's, a sandbox's.
        if there.boot != here.boot || there.id_space != here.id_space {
            return None;
        }
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw)?;
        if test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            return Some(false);
        }
        let stat = Stat::read(&id.to_string())?;
        Some(stat.started == there.ticks && !stat.has_ended)
    }

    impl fmt::Display for Start {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} {} {}", self.boot, self.id_space, self.ticks)
        }
    }

    impl Start {
        fn parse(text: &str) -> Option<Self> {
            let mut words = text.split(' ').map(str::to_owned);
            let start = Self { boot: words.next()?, id_space: words.next()?, ticks: words.next()?.parse().ok()? };
            words.next().is_none().then_some(start)
        }
    }

    /// What proc_pid_stat(5) tells of a process.
    pub(super) struct Stat {
        id: u32,
        pub(super) has_ended: bool,
        pub(super) started: u64,
    }

    impl Stat {
        fn read(process: &str) -> Option<Self> {
            Self::parse(&fs::read(format!("/proc/{process}/stat")).ok()?)
        }

        /// The name is in parentheses, and may hold anything, parentheses and bytes that are no text too.
        pub(super) fn parse(line: &[u8]) -> Option<Self> {
            let line = String::from_utf8_lossy(line);
            let ((before, _), (_, behind)) = (line.split_once(' ')?, line.rsplit_once(") ")?);
            let fields: Vec<_> = behind.split_ascii_whitespace().collect();
            let field = |number: usize| fields.get(number - 3).copied();
            // The first thread may have ended before the others.
            let has_ended = matches!(field(3)?, "Z" | "X") && field(20)?.parse::<i64>().ok()? <= 1;
            Some(Self { id: before.parse().ok()?, has_ended, started: field(22)?.parse().ok()? })
        }
    }
}

/// Whether a process runs is known, and when it started is not.
#[cfg(all(unix, not(target_os = "linux")))]
mod system {
    use rustix::process::{Pid, test_kill_process};

    pub(super) fn here() -> Option<String> {
        None
    }

    pub(super) fn is_alive(id: u32, _started: Option<&str>) -> Option<bool> {
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw)?;
        (test_kill_process(pid) == Err(rustix::io::Errno::SRCH)).then_some(false)
    }
}

#[cfg(not(unix))]
mod system {
    pub(super) fn here() -> Option<String> {
        None
    }

    pub(super) fn is_alive(_id: u32, _started: Option<&str>) -> Option<bool> {
        None
    }
}

/// Whether a process is in the midst of something that a forked child could not go on with. The caller sees to it that only one thread at
/// a time is.
pub(crate) struct Presence(AtomicU32);

impl Presence {
    const NOBODY: u32 = 0;

    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Self::NOBODY))
    }

    /// False in a process that was forked while its parent was inside, from then on.
    pub(crate) fn enter(&self) -> bool {
        self.0.compare_exchange(Self::NOBODY, std::process::id(), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// By whoever entered.
    pub(crate) fn leave(&self) {
        self.0.store(Self::NOBODY, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_is_made_and_shared_within_a_process() {
        let holder = PerProcess::new();
        let first = holder.get_or_make(|| 1);
        let second = holder.get_or_make(|| 2);
        assert_eq!((*first, *second), (1, 1));
    }

    #[test]
    fn the_value_of_another_process_is_replaced_and_never_dropped() {
        struct Loud;
        impl Drop for Loud {
            fn drop(&mut self) {
                panic!("the parent's value was dropped");
            }
        }
        let holder = PerProcess::new();
        holder.current.store(Some(Arc::new(Owned { origin: Origin::elsewhere(), value: Arc::new(Some(Loud)) })));
        assert!(holder.get_or_make(|| None).is_none());
    }

    #[test]
    fn a_child_looks_at_its_parents_value_once() {
        let holder = PerProcess::new();
        holder.current.store(Some(Arc::new(Owned { origin: Origin::elsewhere(), value: Arc::new(1) })));
        let mut seen = Vec::new();
        for made in [2, 3] {
            assert_eq!(*holder.get_or_succeed(|| made, |inherited| seen.push(*inherited)), 2);
        }
        assert_eq!(seen, [1]);
    }

    #[test]
    fn who_is_forked_inside_never_gets_in() {
        let presence = Presence::new();
        assert!(presence.enter());
        presence.leave();
        assert!(presence.enter());
        assert!(!presence.enter());
    }

    #[test]
    fn the_start_of_this_process_is_stable_and_it_is_alive() {
        let first = ProcessIdentity::here();
        assert_eq!(*first, ProcessIdentity { id: std::process::id(), started: system::here().map(|start| start.to_string()) });
        assert_eq!(first.is_alive(), first.started.as_ref().map(|_| true));
    }

    #[cfg(target_os = "linux")]
    mod on_linux {
        use std::process::{Command, Stdio};

        use super::super::system::Stat;
        use super::*;

        fn started() -> String {
            ProcessIdentity::here().started.clone().expect("Linux tells it")
        }

        fn alive(id: u32, started: &str) -> Option<bool> {
            ProcessIdentity { id, started: Some(started.to_owned()) }.is_alive()
        }

        #[test]
        fn a_process_that_does_not_exist_or_has_ended_is_not_alive() {
            // Ids end at 2^22.
            assert_eq!(alive(1 << 30, &started()), Some(false));
            let mut child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
            let ticks = Stat::parse(&std::fs::read(format!("/proc/{}/stat", child.id())).unwrap()).unwrap().started;
            let place = started().rsplit_once(' ').unwrap().0.to_owned();
            let there = format!("{place} {ticks}");
            assert_eq!(alive(child.id(), &there), Some(true));
            child.kill().unwrap();
            // Until somebody asks about it, its id is taken.
            while alive(child.id(), &there) == Some(true) {
                std::thread::yield_now();
            }
            assert_eq!(alive(child.id(), &there), Some(false));
            child.wait().unwrap();
            assert_eq!(alive(child.id(), &there), Some(false));
        }

        #[test]
        fn a_later_process_with_the_same_id_is_another_one() {
            let (here, id) = (started(), std::process::id());
            let (place, ticks) = here.rsplit_once(' ').unwrap();
            assert_eq!(alive(id, &here), Some(true));
            assert_eq!(alive(id, &format!("{place} {}", ticks.parse::<u64>().unwrap() + 1)), Some(false));
            let (boot, id_space) = place.split_once(' ').unwrap();
            assert_eq!(alive(id, &format!("another {id_space} {ticks}")), None);
            assert_eq!(alive(id, &format!("{boot} [1] {ticks}")), None);
        }

        #[test]
        fn what_is_not_told_or_understood_is_not_known() {
            let id = std::process::id();
            assert_eq!(ProcessIdentity { id, started: None }.is_alive(), None);
            for odd in ["", "a", "a b", "a b c", "a b 1 d"] {
                assert_eq!(alive(id, odd), None, "{odd}");
            }
            assert_eq!(alive(0, &started()), None);
            assert_eq!(alive(u32::MAX, &started()), None);
        }

        #[test]
        fn a_name_may_look_like_anything() {
            let behind = "1 1 1 0 -1 4 0 0 0 0 0 0 0 0 20 0 1 0 4711 0";
            for (name, state, ended) in [(&b"a) Z 1 ("[..], 'S', false), (b"\xFF\n", 'Z', true), (b")", 'R', false)] {
                let mut line = b"42 (".to_vec();
                line.extend(name);
                line.extend(format!(") {state} {behind}").bytes());
                let stat = Stat::parse(&line).unwrap();
                assert_eq!((stat.started, stat.has_ended), (4711, ended));
            }
            assert!(Stat::parse(b"42 (cut off) S 1 1").is_none());
        }
    }
}
