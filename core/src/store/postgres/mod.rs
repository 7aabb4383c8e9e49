//! A store in Postgres.

use protocol::error::{Error, ErrorCode, Result};

use super::options::StoreOptions;
use super::token_store::{BoxError, StoreEntry, StoreKey, SwapOutcome, TokenStore};

pub(crate) struct Postgres;

impl Postgres {
    pub(crate) fn open(_: &str, _: &StoreOptions) -> Result<Self> {
        Err(Error::new(ErrorCode::Unsupported, "not yet"))
    }
}

impl TokenStore for Postgres {
    fn load(&self, _: &StoreKey) -> Result<Option<StoreEntry>, BoxError> {
        Err("not yet".into())
    }

    fn swap(&self, _: &StoreKey, _: Option<&str>, _: &StoreEntry) -> Result<SwapOutcome, BoxError> {
        Err("not yet".into())
    }
}
