//! One call of the userinfo endpoint: with the access token at hand, and if the server refuses it,
//! once more with a newer one.

use std::sync::Arc;
use std::time::Duration;

use protocol::claims::Claims;
use protocol::error::{Error, ErrorCode, Remedy, Result};
use protocol::jose::jwks::KeySet;
use protocol::oauth::metadata;
use protocol::openid::id_token::Judgement;
use protocol::openid::userinfo::{self, Received, Userinfo};
use protocol::secret::AccessToken;

use super::access_token::AccessTokenRequest;
use super::session::Session;
use crate::context::Context;
use crate::exchange::{repeatable, run};
use crate::openid::with_keys::{self, Judged};
use crate::sys::sync::Instant;
use crate::task::call_options::CallOptions;
use crate::task::progress::Progress;
use crate::task::task::{Completer, Task};

/// See the module.
pub(super) struct UserinfoRequest {
    session: Arc<Session>,
    url: String,
    deadline: Option<Instant>,
    /// The server has refused a token.
    was_refused: bool,
    completer: Completer<Claims>,
}

impl UserinfoRequest {
    pub(super) fn start(session: &Arc<Session>, options: &CallOptions) -> Task<Claims> {
        Task::started(options.refuse_cancelled().and_then(|()| {
            let url = metadata::required("userinfo_endpoint", session.context.metadata.userinfo_endpoint.as_ref())?.to_owned();
            let (task, completer) = Task::new(options, |why, _| Err(repeatable(why)));
            let deadline = Instant::now().checked_add(options.timeout);
            Self { session: Arc::clone(session), url, deadline, was_refused: false, completer }.get_token();
            Ok(task)
        }))
    }

    fn get_token(self) {
        if self.completer.is_complete() {
            return;
        }
        let left = self.deadline.map_or(Duration::MAX, |deadline| deadline.saturating_duration_since(Instant::now()));
        let session = Arc::clone(&self.session);
        AccessTokenRequest::start(&session, Duration::ZERO, &CallOptions::new().timeout(left)).then(move |token| match token {
            Ok(token) => self.send(token),
            Err(error) => self.completer.complete(Err(error)),
        });
    }

    fn send(self, token: AccessToken) {
        let subject = self.session.state().read(|local| local.record()?.identity.as_ref().map(|identity| identity.subject.clone()));
        // Claims are nobody's without the user that the login is of.
        let Some(subject) = subject else { return self.completer.complete(Err(no_id_token())) };
        let (context, server) = (Arc::clone(&self.session.context), self.session.context.server.clone());
        let url = self.url.clone();
        let progress_of = self.completer.clone();
        let sent = token.clone();
        run(
            &server,
            move || received(&context, &url, &sent, progress_of.progress()),
            move |received| match received {
                Ok(Received::Userinfo(userinfo)) => self.judge(userinfo, subject),
                Ok(Received::TokenRefused(_)) if !self.was_refused => {
                    let now = self.session.now();
                    self.session.state().with(|local| local.invalidate(token.reveal(), now));
                    Self { was_refused: true, ..self }.get_token();
                }
                Ok(Received::TokenRefused(error)) | Err(error) => self.completer.complete(Err(error)),
            },
        );
    }

    fn judge(self, userinfo: Userinfo, subject: String) {
        let context = Arc::clone(&self.session.context);
        let judge = move |context: &Context, keys: Option<&KeySet>| match userinfo::judge(&userinfo, &subject, &context.token_rules, keys) {
            Judgement::Accepted(claims) => Some(Ok(claims)),
            Judgement::Refused(error) => Some(Err(error)),
            Judgement::NoKey => None,
        };
        with_keys::newest(&context, judge, move |judged| {
            self.completer.complete(match judged {
                Judged::Known(judged) => judged,
                Judged::NotVerified | Judged::KeyUnknown => Err(userinfo::not_verified()),
                Judged::NotYet(error) => Err(error),
            });
        });
    }
}

fn received(context: &Context, url: &str, token: &AccessToken, progress: &Arc<Progress>) -> Result<Received, Error> {
    let response = context.transport.send(&userinfo::request(url, token), progress);
    let judge = userinfo::context(url, token, context.is_keycloak, context.clock.unix_seconds());
    userinfo::process(&judge, response.map_err(|failure| judge.failed(failure))?)
}

pub(super) fn no_id_token() -> Error {
    let message = "this login has no verified ID token; log in with the scope openid";
    Error::new(ErrorCode::IdToken, message).with_remedy(Remedy::LogInAgain)
}
