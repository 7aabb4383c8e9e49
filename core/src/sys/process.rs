//! Protection against forks. A forked child must not use what its parent opened: sharing a TLS
//! session reuses nonces, sharing a connection delivers one process's responses to the other, and a
//! lock that was held at the fork is never released in the child.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use arc_swap::ArcSwapOption;

/// A value that is created once per process. A forked child creates its own and forgets
/// that of its parent: dropping it could affect a connection or a lock that the parent still uses.
pub(crate) struct PerProcess<T> {
    current: ArcSwapOption<Owned<T>>,
}

struct Owned<T> {
    process: ProcessId,
    value: Arc<T>,
}

impl<T> PerProcess<T> {
    pub(crate) const fn new() -> Self {
        Self { current: ArcSwapOption::const_empty() }
    }

    /// The value of this process, created by `make` if there is none. If two threads create one at
    /// the same time, both get the same one.
    pub(crate) fn get_or_make(&self, make: impl FnOnce() -> T) -> Arc<T> {
        self.get_or_replace(make, |_| ())
    }

    /// The same. In a child that has just created its own value, one thread calls `on_inherited`
    /// with the value of its parent.
    pub(crate) fn get_or_replace(&self, make: impl FnOnce() -> T, on_inherited: impl FnOnce(&T)) -> Arc<T> {
        let here = ProcessId::current();
        let seen = self.current.load();
        if let Some(owned) = seen.as_ref()
            && owned.process == here
        {
            return Arc::clone(&owned.value);
        }
        let made = Arc::new(Owned { process: here, value: Arc::new(make()) });
        let previous = self.current.compare_and_swap(&seen, Some(Arc::clone(&made)));
        match previous.as_ref() {
            Some(other) if other.process == here => Arc::clone(&other.value),
            inherited => {
                if let Some(inherited) = inherited {
                    on_inherited(&inherited.value);
                }
                mem::forget(inherited.cloned());
                Arc::clone(&made.value)
            }
        }
    }
}

/// The process that created a value. A value whose drop affects the system compares it first,
/// because a forked child drops copies of its parent's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ProcessId(u32);

impl ProcessId {
    pub(crate) fn current() -> Self {
        Self(std::process::id())
    }

    pub(crate) fn is_current(self) -> bool {
        self == Self::current()
    }

    /// Another process, for tests that cannot fork.
    #[cfg(test)]
    pub(crate) const fn other() -> Self {
        Self(0)
    }
}

/// Identifies a process in the store, for other processes to check. An id alone is not enough,
/// because systems reuse ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ProcessIdentity {
    pub(crate) id: u32,
    /// When and where it started, as an opaque text. `None` if the system does not tell.
    pub(crate) started: Option<String>,
}

impl ProcessIdentity {
    /// The identity of this process, read once. A forked child has its own.
    pub(crate) fn here() -> Arc<Self> {
        static HERE: PerProcess<ProcessIdentity> = PerProcess::new();
        HERE.get_or_make(|| Self { id: std::process::id(), started: system::here().map(|start| start.to_string()) })
    }

    /// Whether the process still runs. A process that has ended and was not waited for by its
    /// parent does not run. `None` if this cannot be known: on Windows, for a process in another
    /// container or of another boot, and for a process without a known start while a process with
    /// its id runs.
    pub(crate) fn is_alive(&self) -> Option<bool> {
        let here = Self::here();
        if here.id == self.id && here.started == self.started && here.started.is_some() {
            return Some(true);
        }
        system::is_alive(self.id, self.started.as_deref())
    }
}

/// Distinguishes a process from a later one with the same id: by boot, process id namespace and
/// start.
#[cfg(target_os = "linux")]
mod system {
    use std::fmt;
    use std::fs;

    use rustix::process::{Pid, test_kill_process};

    pub(super) struct Start {
        boot: String,
        /// Each container has its own process ids.
        namespace: String,
        ticks: u64,
    }

    pub(super) fn here() -> Option<Start> {
        let stat = Stat::read("self")?;
        // In a container with the `/proc` of its host, the ids there are not those of the
        // container.
        if stat.id != std::process::id() {
            return None;
        }
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned();
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?.to_str()?.trim_start_matches("pid:").to_owned();
        Some(Start { boot, namespace, ticks: stat.started })
    }

    pub(super) fn is_alive(id: u32, started: Option<&str>) -> Option<bool> {
        let (other, here) = (Start::parse(started?)?, here()?);
        // Another boot id is an earlier start of this machine, or another kernel that shares the
        // store, such as that of a virtual machine or a sandbox.
        if other.boot != here.boot || other.namespace != here.namespace {
            return None;
        }
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw)?;
        if test_kill_process(pid) == Err(rustix::io::Errno::SRCH) {
            return Some(false);
        }
        let stat = Stat::read(&id.to_string())?;
        Some(stat.started == other.ticks && !stat.has_ended)
    }

    impl fmt::Display for Start {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{} {} {}", self.boot, self.namespace, self.ticks)
        }
    }

    impl Start {
        fn parse(text: &str) -> Option<Self> {
            let mut words = text.split(' ').map(str::to_owned);
            let start = Self { boot: words.next()?, namespace: words.next()?, ticks: words.next()?.parse().ok()? };
            words.next().is_none().then_some(start)
        }
    }

    /// What proc_pid_stat(5) says about a process.
    pub(super) struct Stat {
        id: u32,
        pub(super) has_ended: bool,
        pub(super) started: u64,
    }

    impl Stat {
        fn read(process: &str) -> Option<Self> {
            Self::parse(&fs::read(format!("/proc/{process}/stat")).ok()?)
        }

        /// The name is in parentheses and may contain anything, including parentheses and invalid
        /// UTF-8.
        pub(super) fn parse(line: &[u8]) -> Option<Self> {
            let line = String::from_utf8_lossy(line);
            let ((before, _), (_, behind)) = (line.split_once(' ')?, line.rsplit_once(") ")?);
            let fields: Vec<_> = behind.split_ascii_whitespace().collect();
            let field = |number: usize| fields.get(number - 3).copied();
            // The main thread may have ended before the others.
            let has_ended = matches!(field(3)?, "Z" | "X") && field(20)?.parse::<i64>().ok()? <= 1;
            Some(Self { id: before.parse().ok()?, has_ended, started: field(22)?.parse().ok()? })
        }
    }
}

/// These systems tell whether a process runs, but not when it started.
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

/// Records which process is in a section that a forked child could not continue. The caller lets
/// only one thread at a time enter.
pub(crate) struct ForkSentinel(AtomicU32);

impl ForkSentinel {
    const NONE: u32 = 0;

    pub(crate) const fn new() -> Self {
        Self(AtomicU32::new(Self::NONE))
    }

    /// Returns `false` in a process that was forked while its parent was inside, from then on.
    pub(crate) fn enter(&self) -> bool {
        self.0.compare_exchange(Self::NONE, std::process::id(), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Only after [`enter`](Self::enter) returned `true`.
    pub(crate) fn leave(&self) {
        self.0.store(Self::NONE, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_creates_one_value_and_shares_it() {
        let holder = PerProcess::new();
        let first = holder.get_or_make(|| 1);
        let second = holder.get_or_make(|| 2);
        assert_eq!((*first, *second), (1, 1));
    }

    #[test]
    fn the_value_of_another_process_is_replaced_and_never_dropped() {
        struct PanicsOnDrop;
        impl Drop for PanicsOnDrop {
            fn drop(&mut self) {
                panic!("the parent's value was dropped");
            }
        }
        let holder = PerProcess::new();
        holder.current.store(Some(Arc::new(Owned { process: ProcessId::other(), value: Arc::new(Some(PanicsOnDrop)) })));
        assert!(holder.get_or_make(|| None).is_none());
    }

    #[test]
    fn a_child_sees_its_parents_value_once() {
        let holder = PerProcess::new();
        holder.current.store(Some(Arc::new(Owned { process: ProcessId::other(), value: Arc::new(1) })));
        let mut seen = Vec::new();
        for made in [2, 3] {
            assert_eq!(*holder.get_or_replace(|| made, |inherited| seen.push(*inherited)), 2);
        }
        assert_eq!(seen, [1]);
    }

    #[test]
    fn a_process_that_was_forked_inside_never_enters() {
        let sentinel = ForkSentinel::new();
        assert!(sentinel.enter());
        sentinel.leave();
        assert!(sentinel.enter());
        assert!(!sentinel.enter());
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
            ProcessIdentity::here().started.clone().expect("Linux has it")
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
            // Until it is waited for, its id is not reused.
            while alive(child.id(), &there) == Some(true) {
                std::thread::yield_now();
            }
            assert_eq!(alive(child.id(), &there), Some(false));
            child.wait().unwrap();
            assert_eq!(alive(child.id(), &there), Some(false));
        }

        #[test]
        fn a_later_process_with_the_same_id_is_not_taken_for_the_first() {
            let (here, id) = (started(), std::process::id());
            let (place, ticks) = here.rsplit_once(' ').unwrap();
            assert_eq!(alive(id, &here), Some(true));
            assert_eq!(alive(id, &format!("{place} {}", ticks.parse::<u64>().unwrap() + 1)), Some(false));
            let (boot, namespace) = place.split_once(' ').unwrap();
            assert_eq!(alive(id, &format!("another {namespace} {ticks}")), None);
            assert_eq!(alive(id, &format!("{boot} [1] {ticks}")), None);
        }

        #[test]
        fn a_missing_or_malformed_start_is_not_known() {
            let id = std::process::id();
            assert_eq!(ProcessIdentity { id, started: None }.is_alive(), None);
            for odd in ["", "a", "a b", "a b c", "a b 1 d"] {
                assert_eq!(alive(id, odd), None, "{odd}");
            }
            assert_eq!(alive(0, &started()), None);
            assert_eq!(alive(u32::MAX, &started()), None);
        }

        #[test]
        fn a_process_name_may_contain_anything() {
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
