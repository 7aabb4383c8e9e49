//! A Redis in a thread, which tests tell what to respond.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use ::redis::{Parser, Value};

pub(super) const INFO: &str = "redis_version:7.2.4\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\naof_enabled:1\r\n\
    aof_last_write_status:ok\r\nrole:master\r\ncluster_enabled:0\r\n";

/// What to do with a command instead of what a Redis does.
pub(super) enum Response {
    /// These bytes.
    Bytes(String),
    /// Nothing, and the connection is closed.
    Close,
    /// Nothing.
    Silence,
    /// What a Redis responds.
    Usual,
}

/// The words of a command, and the number of its connection.
type Script = dyn FnMut(&[&str], usize) -> Response + Send;

#[derive(Clone)]
pub(super) struct Fake {
    pub(super) port: u16,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    script: Box<Script>,
    hashes: HashMap<String, [String; 3]>,
    strings: HashMap<String, String>,
    seen: Vec<String>,
    connections: Vec<TcpStream>,
}

impl Fake {
    /// A good Redis.
    pub(super) fn new() -> Self {
        Self::with(|_, _| Response::Usual)
    }

    pub(super) fn with(script: impl FnMut(&[&str], usize) -> Response + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (hashes, strings) = (HashMap::new(), HashMap::new());
        let shared = Shared { script: Box::new(script), hashes, strings, seen: Vec::new(), connections: Vec::new() };
        let fake = Self { port, shared: Arc::new(Mutex::new(shared)) };
        let accepting = fake.clone();
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                let (fake, stream) = (accepting.clone(), stream.unwrap());
                stream.set_nodelay(true).unwrap();
                fake.shared.lock().unwrap().connections.push(stream.try_clone().unwrap());
                thread::spawn(move || fake.serve(&stream, number));
            }
        });
        fake
    }

    pub(super) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The same server with another script.
    pub(super) fn follow(&self, script: impl FnMut(&[&str], usize) -> Response + Send + 'static) {
        self.shared.lock().unwrap().script = Box::new(script);
    }

    /// Closes all connections, as a restart does.
    pub(super) fn close(&self) {
        for connection in self.shared.lock().unwrap().connections.drain(..) {
            // It may be closed already.
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    /// Deletes everything.
    pub(super) fn flush(&self) {
        let mut shared = self.shared.lock().unwrap();
        shared.hashes.clear();
        shared.strings.clear();
    }

    /// The first words of the commands since the last call.
    pub(super) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().unwrap().seen)
    }

    fn serve(&self, mut stream: &TcpStream, number: usize) {
        let mut parser = Parser::new();
        while let Ok(Value::Array(words)) = parser.parse_value(stream) {
            let words: Vec<_> = words.into_iter().map(|word| String::from_utf8(super::wire::bytes(word).unwrap()).unwrap()).collect();
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            match self.respond(&words, number) {
                Some(response) if stream.write_all(response.as_bytes()).is_ok() => {}
                Some(_) => break,
                None => {
                    let _: io::Result<()> = stream.shutdown(Shutdown::Both);
                    break;
                }
            }
        }
    }

    fn respond(&self, words: &[&str], number: usize) -> Option<String> {
        let mut shared = self.shared.lock().unwrap();
        shared.seen.push(words[0].to_owned());
        match (shared.script)(words, number) {
            Response::Bytes(bytes) => Some(bytes),
            Response::Close => None,
            Response::Silence => Some(String::new()),
            Response::Usual => Some(shared.usual(words)),
        }
    }
}

impl Shared {
    fn usual(&mut self, words: &[&str]) -> String {
        match words {
            ["HELLO", ..] | ["ASKING"] => "*0\r\n".to_owned(),
            ["AUTH" | "SELECT", ..] => "+OK\r\n".to_owned(),
            ["INFO"] => bulk(INFO),
            ["WAITAOF", disk, replicas, _] => format!("*2\r\n:{disk}\r\n:{replicas}\r\n"),
            ["WAIT", replicas, _] => format!(":{replicas}\r\n"),
            ["PERSIST" | "EXPIREAT", ..] => ":0\r\n".to_owned(),
            ["GET", name] => self.strings.get(*name).map_or_else(|| "$-1\r\n".to_owned(), |value| bulk(value)),
            ["SET", name, value, ..] => {
                if self.strings.contains_key(*name) {
                    return "$-1\r\n".to_owned();
                }
                self.strings.insert((*name).to_owned(), (*value).to_owned());
                "+OK\r\n".to_owned()
            }
            ["HMGET", name, ..] => match self.hashes.get(*name) {
                Some([version, data, expires_at]) => array(&[version, data, expires_at]),
                None => "*3\r\n$-1\r\n$-1\r\n$-1\r\n".to_owned(),
            },
            ["EVAL", _, _, name, expected, version, data, expires_at, _] => {
                let current = self.hashes.get(*name).map(|[version, ..]| format!("={version}")).unwrap_or_default();
                if current != *expected {
                    return ":0\r\n".to_owned();
                }
                self.hashes.insert((*name).to_owned(), [version, data, expires_at].map(|word| (*word).to_owned()));
                ":1\r\n".to_owned()
            }
            ["SCAN", ..] => {
                let names: Vec<_> = self.hashes.keys().chain(self.strings.keys()).map(String::as_str).collect();
                format!("*2\r\n{}{}", bulk("0"), array(&names))
            }
            _ => "-ERR unknown command\r\n".to_owned(),
        }
    }
}

pub(super) fn bulk(text: &str) -> String {
    format!("${}\r\n{text}\r\n", text.len())
}

pub(super) fn array(texts: &[&str]) -> String {
    let items: String = texts.iter().map(|text| bulk(text)).collect();
    format!("*{}\r\n{items}", texts.len())
}
