//! The state of one execution: its time, its server and its random numbers.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shuttle::rand::RngCore as _;

use crate::server::Server;
use crate::time::Time;

pub(crate) struct World {
    /// Distinguishes executions, including those of tests that run in parallel.
    pub(crate) number: u64,
    pub(crate) time: Time,
    pub(crate) server: Arc<Server>,
    luck: Cell<u64>,
    processes: Cell<u32>,
    /// Whether every process counts as ended.
    pub(crate) all_are_gone: Cell<bool>,
}

thread_local! {
    // All threads of an execution are coroutines of one thread of the operating system.
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

impl World {
    /// Begins an execution. Its world replaces the previous one.
    pub(crate) fn begin() -> Rc<Self> {
        static EXECUTIONS: AtomicU64 = AtomicU64::new(0);
        let world = Rc::new(Self {
            number: EXECUTIONS.fetch_add(1, Ordering::Relaxed),
            time: Time::default(),
            server: Arc::default(),
            luck: Cell::new(shuttle::rand::thread_rng().next_u64()),
            processes: Cell::new(1),
            all_are_gone: Cell::new(false),
        });
        WORLD.set(Some(Rc::clone(&world)));
        world
    }

    pub(crate) fn here() -> Rc<Self> {
        WORLD.with_borrow(|world| world.clone()).expect("the library is called within an execution")
    }

    /// An unused process id.
    pub(crate) fn next_process(&self) -> u32 {
        self.processes.replace(self.processes.get() + 1)
    }

    /// The next number of this execution's own generator, so that a schedule need not record it.
    pub(crate) fn draw(&self) -> u64 {
        // Splitmix64.
        self.luck.set(self.luck.get().wrapping_add(0x9E37_79B9_7F4A_7C15));
        let mixed = (self.luck.get() ^ (self.luck.get() >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}
