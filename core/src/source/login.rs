//! A login is completed once, whoever loads its callback how often and in how many processes.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::errand::given_up;
use super::pilot::{ask_store, stored, version};
use super::token_source::{TokenSource, key};
use super::under_way::UnderWay;
use crate::client::Client;
use crate::error::{Error, ErrorCode, Result};
use crate::oauth::authorization::AuthorizationRequest;
use crate::oauth::authorization_code::AuthorizationCode;
use crate::oauth::callback;
use crate::oauth::grant::Grant;
use crate::random;
use crate::refresh::record::{Remembered, digest_of};
use crate::refresh::step::Goal;
use crate::running::{Outcome, Running};
use crate::store::{StoreEntry, StoreKey, Swapped};
use crate::sync::{Instant, thread};
use crate::token_request::is_unspent;
use crate::worker;

/// How long a callback that is loaded again waits for the first: longer than a token request may take.
const FOLLOWING: Duration = Duration::from_secs(35);
const FOLLOWING_POLL: Duration = Duration::from_millis(100);

/// One callback on its way to a login.
struct Completion {
    source: TokenSource,
    client: Client,
    code: AuthorizationCode,
    code_digest: String,
    /// Where the pending login's single use is noted.
    marker_key: StoreKey,
    ends: i64,
    /// To the end, also past the exchange: who loads the callback again needs what is noted then.
    _under_way: UnderWay,
}

/// What is noted about a pending login: who uses it.
#[derive(Clone, Serialize, Deserialize)]
struct Marker {
    code: String,
    grant_id: String,
    #[serde(flatten)]
    stage: Stage,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
enum Stage {
    /// The code is being exchanged, or has been.
    Taken,
    /// The code is certainly unspent.
    GivenBack,
    Failed {
        reason: Remembered,
    },
}

/// Starts the exchange, unless another has: then that one's outcome is this one's, too.
pub(crate) fn start(client: &Client, pending: &AuthorizationRequest, callback: &str, account: String) -> Result<Running<TokenSource>> {
    let source = TokenSource::new(client, account)?;
    let pending = pending.pending();
    let now = client.0.clock.unix_seconds();
    let code = callback::check_shared(pending, callback, now)?;
    let completion = Completion {
        source,
        client: client.clone(),
        code_digest: digest_of(code.code.reveal()),
        code,
        marker_key: key(&["login", &pending.issuer, &pending.client_id, &pending.state]),
        ends: pending.remembered_until(now),
        _under_way: UnderWay::begin(),
    };
    let (running, outcome) = given_up();
    let outcome = Arc::new(outcome);
    let put = Arc::clone(&outcome);
    if let Err(error) = worker::run(move || completion.run(&put)) {
        outcome.put(Err(error));
    }
    Ok(running)
}

impl Completion {
    fn run(&self, outcome: &Outcome<TokenSource>) {
        let completed = catch_unwind(AssertUnwindSafe(|| self.complete(outcome))).unwrap_or_else(|_| Err(Error::caught_panic("a login")));
        if let Err(error) = completed {
            outcome.put(Err(error));
        }
    }

    fn complete(&self, outcome: &Outcome<TokenSource>) -> Result<()> {
        let mut there: Option<(String, Marker)> = None;
        loop {
            let expected = match &there {
                None => None,
                Some((_, marker)) if marker.code != self.code_digest => {
                    return Err(Error::new(
                        ErrorCode::LoginAlreadyUsed,
                        "this pending login was used already, with another code; log in again",
                    ));
                }
                Some((version, Marker { stage: Stage::GivenBack, .. })) => Some(version.clone()),
                Some((_, Marker { stage: Stage::Failed { reason }, .. })) => return Err(reason.error()),
                Some((_, Marker { stage: Stage::Taken, grant_id, .. })) => {
                    outcome.put(self.follow(grant_id).map(|()| self.source.clone()));
                    return Ok(());
                }
            };
            let [grant_id] = random::tokens(&*self.client.0.random)?;
            let marker = Marker { code: self.code_digest.clone(), grant_id, stage: Stage::Taken };
            if let Some(version) = self.note(expected.as_deref(), &marker)? {
                return self.exchange(&version, &marker, outcome);
            }
            there = self.marker()?;
        }
    }

    fn exchange(&self, version: &str, marker: &Marker, outcome: &Outcome<TokenSource>) -> Result<()> {
        let mut pilot = self.source.pilot(Duration::MAX);
        pilot.code = Some(Grant::code(self.code.clone(), None)?);
        let goal = Goal::LogIn { grant_id: marker.grant_id.clone() };
        pilot.fly(goal, |landed, _| match landed {
            Ok(_) => outcome.put(Ok(self.source.clone())),
            // The login is there and could not be saved; whoever waited has it.
            Err(_) if outcome.is_settled() => {}
            Err(error) => {
                let stage = if is_unspent(error) { Stage::GivenBack } else { Stage::Failed { reason: Remembered::from(error) } };
                // The error is what counts. Without the note, who loads the callback again waits in vain.
                let _ = self.note(Some(version), &Marker { stage, ..marker.clone() });
                outcome.put(Err(error.clone()));
            }
        });
        Ok(())
    }

    /// Waits for the login that another makes of the same callback.
    fn follow(&self, grant_id: &str) -> Result<()> {
        let deadline = Instant::now() + FOLLOWING;
        let lane = self.source.lane();
        let register = self.source.store().register();
        while Instant::now() < deadline {
            if let Some(entry) = ask_store(|| register.load(&lane.key))? {
                let found = stored(entry, &lane.account)?;
                if found.record.grant_id == grant_id || found.record.replaced.as_deref() == Some(grant_id) {
                    // What this process saw before was no login.
                    lane.with(|known| known.looked(Some(&found), self.source.now()));
                    return Ok(());
                }
            }
            if let Some((_, Marker { stage: Stage::Failed { reason }, .. })) = self.marker()? {
                return Err(reason.error());
            }
            thread::sleep(FOLLOWING_POLL);
        }
        Err(Error::new(ErrorCode::LoginFailed, "the login that was begun with this callback has not ended in time; log in again"))
    }

    fn marker(&self) -> Result<Option<(String, Marker)>> {
        let Some(entry) = ask_store(|| self.source.store().register().load(&self.marker_key))? else { return Ok(None) };
        let marker = serde_json::from_slice(&entry.data)
            .map_err(|_| Error::new(ErrorCode::StoreCorrupt, "the store holds something that is no pending login; log in again"))?;
        Ok(Some((entry.version, marker)))
    }

    /// Notes it; `None` when something else was there.
    fn note(&self, expected: Option<&str>, marker: &Marker) -> Result<Option<String>> {
        let data = serde_json::to_vec(marker).map_err(|_| Error::caught_panic("a login"))?;
        let entry = StoreEntry { version: version(&self.client)?, data, ends: Some(self.ends) };
        match ask_store(|| self.source.store().register().swap(&self.marker_key, expected, &entry))? {
            Swapped::Stored => Ok(Some(entry.version)),
            Swapped::Conflict => Ok(None),
        }
    }
}
