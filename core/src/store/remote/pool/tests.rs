use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use super::*;

const LONG: Duration = Duration::from_secs(60);

/// Says when it is closed.
struct Fake {
    number: usize,
    usable: Arc<AtomicBool>,
    closed: Option<Sender<usize>>,
}

impl Connection for Fake {
    fn is_usable(&mut self) -> bool {
        self.usable.load(Ordering::Relaxed)
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        if let Some(closed) = &self.closed {
            // The test may have ended.
            let _ = closed.send(self.number);
        }
    }
}

fn fake(number: usize) -> Fake {
    Fake { number, usable: Arc::new(AtomicBool::new(true)), closed: None }
}

fn watched(number: usize, closed: &Sender<usize>) -> Fake {
    let mut fake = fake(number);
    fake.closed = Some(closed.clone());
    fake
}

fn pool(limit: usize) -> Pool<Fake> {
    Pool::with_idle("db:1".to_owned(), limit, LONG)
}

fn get(pool: &Pool<Fake>, number: usize) -> Pooled<Fake> {
    pool.get(Instant::now() + LONG, || Ok(fake(number))).unwrap()
}

#[test]
fn the_connection_that_was_used_last_is_used_next() {
    let pool = pool(3);
    let [a, b] = [get(&pool, 1), get(&pool, 2)];
    assert!(!a.was_idle() && !b.was_idle());
    a.give_back();
    b.give_back();
    let [b, a, c] = [get(&pool, 9), get(&pool, 9), get(&pool, 3)];
    assert_eq!([b.number, a.number, c.number], [2, 1, 3]);
    assert!(a.was_idle() && b.was_idle() && !c.was_idle());
}

#[test]
fn at_the_limit_a_caller_waits_until_a_connection_is_given_back_or_closed() {
    let pool = Arc::new(pool(1));
    for gives_back in [true, false] {
        let held = get(&pool, 1);
        let waiting = {
            let pool = Arc::clone(&pool);
            thread::spawn(move || get(&pool, 2).number)
        };
        // Either order must work, and this makes waiting the likely one.
        thread::sleep(Duration::from_millis(20));
        if gives_back {
            held.give_back();
        } else {
            drop(held);
        }
        assert_eq!(waiting.join().unwrap(), if gives_back { 1 } else { 2 });
    }
}

#[test]
fn waiting_ends_at_the_deadline() {
    let pool = pool(2);
    let _held = [get(&pool, 1), get(&pool, 2)];
    let error = pool.get(Instant::now() + Duration::from_millis(20), || panic!("it is full")).err().unwrap();
    assert_eq!(error.code(), ErrorCode::StoreUnavailable);
    assert!(error.to_string().starts_with("store db:1: all 2 connections were in use"), "{error}");
}

#[test]
fn no_more_than_the_limit_are_open_at_once() {
    let (pool, open, most) = (Arc::new(pool(3)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let users: Vec<_> = (0..12)
        .map(|user| {
            let (pool, open, most) = (Arc::clone(&pool), Arc::clone(&open), Arc::clone(&most));
            thread::spawn(move || {
                for round in 0..50 {
                    let connection = get(&pool, 0);
                    most.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    thread::yield_now();
                    open.fetch_sub(1, Ordering::SeqCst);
                    if (user + round) % 2 == 0 {
                        connection.give_back();
                    }
                }
            })
        })
        .collect();
    for user in users {
        user.join().unwrap();
    }
    assert!(most.load(Ordering::SeqCst) <= 3);
    assert_eq!(pool.shared().lock().in_use, 0);
}

#[test]
fn an_idle_connection_is_closed_though_nobody_calls() {
    let (closed, closings) = channel();
    let pool = Pool::with_idle("db:1".to_owned(), 2, Duration::from_millis(10));
    let all: Vec<_> = (1..=2).map(|number| pool.get(Instant::now() + LONG, || Ok(watched(number, &closed))).unwrap()).collect();
    all.into_iter().for_each(Pooled::give_back);
    assert_eq!([closings.recv().unwrap(), closings.recv().unwrap()], [1, 2]);
    assert!(!get(&pool, 3).was_idle());
}

#[test]
fn a_connection_that_the_server_closed_is_replaced() {
    let pool = pool(1);
    let usable = Arc::new(AtomicBool::new(true));
    pool.get(Instant::now() + LONG, || Ok(Fake { number: 1, usable: Arc::clone(&usable), closed: None })).unwrap().give_back();
    usable.store(false, Ordering::Relaxed);
    assert_eq!(get(&pool, 2).number, 2);
}

#[test]
fn clearing_closes_idle_connections_and_those_in_use_when_they_are_given_back() {
    let pool = pool(3);
    let [idle, in_use] = [get(&pool, 1), get(&pool, 2)];
    idle.give_back();
    pool.clear();
    in_use.give_back();
    let new = get(&pool, 3);
    assert_eq!(new.number, 3);
    new.give_back();
    assert_eq!(get(&pool, 4).number, 3);
}

#[test]
fn after_a_failure_the_server_is_left_alone_for_a_while() {
    let pool = pool(4);
    let down = || Err(Error::new(ErrorCode::StoreUnavailable, "down"));
    assert_eq!(pool.get(Instant::now() + LONG, down).err().unwrap().to_string(), "down");
    let mut answered = 0;
    loop {
        match pool.get(Instant::now() + LONG, || Ok(fake(1))) {
            Err(error) => assert_eq!(error.to_string(), "down"),
            Ok(connection) => break connection.give_back(),
        }
        answered += 1;
    }
    assert!(answered > 0);
}

#[test]
fn a_server_that_accepts_connections_and_does_not_work_is_left_alone_too() {
    let pool = pool(4);
    for pause in [100, 200, 400] {
        let connection = loop {
            match pool.get(Instant::now() + LONG, || Ok(fake(1))) {
                Ok(connection) => break connection,
                Err(_) => thread::sleep(Duration::from_millis(1)),
            }
        };
        drop(connection);
        let before = Instant::now();
        pool.back_off(&Error::new(ErrorCode::StoreUnavailable, "down"));
        let state = pool.shared();
        assert!(state.lock().backoff.refusal(before + Duration::from_millis(pause - 1)).is_some(), "{pause}");
    }
    while pool.get(Instant::now() + LONG, || Ok(fake(1))).map(Pooled::give_back).is_err() {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(pool.shared().lock().backoff.refusal(Instant::now()).is_none());
}

#[test]
fn a_panic_while_opening_frees_its_place() {
    let pool = pool(1);
    let panicking = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| pool.get(Instant::now() + LONG, || panic!("planted"))));
    assert!(panicking.is_err());
    assert_eq!(get(&pool, 1).number, 1);
}

#[test]
fn a_connection_of_another_process_is_forgotten_without_touching_it() {
    let (closed, closings) = channel();
    let pool = pool(2);
    let open = || Ok(watched(1, &closed));
    for gives_back in [true, false] {
        let mut inherited = pool.get(Instant::now() + LONG, open).unwrap();
        inherited.slot.process = ProcessId::other();
        if gives_back { inherited.give_back() } else { drop(inherited) }
    }
    assert!(closings.try_recv().is_err());
    assert!(pool.shared().lock().idle.is_empty());
}
