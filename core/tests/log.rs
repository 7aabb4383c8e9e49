//! The feature `log`: events as records of the target `sipgate_oauth2`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[expect(dead_code, reason = "each test uses a part of it")]
mod support;

use std::sync::Mutex;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use sipgate_oauth2::{ClientBuilder, Store, drain};
use support::Realm;

struct Lines(Mutex<Vec<(Level, String)>>);

static LINES: Lines = Lines(Mutex::new(Vec::new()));

impl Lines {
    fn take(&self) -> Vec<(Level, String)> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Log for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "sipgate_oauth2"
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.0.lock().unwrap().push((record.level(), record.args().to_string()));
            assert!(record.level() > Level::Warn, "a logger that panics");
        }
    }

    fn flush(&self) {}
}

#[test]
fn events_are_records_and_a_logger_that_panics_does_no_harm() {
    log::set_logger(&LINES).unwrap();
    log::set_max_level(LevelFilter::Debug);
    let realm = Realm::start();

    let client = realm.client_with(Store::memory()).build().unwrap();
    let source = realm.log_in(&client, "anna");
    // Events follow the outcome.
    assert!(drain(Duration::from_secs(60)));

    let lines = LINES.take();
    let [(Level::Debug, request), (Level::Info, login)] = &lines[..] else { panic!("{lines:?}") };
    assert!(request.starts_with("token request authorization_code: ok after "), "{request}");
    assert!(login.starts_with("account ") && login.ends_with(": logged in, token set 1"), "{login}");
    for secret in ["anna", "test-secret", source.access_token().unwrap().reveal()] {
        assert!(!format!("{lines:?}").contains(secret));
    }

    ClientBuilder::sipgate("1-0-a:third-party").realm("sipgate-apps").build().unwrap();
    let line = "the client id names the realm third-party, but sipgate-apps is set and used; correct one of them";
    assert_eq!(LINES.take(), [(Level::Warn, line.to_owned())]);
}
