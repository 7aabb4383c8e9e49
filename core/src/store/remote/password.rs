//! The password of a store: from the URL, or from a function of the application.

use std::fmt;

use protocol::error::{Error, ErrorCode, Result};
use protocol::secret::Secret;

use crate::store::options::{PasswordFunction, StoreOptions};

pub(crate) enum Password {
    Fixed(Option<Secret>),
    Asked(PasswordFunction),
}

impl Password {
    /// The option overrides the URL.
    pub(crate) fn new(of_url: Option<Secret>, options: &StoreOptions) -> Self {
        options.password.clone().map_or(Self::Fixed(of_url), Self::Asked)
    }

    /// The password for a new connection, if there is one. `place` names the server in errors.
    pub(crate) fn get(&self, place: &dyn fmt::Display) -> Result<Option<Secret>> {
        let ask = match self {
            Self::Fixed(password) => return Ok(password.clone()),
            Self::Asked(ask) => ask,
        };
        ask().map(|password| Some(password.into())).map_err(|failure| match failure.downcast() {
            Ok(error) => *error,
            Err(cause) => {
                let problem = format!("store {place}: the password function failed; see the cause");
                Error::new(ErrorCode::StoreUnavailable, problem).with_cause(cause)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use protocol::error::Remedy;

    use super::*;

    #[test]
    fn the_function_overrides_the_url() {
        let get = |options: &StoreOptions| Password::new(Some("old".into()), options).get(&"db:1").unwrap();
        assert_eq!(get(&StoreOptions::new()), Some("old".into()));
        assert_eq!(get(&StoreOptions::new().password(|| Ok("new".to_owned()))), Some("new".into()));
    }

    #[test]
    fn the_error_of_the_function_is_the_cause_and_one_of_the_library_is_passed_on() {
        let get = |options: StoreOptions| Password::new(None, &options).get(&"db:1").unwrap_err();
        let error = get(StoreOptions::new().password(|| Err("the vault is sealed".into())));
        assert_eq!((error.code(), error.remedy()), (ErrorCode::StoreUnavailable, Remedy::TryLater));
        assert_eq!(error.to_string(), "store db:1: the password function failed; see the cause");
        assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "the vault is sealed");
        let error = get(StoreOptions::new().password(|| Err(Error::invalid_argument("role", "is empty").into())));
        assert_eq!(error.to_string(), "role: is empty");
    }
}
