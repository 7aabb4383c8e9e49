//! The start of a connection: encryption, authentication, and what the server says about itself.

use std::io::{self, Read, Write};

use fallible_iterator::FallibleIterator as _;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, SCRAM_SHA_256_PLUS, ScramSha256};
use postgres_protocol::message::backend::{AuthenticationSaslBody, Message};
use postgres_protocol::message::frontend;
use protocol::error::Error;

use super::sql_error::{Place, SqlError};
use super::wire::Wire;
use crate::store::remote::failure::{connection_failed_to, malformed, misconfigured};

/// Who logs in.
#[derive(Clone, Copy)]
pub(super) struct Login<'a> {
    pub(super) user: &'a str,
    pub(super) database: &'a str,
    pub(super) application_name: &'a str,
    pub(super) password: Option<&'a str>,
    pub(super) protection: Protection<'a>,
}

/// What protects the password on its way.
#[derive(Clone, Copy)]
pub(super) enum Protection<'a> {
    /// It does not leave this machine.
    ThisMachine,
    /// TLS protects it. SCRAM binds the login to this hash of the server's certificate, if there is
    /// one.
    Tls(Option<&'a [u8]>),
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum Refusal {
    Sql(SqlError),
    Io(io::Error),
    /// Somebody must change a setting.
    Setting(String),
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl Refusal {
    /// The error for the caller, with what to do.
    pub(super) fn at(self, place: Place<'_>, database: &str) -> Error {
        match self {
            Self::Sql(error) => error.of_login(place, database),
            Self::Io(cause) => connection_failed_to("PostgreSQL", place.address, cause),
            Self::Setting(problem) => misconfigured(place.address, &problem),
        }
    }
}

/// Asks for TLS before anything else is said. Reads exactly one byte: plain text that an attacker
/// adds to it is then read as TLS, and fails.
pub(super) fn request_tls(stream: &mut (impl Read + Write)) -> Result<(), Refusal> {
    let mut request = bytes::BytesMut::new();
    frontend::ssl_request(&mut request);
    stream.write_all(&request)?;
    stream.flush()?;
    let mut answer = [0];
    stream.read_exact(&mut answer)?;
    match &answer {
        b"S" => Ok(()),
        b"N" => Err(Refusal::Setting("the server has no TLS; set ssl = on in postgresql.conf, or use a server on this machine".to_owned())),
        // The server failed before TLS. Anybody may have written what follows, so it is not read.
        b"E" => Err(io::Error::from(io::ErrorKind::ConnectionAborted).into()),
        _ => Err(malformed("no response to the request for TLS").into()),
    }
}

/// Logs in. Returns whether the server says that it is a standby. Older servers and poolers do not
/// say so.
pub(super) fn log_in<S: Read + Write>(wire: &mut Wire<S>, login: Login<'_>) -> Result<Option<bool>, Refusal> {
    let parameters =
        [("user", login.user), ("database", login.database), ("application_name", login.application_name), ("client_encoding", "UTF8")];
    wire.send(|buffer| frontend::startup_message(parameters, buffer))?;
    authenticate(wire, login)?;
    let mut is_standby = None;
    loop {
        match wire.receive()? {
            Message::ReadyForQuery(_) => return Ok(is_standby),
            Message::ParameterStatus(body) if body.name().map_err(malformed)? == "in_hot_standby" => {
                is_standby = Some(body.value().map_err(malformed)? == "on");
            }
            Message::ErrorResponse(body) => return Err(Refusal::Sql(SqlError::read(body.fields()).map_err(malformed)?)),
            Message::ParameterStatus(_) | Message::BackendKeyData(_) | Message::NoticeResponse(_) => {}
            _ => return Err(malformed("a message that nothing asked for").into()),
        }
    }
}

fn authenticate<S: Read + Write>(wire: &mut Wire<S>, login: Login<'_>) -> Result<(), Refusal> {
    match receive(wire)? {
        Message::AuthenticationOk => return Ok(()),
        Message::AuthenticationSasl(body) => scram(wire, &body, login)?,
        Message::AuthenticationCleartextPassword if matches!(login.protection, Protection::Tls(_)) => {
            let password = password(login)?;
            wire.send(|buffer| frontend::password_message(password.as_bytes(), buffer))?;
        }
        Message::AuthenticationCleartextPassword => {
            return Err(unsupported("password in clear text, which needs TLS (sslmode=verify-full)"));
        }
        Message::AuthenticationMd5Password(_) => return Err(unsupported("MD5 password")),
        Message::AuthenticationGss | Message::AuthenticationKerberosV5 => return Err(unsupported("login by GSSAPI")),
        Message::AuthenticationSspi => return Err(unsupported("login by SSPI")),
        _ => return Err(unsupported("login of another kind")),
    }
    match receive(wire)? {
        Message::AuthenticationOk => Ok(()),
        _ => Err(malformed("no end of the authentication").into()),
    }
}

/// RFC 5802 and 7677. At the end the server has proved that it knows the password, too.
fn scram<S: Read + Write>(wire: &mut Wire<S>, offered: &AuthenticationSaslBody, login: Login<'_>) -> Result<(), Refusal> {
    let offers = |name| offered.mechanisms().any(|mechanism| Ok(mechanism == name)).map_err(malformed);
    let (mechanism, binding) = match login.protection {
        Protection::Tls(Some(hash)) if offers(SCRAM_SHA_256_PLUS)? => {
            (SCRAM_SHA_256_PLUS, ChannelBinding::tls_server_end_point(hash.to_vec()))
        }
        // This tells a server that did offer channel binding that somebody removed its offer.
        Protection::Tls(Some(_)) => (SCRAM_SHA_256, ChannelBinding::unrequested()),
        _ => (SCRAM_SHA_256, ChannelBinding::unsupported()),
    };
    if !offers(mechanism)? {
        return Err(unsupported("login by a SASL mechanism that is not known here"));
    }
    let mut scram = ScramSha256::new(password(login)?.as_bytes(), binding);
    wire.send(|buffer| frontend::sasl_initial_response(mechanism, scram.message(), buffer))?;
    let Message::AuthenticationSaslContinue(body) = receive(wire)? else { return Err(malformed("no challenge").into()) };
    scram.update(body.data()).map_err(malformed)?;
    wire.send(|buffer| frontend::sasl_response(scram.message(), buffer))?;
    let Message::AuthenticationSaslFinal(body) = receive(wire)? else { return Err(malformed("no proof").into()) };
    scram.finish(body.data()).map_err(|_| {
        Refusal::Setting(
            "the server does not know the password that it asked for, so it may be another server; correct the host".to_owned(),
        )
    })
}

fn receive<S: Read + Write>(wire: &mut Wire<S>) -> Result<Message, Refusal> {
    loop {
        match wire.receive()? {
            Message::NoticeResponse(_) => {}
            Message::ErrorResponse(body) => return Err(Refusal::Sql(SqlError::read(body.fields()).map_err(malformed)?)),
            message => return Ok(message),
        }
    }
}

fn password(login: Login<'_>) -> Result<&str, Refusal> {
    login.password.filter(|password| !password.is_empty()).ok_or_else(|| {
        Refusal::Setting("the server requires a password; give the option password, set PGPASSWORD, or write it in the URL".to_owned())
    })
}

fn unsupported(what: &str) -> Refusal {
    Refusal::Setting(format!("the server requires a {what}; let pg_hba.conf ask for scram-sha-256 (password_encryption = scram-sha-256)"))
}

#[cfg(test)]
mod tests;
