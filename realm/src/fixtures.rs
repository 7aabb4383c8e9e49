//! The clients and users of both realms at the start.

/// A client that is registered in both realms.
pub(crate) struct Registration {
    number: &'static str,
    pub(crate) name: &'static str,
    /// Public clients have none, and must use PKCE.
    pub(crate) secret: Option<&'static str>,
    pub(crate) consent: bool,
}

impl Registration {
    /// At sipgate, a client id ends with the name of its realm.
    pub(crate) fn id_in(&self, realm: &str) -> String {
        format!("{}:{realm}", self.number)
    }
}

pub(crate) const CLIENTS: [Registration; 4] = [
    Registration { number: "1000001-0-test", name: "Test application", secret: Some("test-secret-with-+-and-:"), consent: false },
    Registration { number: "2000002-0-public", name: "Test app without a secret", secret: None, consent: false },
    Registration { number: "3000003-0-consent", name: "Test application with consent", secret: Some("consent-secret"), consent: true },
    // The protected API, as a client that introspects tokens.
    Registration { number: BALANCE_API, name: "Balance API", secret: Some("balance-api-secret"), consent: false },
];

/// The audience of tokens for the balance, without the name of the realm.
pub(crate) const BALANCE_API: &str = "balance-api";

pub(crate) struct Account {
    pub(crate) username: &'static str,
    pub(crate) password: &'static str,
    pub(crate) given_name: &'static str,
}

pub(crate) const USERS: [Account; 2] = [
    Account { username: "anna", password: "anna-pw", given_name: "Anna" },
    Account { username: "berta", password: "berta-pw", given_name: "Berta" },
];
