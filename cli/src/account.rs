//! Which login a command is about.

use sipgate_oauth2::{Client, ClientBuilder, Error, ErrorCode, LoginState, TokenSource};

use crate::failure::Failure;

/// The client that the environment describes. A command needs a store that outlives it.
pub(crate) fn client() -> Result<Client, Failure> {
    let client = ClientBuilder::from_env()?.build()?;
    check_store(&client)?;
    Ok(client)
}

/// Whether logins outlive this command.
pub(crate) fn check_store(client: &Client) -> Result<(), Error> {
    let problem = match std::env::var("SIPGATE_STORE").unwrap_or_default().trim() {
        "memory" | "memory:" => "is memory, which ends with this command; set it to the path of a database, such as logins.db",
        _ if sipgate_oauth2::binding::store(client).is_none() => {
            "is not set; set it to the path of a database, such as logins.db, or the URL of a store"
        }
        _ => return Ok(()),
    };
    Err(Error::invalid_argument("SIPGATE_STORE", problem))
}

/// The login that is named, or the only one.
pub(crate) fn source(client: &Client, account: Option<&String>) -> Result<TokenSource, Failure> {
    if let Some(account) = account {
        return Ok(client.token_source(account)?);
    }
    let (mut known, mut unreadable) = (Vec::new(), None);
    for stored in client.accounts() {
        let stored = stored?;
        match stored.state() {
            LoginState::LoggedOut => {}
            // Nobody can tell whose it is.
            LoginState::Unreadable => unreadable = stored.last_error().cloned(),
            _ => known.push(stored.account().to_owned()),
        }
    }
    match (known.as_slice(), unreadable) {
        ([], Some(error)) => Err(error.into()),
        ([], None) => Err(Error::new(
            ErrorCode::LoginRequired,
            "the store has no login; log in with: sipgate-oauth2 login --scope SCOPE --account NAME",
        )
        .into()),
        ([only], _) => Ok(client.token_source(only)?),
        (several, _) => {
            let names = several.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
            Err(Failure::usage(format!("the store has {} logins; name one with --account: {names}", several.len())))
        }
    }
}
