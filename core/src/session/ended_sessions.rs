//! Sessions that have ended at the server. It says so with a logout token (OpenID Connect
//! Back-Channel Logout), which names a session or a user. The store knows their accounts.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use protocol::error::{Error, ErrorCode, Result};
use protocol::openid::identity::EndedSession;
use protocol::openid::logout_token::LogoutToken;
use protocol::refresh::action::Goal;

use super::accounts_of_sessions;
use super::entry::{ask_store, version};
use super::session::Session;
use super::store::Store;
use crate::context::Context;
use crate::exchange::repeatable;
use crate::openid::with_keys;
use crate::store::{StoreEntry, StoreKey};
use crate::task::call_options::CallOptions;
use crate::task::task::{Completer, Task};
use crate::worker::semaphore::Permit;
use crate::worker::timer;

/// What the entry of a logout token says. It is there once the token has ended its logins.
const USED: &[u8] = b"{}";

/// Ends the logins that a logout token is about, and gives their accounts.
pub(crate) fn start(context: &Arc<Context>, store: &Store, logout_token: String, options: &CallOptions) -> Task<Vec<String>> {
    let (task, completer) = Task::new(options, |why, _| Err(repeatable(why)));
    let (with, store) = (Arc::clone(context), store.clone());
    with_keys::judge_logout(context, logout_token, move |judged| match judged {
        Ok(token) => {
            Ending { context: with, store, token, accounts: VecDeque::new(), ended: Vec::new(), completer }.resume_with_store(Ending::run);
        }
        Err(error) => completer.complete(Err(error)),
    });
    task
}

/// The end of the logins of one session, one account after the other.
struct Ending {
    context: Arc<Context>,
    store: Store,
    token: LogoutToken,
    accounts: VecDeque<String>,
    ended: Vec<String>,
    completer: Completer<Vec<String>>,
}

impl Ending {
    /// Runs `next` on a thread of the pool, once the store has a permit.
    fn resume_with_store(self, next: fn(Self, Permit)) {
        let semaphore = Arc::clone(&self.store.accounts().shared().store);
        if let Some((waiting, permit)) = semaphore.acquire((self, next), Self::resume) {
            Self::resume(waiting, permit);
        }
    }

    fn resume((ending, next): (Self, fn(Self, Permit)), permit: Permit) {
        let completer = ending.completer.clone();
        completer.run("a logout", move || next(ending, permit));
    }

    fn run(mut self, permit: Permit) {
        let found = self.refuse_used().and_then(|()| self.find_accounts());
        drop(permit);
        match found {
            Ok(accounts) => {
                self.accounts = accounts;
                self.end_next();
            }
            Err(error) => self.completer.complete(Err(error)),
        }
    }

    fn token_key(&self) -> StoreKey {
        accounts_of_sessions::index(&self.context, "jti", &self.token.token_id)
    }

    fn refuse_used(&self) -> Result<()> {
        match ask_store(|| self.store.token_store().load(&self.token_key()))? {
            None => Ok(()),
            Some(_) => Err(Error::new(ErrorCode::IdToken, "jti: this logout token was used before")),
        }
    }

    /// A token is remembered once it has ended all its logins. Until then it can be sent again,
    /// also if this process is killed.
    fn finish(self, _permit: Permit) {
        // If this fails, a copy of the token ends the same logins once more, and none that began
        // since.
        let _ = self.remember_token();
        self.completer.complete(Ok(self.ended));
    }

    fn remember_token(&self) -> Result<()> {
        let expires_at = Some(self.token.expires_at.saturating_add(self.context.token_rules.leeway));
        let entry = StoreEntry { version: version(&*self.context.random)?, data: USED.to_vec(), expires_at };
        ask_store(|| self.store.token_store().swap(&self.token_key(), None, &entry)).map(|_| ())
    }

    fn find_accounts(&self) -> Result<VecDeque<String>> {
        let LogoutToken { subject, session, .. } = &self.token;
        let (kind, name) = match (session, subject) {
            (Some(session), _) => ("sid", session),
            (None, Some(subject)) => ("sub", subject),
            (None, None) => return Ok(VecDeque::new()),
        };
        let mut accounts = accounts_of_sessions::accounts(&self.context, &self.store, kind, name)?;
        // An account that the application did not name has no entry under its user.
        if session.is_none() && !accounts.contains(name) {
            accounts.push(name.clone());
        }
        Ok(accounts.into())
    }

    fn end_next(mut self) {
        let Some(account) = self.accounts.pop_front() else { return self.resume_with_store(Self::finish) };
        let session = match Session::new(&self.context, Some(&self.store), account.clone()) {
            Ok(session) => session,
            Err(error) => return self.completer.complete(Err(error)),
        };
        let LogoutToken { subject, session: session_id, issued_at, .. } = self.token.clone();
        let goal = Goal::EndSession(EndedSession { session: session_id, subject, issued_at });
        let mut ending = Some(self);
        let report = move |outcome: &Result<bool>, _| {
            let Some(mut ending) = ending.take() else { return };
            match outcome {
                Ok(has_ended) => {
                    ending.ended.extend(has_ended.then(|| account.clone()));
                    // Not within the report of another operation.
                    timer::after(Duration::ZERO, move || ending.end_next());
                }
                Err(error) => ending.completer.complete(Err(error.clone())),
            }
        };
        session.driver(CallOptions::DEFAULT_TIMEOUT).run(goal, Box::new(report));
    }
}
