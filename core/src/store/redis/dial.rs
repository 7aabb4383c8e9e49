//! Opens connections, and says what is wrong with one.

use std::sync::atomic::Ordering;
use std::time::Instant;

use ::redis::Value;
use protocol::error::{Error, Remedy, Result};

use super::commands::{self, Login};
use super::connection::{Connection, Failure};
use super::refusal::{Advice, LOADING, Refusal};
use super::server_info::{LOOK_AGAIN, ServerInfo, Unfit};
use super::settings::Settings;
use super::url::Route;
use super::wire::{Reply, Wire, array, not_redis, text};
use crate::store::remote::address::Address;
use crate::store::remote::encryption::Encryption;
use crate::store::remote::failure::{connection_failed_to, misconfigured, unavailable};
use crate::store::remote::limits::share;
use crate::store::remote::socket::{Reach, Socket};
use crate::store::remote::url::is_host;

impl Settings {
    /// A connection to the primary, which keeps logins as it must.
    pub(super) fn open(&self, route: &Route, deadline: Instant) -> Result<Connection> {
        self.find(route, deadline, |address, deadline| {
            let mut connection = self.dial(address, deadline)?;
            self.judge(&mut connection)?;
            Ok(connection)
        })
    }

    /// A connection to the server, whatever is wrong with it.
    pub(super) fn open_any(&self, route: &Route, deadline: Instant) -> Result<Connection> {
        self.find(route, deadline, |address, deadline| self.dial(address, deadline))
    }

    /// Looks at the server again if a minute has passed.
    pub(super) fn look_again(&self, connection: &mut Connection) -> Result<()> {
        if connection.looked_at.elapsed() < LOOK_AGAIN {
            return Ok(());
        }
        let looked = connection.wire.ask([&commands::info()]).map_err(Failure::Broken);
        let looked = looked.and_then(|[info]| self.server_info(info, &mut connection.wire));
        connection.info = looked.map_err(|failure| self.error(&connection.address, failure))?;
        connection.looked_at = Instant::now();
        self.judge(connection)
    }

    /// The error of an operation.
    pub(super) fn error(&self, address: &Address, failure: Failure) -> Error {
        match failure {
            Failure::Broken(cause) => connection_failed_to("Redis or Valkey", address, cause),
            Failure::Refused(refusal) => self.refused(address, &refusal),
            Failure::NotProved => unavailable(
                address,
                "the server has not proved in time that the login is on its disk and its replicas; try again, or give more time or fewer replicas",
            ),
            Failure::Told(error) => error,
        }
    }

    fn refused(&self, address: &Address, refusal: &Refusal) -> Error {
        match refusal.advice() {
            Some(Advice::ConnectAgain(problem) | Advice::TryLater(problem)) => unavailable(address, problem),
            Some(Advice::Fix(problem)) => misconfigured(address, problem),
            Some(Advice::Permit) => misconfigured(address, &self.missing_right()),
            None => unavailable(address, &format!("the server refused a command ({refusal})")),
        }
    }

    fn judge(&self, connection: &mut Connection) -> Result<()> {
        match connection.info.proof(self.durability, self.replicas) {
            Ok(proof) => {
                connection.proof = proof;
                Ok(())
            }
            Err(Unfit::NotKnown) => Err(misconfigured(&connection.address, &self.missing_right())),
            Err(Unfit::Loading) => Err(unavailable(&connection.address, LOADING)),
            Err(Unfit::Replica) => Err(unavailable(
                &connection.address,
                "the server is a replica, not the primary; try again when it is, or give the primary's host",
            )),
            Err(Unfit::Settings(fault)) => Err(misconfigured(&connection.address, &fault)),
        }
    }

    /// Opens the server, or the first one that a sentinel names and that can be opened.
    fn find(&self, route: &Route, deadline: Instant, open: impl Fn(&Address, Instant) -> Result<Connection>) -> Result<Connection> {
        let (sentinels, primary) = match route {
            Route::Server(address) => return open(address, deadline),
            Route::Sentinels { sentinels, primary } => (sentinels, primary),
        };
        let mut failure: Option<Error> = None;
        for (index, sentinel) in sentinels.iter().enumerate() {
            let deadline = share(deadline, sentinels.len() - index);
            match self.primary(sentinel, primary, deadline).and_then(|address| open(&address, deadline)) {
                Ok(connection) => return Ok(connection),
                Err(error) => {
                    failure = Some(failure.filter(|error| error.remedy() == Remedy::FixConfiguration).unwrap_or(error));
                }
            }
        }
        Err(failure.expect("a URL names at least one sentinel"))
    }

    fn primary(&self, sentinel: &Address, primary: &str, deadline: Instant) -> Result<Address> {
        let named = self.connect(sentinel, deadline).and_then(|mut wire| {
            let question = commands::primary_address(primary);
            let [mut named] = wire.ask([&question])?;
            if named.as_ref().is_err_and(Refusal::is_without_login)
                && let Some(password) = self.password.get(sentinel)?
            {
                let login = Login { user: self.user.as_deref(), password: password.reveal() };
                let [login, again] = wire.ask([&commands::auth(&login), &question])?;
                login.map_err(Refusal::without_words)?;
                named = again;
            }
            Ok(named?)
        });
        match named.map_err(|failure| self.error(sentinel, failure))? {
            Value::Nil => Err(misconfigured(sentinel, "the sentinel knows no primary of the name in the URL; correct it")),
            named => primary_address(named).ok_or_else(|| connection_failed_to("Sentinel", sentinel, not_redis())),
        }
    }

    fn dial(&self, address: &Address, deadline: Instant) -> Result<Connection> {
        let dialed = self.connect(address, deadline).and_then(|mut wire| {
            let info = self.greet(address, &mut wire)?;
            Ok(Connection::new(address.clone(), wire, info, deadline))
        });
        dialed.map_err(|failure| self.error(address, failure))
    }

    fn connect(&self, address: &Address, deadline: Instant) -> Result<Wire<Socket>, Failure> {
        let socket = match (&self.encryption, address) {
            (Encryption::Tls(tls), Address::Tcp { host, .. }) => {
                tls.start(Socket::connect(address, Reach::Anywhere, deadline)?, host, deadline)?
            }
            _ => Socket::connect(address, Reach::ThisMachine, deadline)?,
        };
        Ok(Wire::new(socket))
    }

    /// Authenticates, selects the database, and asks the server who it is: usually in one round
    /// trip.
    fn greet(&self, address: &Address, wire: &mut Wire<Socket>) -> Result<ServerInfo, Failure> {
        let password = self.password.get(address)?;
        let login = password.as_ref().map(|password| Login { user: self.user.as_deref(), password: password.reveal() });
        let (select, info) = ((self.database != 0).then(|| commands::select(self.database)), commands::info());
        let hello = commands::hello(login.as_ref());

        let after: Vec<_> = select.iter().chain([&info]).collect();
        let mut replies = wire.ask_all(&[&[&hello], &after[..]].concat())?;
        if replies[0].as_ref().is_err_and(Refusal::is_about_hello) {
            let auth = login.as_ref().map(commands::auth);
            replies = wire.ask_all(&auth.iter().chain(after).collect::<Vec<_>>())?;
        }
        let info = replies.pop().expect("the last reply is that of INFO");
        replies.into_iter().collect::<Result<Vec<_>, _>>().map_err(Refusal::without_words)?;
        self.server_info(info.map_err(Refusal::without_words), wire)
    }

    fn server_info(&self, info: Reply, wire: &mut Wire<Socket>) -> Result<ServerInfo, Failure> {
        let info = match info {
            Err(refusal) if refusal.is_not_permitted() => return Ok(ServerInfo::default()),
            info => info?,
        };
        let mut info = ServerInfo::parse(&text(info).ok_or_else(not_redis)?);
        self.is_cluster.store(info.is_cluster, Ordering::Relaxed);
        self.is_old.store(!info.has_wait_aof(), Ordering::Relaxed);
        if info.needs_append_fsync(self.durability) {
            // Without the right to ask, nothing is known.
            let [config] = wire.ask([&commands::append_fsync()])?;
            info.append_fsync = config.ok().and_then(array).and_then(|mut pair| text(pair.pop()?));
        }
        Ok(info)
    }
}

fn primary_address(named: Value) -> Option<Address> {
    let mut parts = array(named)?.into_iter();
    let (host, port) = (text(parts.next()?)?, text(parts.next()?)?);
    is_host(&host).then_some(Address::Tcp { host, port: port.parse().ok()? })
}
