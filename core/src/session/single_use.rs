//! The single use of an authorization request, which the store keeps: whichever process the
//! callback is loaded in.

use std::sync::Arc;

use protocol::error::{Error, ErrorCode, Result};
use protocol::oauth::authorization_request::{self, AuthorizationRequest};
use protocol::oauth::grants::TokenRequest;
use protocol::oauth::token_set::TokenSet;
use protocol::refresh::record::{StoredError, digest_of};
use protocol::time::Moment;
use serde::{Deserialize, Serialize};

use super::entry::{MOST_CONFLICTS, ask_store, keeps_conflicting, key, version};
use super::store::Store;
use crate::context::Context;
use crate::store::{StoreEntry, StoreKey, SwapOutcome};
use crate::sys::random;

/// See the module.
#[derive(Clone)]
pub(super) struct SingleUse {
    context: Arc<Context>,
    store: Store,
    key: StoreKey,
    /// The digest of the code.
    code: String,
    uses: Uses,
    expires_at: i64,
}

/// What the code is exchanged for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Uses {
    /// Tokens that the caller keeps.
    Exchange,
    /// The login of the account with this key.
    Login(String),
    /// The login of the user that the ID token names.
    LoginOfSubject,
}

impl Uses {
    /// As a marker says it.
    fn account(&self) -> Option<&str> {
        match self {
            Self::Exchange => None,
            Self::Login(key) => Some(key),
            Self::LoginOfSubject => Some("sub"),
        }
    }
}

/// What the store says about an authorization request that is being used.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Marker {
    code: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    pub(super) grant_id: String,
    #[serde(flatten)]
    pub(super) stage: Stage,
}

#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "snake_case")]
pub(super) enum Stage {
    /// The code is being exchanged, or was.
    Taken,
    /// The code is certainly unspent.
    GivenBack,
    /// The server has sent these tokens. Their ID token is bad or not judged yet, or the store
    /// failed.
    Held {
        tokens: String,
        /// By the wall clock, in milliseconds.
        sent_at: i64,
    },
    /// The login is stored.
    Done {
        /// The user, if the application did not name the account.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject: Option<String>,
    },
    Failed {
        reason: StoredError,
    },
}

pub(super) enum Taken {
    /// This caller has the single use: the marker, and its version.
    Ours(String, Marker),
    /// Another caller is making a login with it, with this grant id.
    InProgress(String),
    /// Another caller has exchanged it for tokens that are not judged: the marker, and its version.
    Held(String, Marker),
    /// Another caller has made a login with it, of this user if the application named no account.
    Done(Option<String>),
}

impl SingleUse {
    pub(super) fn new(
        context: &Arc<Context>,
        store: &Store,
        request: &AuthorizationRequest,
        token_request: &TokenRequest,
        uses: Uses,
    ) -> Self {
        let [issuer, client_id, state, code_verifier] = authorization_request::identity(request);
        Self {
            context: Arc::clone(context),
            store: store.clone(),
            // An application may set the state itself, and use the same for many logins.
            key: key(&["login", issuer, client_id, state, code_verifier]),
            code: token_request.request().parameter("code").map(|code| digest_of(code.reveal())).unwrap_or_default(),
            uses,
            expires_at: authorization_request::remembered_until(request, context.clock.unix_seconds()),
        }
    }

    /// Takes the single use, unless another caller has it.
    pub(super) fn take(&self) -> Result<Taken> {
        let mut found: Option<(String, Marker)> = None;
        for _ in 0..MOST_CONFLICTS {
            let expected = match found {
                None => None,
                Some((_, marker)) if marker.code != self.code => {
                    return Err(already_used("this authorization request was already used, with another code; log in again"));
                }
                Some((version, Marker { stage: Stage::GivenBack, .. })) => Some(version),
                Some((_, marker)) if marker.account.is_none() || marker.account.as_deref() != self.uses.account() => {
                    return Err(already_used(
                        "this callback was already completed, for another account or by exchange_callback; log in again",
                    ));
                }
                Some((_, Marker { stage: Stage::Failed { reason }, .. })) => return Err(reason.error()),
                Some((_, Marker { stage: Stage::Done { subject }, .. })) => return Ok(Taken::Done(subject)),
                Some((version, marker @ Marker { stage: Stage::Held { .. }, .. })) => return Ok(Taken::Held(version, marker)),
                Some((_, Marker { stage: Stage::Taken, grant_id, .. })) => return Ok(Taken::InProgress(grant_id)),
            };
            let [grant_id] = random::tokens(&*self.context.random)?;
            let marker = Marker { code: self.code.clone(), account: self.uses.account().map(str::to_owned), grant_id, stage: Stage::Taken };
            match self.write(expected.as_deref(), &marker) {
                Ok(Some(version)) => return Ok(Taken::Ours(version, marker)),
                Ok(None) => found = self.marker()?,
                Err(error) => return self.look_for(marker, error),
            }
        }
        Err(keeps_conflicting())
    }

    /// Takes it if the write that failed was stored all the same: no other call can then. It is
    /// written once more, because what failed may not last: a code is sent only once its single use
    /// does.
    fn look_for(&self, marker: Marker, error: Error) -> Result<Taken> {
        let found = self.marker().ok().flatten().filter(|(_, found)| found.grant_id == marker.grant_id);
        let written = found.and_then(|(version, _)| self.write(Some(&version), &marker).ok().flatten());
        written.map(|version| Taken::Ours(version, marker)).ok_or(error)
    }

    /// The marker that is stored, and its version.
    pub(super) fn marker(&self) -> Result<Option<(String, Marker)>> {
        let Some(entry) = ask_store(|| self.store.token_store().load(&self.key))? else { return Ok(None) };
        let marker = serde_json::from_slice(&entry.data).map_err(|_| {
            Error::new(ErrorCode::StoreCorrupt, "the store has an entry that is not of an authorization request; log in again")
        })?;
        Ok(Some((entry.version, marker)))
    }

    /// Stores tokens that are not a login yet, and returns the new version. If that fails, this
    /// process has them all the same.
    pub(super) fn hold(&self, version: &str, marker: &Marker, tokens: &TokenSet, sent: Moment) -> Option<String> {
        let stage = Stage::Held { tokens: tokens.export().reveal().to_owned(), sent_at: sent.wall };
        self.write(Some(version), &Marker { stage, ..marker.clone() }).ok().flatten()
    }

    /// Whether no call may use the authorization request any more.
    pub(super) fn has_expired(&self) -> bool {
        self.context.clock.unix_seconds() >= self.expires_at
    }

    /// Stores how the login went, for callers that load the callback again. If that fails, they
    /// wait for the account's own entry.
    pub(super) fn end(&self, version: &str, marker: &Marker, stage: Stage) {
        let _ = self.write(Some(version), &Marker { stage, ..marker.clone() });
    }

    /// The new version, or `None` if the stored marker is not the expected one.
    fn write(&self, expected: Option<&str>, marker: &Marker) -> Result<Option<String>> {
        let data = serde_json::to_vec(marker).map_err(|_| Error::caught_panic("a login"))?;
        let entry = StoreEntry { version: version(&*self.context.random)?, data, expires_at: Some(self.expires_at) };
        match ask_store(|| self.store.token_store().swap(&self.key, expected, &entry))? {
            SwapOutcome::Stored => Ok(Some(entry.version)),
            SwapOutcome::Conflict => Ok(None),
        }
    }
}

impl Marker {
    /// The tokens that are held, and when their request was sent.
    pub(super) fn held(&self, now: Moment) -> Result<(TokenSet, Moment)> {
        let Stage::Held { tokens, sent_at } = &self.stage else { return Err(Error::caught_panic("a login")) };
        let age = u64::try_from(now.wall.saturating_sub(*sent_at)).unwrap_or(0);
        Ok((TokenSet::restore(tokens)?, Moment { wall: *sent_at, mono: now.mono.saturating_sub(age) }))
    }
}

pub(super) fn already_used(message: &str) -> Error {
    Error::new(ErrorCode::LoginAlreadyUsed, message)
}
