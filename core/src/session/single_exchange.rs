//! The exchange of a callback's code whose tokens the caller keeps.

use std::sync::{Arc, PoisonError};

use protocol::error::{Error, ErrorCode, Result};
use protocol::oauth::authorization_request::AuthorizationRequest;
use protocol::oauth::grants::TokenRequest;
use protocol::oauth::token_set::TokenSet;

use super::single_use::{Marker, SingleUse, Stage, Taken, Uses, already_used};
use super::store::Store;
use crate::context::Context;
use crate::exchange::Exchange;
use crate::sys::sync::Mutex;
use crate::task::call_options::CallOptions;
use crate::task::task::Task;
use crate::worker::pool;

/// Starts the exchange of a code whose tokens the caller keeps. The store remembers that it was
/// made: no server takes a code twice, and some end the login for it.
pub(crate) fn start(
    context: &Arc<Context>,
    store: &Store,
    request: &AuthorizationRequest,
    token_request: TokenRequest,
    options: &CallOptions,
    give_back: impl Fn() + Send + Sync + 'static,
) -> Result<Task<TokenSet>> {
    let single_use = Arc::new(SingleUse::new(context, store, request, &token_request, Uses::Exchange));
    let marked = Arc::new(Mutex::new(Marked::NotYet));
    let give_back = Arc::new(give_back);
    let before = {
        let (single_use, marked, give_back) = (Arc::clone(&single_use), Arc::clone(&marked), Arc::clone(&give_back));
        move || match single_use.take() {
            Ok(Taken::Ours(version, marker)) => {
                let mut marked = marked.lock().unwrap_or_else(PoisonError::into_inner);
                if matches!(*marked, Marked::GivenBack) {
                    drop(marked);
                    single_use.end(&version, &marker, Stage::GivenBack);
                    return Err(Error::new(ErrorCode::Cancelled, "cancelled before anything was sent"));
                }
                *marked = Marked::Ours(version, marker);
                Ok(())
            }
            Ok(Taken::InProgress(_) | Taken::Done(_) | Taken::Held(..)) => {
                Err(already_used("this callback was already completed; log in again"))
            }
            Err(error) => {
                if error.code() != ErrorCode::LoginAlreadyUsed {
                    give_back();
                }
                Err(error)
            }
        }
    };
    let unspent = move || {
        give_back();
        let before = std::mem::replace(&mut *marked.lock().unwrap_or_else(PoisonError::into_inner), Marked::GivenBack);
        if let Marked::Ours(version, marker) = before {
            // Not on the thread of a caller that stops waiting: it does not wait for the store.
            let _ = pool::run(move || single_use.end(&version, &marker, Stage::GivenBack));
        }
    };
    Exchange::start(Arc::clone(context), token_request, options, before, unspent)
}

/// What the store has of a single use that may be given back at any time, also while it is being
/// taken.
enum Marked {
    NotYet,
    Ours(String, Marker),
    GivenBack,
}
