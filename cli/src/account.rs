//! Which login a command is about.

use sipgate_oauth2::binding::{from_env_to_read, is_missing, place, store};
use sipgate_oauth2::{Client, ClientBuilder, Error, ErrorCode, LoginState, TokenSource};

use crate::failure::Failure;

/// The client that the environment describes, for a command that stores a login. It needs a store
/// that outlives it.
pub(crate) fn client_to_log_in() -> Result<Client, Failure> {
    stored(ClientBuilder::from_env()?)
}

/// The same for every other command: a store that does not exist is not created.
pub(crate) fn client() -> Result<Client, Failure> {
    stored(from_env_to_read()?)
}

fn stored(builder: ClientBuilder) -> Result<Client, Failure> {
    let client = builder.build()?;
    check_store(&client)?;
    Ok(client)
}

/// Whether logins outlive this command.
pub(crate) fn check_store(client: &Client) -> Result<(), Error> {
    let problem = match std::env::var("SIPGATE_STORE").unwrap_or_default().trim() {
        "memory" | "memory:" => "is memory, which ends with this command; set it to the path of a database, such as logins.db",
        _ if store(client).is_none() => "is not set; set it to the path of a database, such as logins.db, or the URL of a store",
        _ => return Ok(()),
    };
    Err(Error::invalid_argument("SIPGATE_STORE", problem))
}

/// The account that is named, whether or not it has a login, or else the only login. `otherwise`
/// says what follows if there is none.
pub(crate) fn source(client: &Client, account: Option<&String>, otherwise: &str) -> Result<TokenSource, Failure> {
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
        ([], None) => Err(no_login(client, None, otherwise)),
        ([only], _) => Ok(client.token_source(only)?),
        (several, _) => {
            let names = several.iter().take(10).cloned().collect::<Vec<_>>().join(", ");
            Err(Failure::usage(format!("{} has {} logins; name one with --account: {names}", the_store(client), several.len())))
        }
    }
}

/// The login that is named, or the only one. An account without a login is an error.
pub(crate) fn login(client: &Client, account: Option<&String>, otherwise: &str) -> Result<TokenSource, Failure> {
    let source = source(client, account, otherwise)?;
    if source.status()?.state == LoginState::Absent {
        return Err(no_login(client, Some(source.account()), otherwise));
    }
    Ok(source)
}

fn no_login(client: &Client, account: Option<&str>, otherwise: &str) -> Failure {
    Error::new(ErrorCode::LoginRequired, format!("{}; {otherwise}", has_no_login(client, account))).into()
}

/// That the store has no login, in words.
pub(crate) fn has_no_login(client: &Client, account: Option<&str>) -> String {
    match store(client) {
        Some(store) if is_missing(store) => format!("there is no store at {} yet", place(store)),
        _ => {
            let of = account.map(|account| format!(" of {account}")).unwrap_or_default();
            format!("{} has no login{of} with {} at {}", the_store(client), client.client_id(), client.issuer())
        }
    }
}

/// The store by its name.
fn the_store(client: &Client) -> String {
    store(client).map_or_else(|| "the store".to_owned(), |store| format!("the store {}", place(store)))
}
