//! The input is what a Redis sends on each connection, in pieces: one for each command.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use redis::{Parser, Value};
use sipgate_oauth2::binding::token_store;
use sipgate_oauth2::{BoxError, Durability, Error, Store, StoreEntry, StoreKey, StoreOptions};

use crate::{ACCESS_TOKEN, CLIENT_SECRET, assert_fit_to_show};

/// What separates two pieces.
const END: &[u8] = b"--\n";

static SERVER: LazyLock<u16> = LazyLock::new(|| {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || serve(stream));
        }
    });
    port
});

static PIECES: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Whatever a server sends, an operation ends with a result that the server sent, or with an error
/// that is fit to show.
pub fn check(input: &[u8]) {
    *PIECES.lock().expect("no panic") = pieces(input);
    let key = StoreKey::parse(&"07".repeat(32)).expect("a key");
    let entry = StoreEntry { version: "v".to_owned(), data: ACCESS_TOKEN.into(), expires_at: Some(4_000_000_000) };
    for durability in [Durability::Disk, Durability::Memory] {
        // Half a reply leaves the client waiting.
        let options =
            StoreOptions::new().timeout(Duration::from_millis(100)).durability(durability).password(|| Ok(CLIENT_SECRET.to_owned()));
        let store = Store::open_with(&format!("redis://app@127.0.0.1:{}", *SERVER), &options).expect("a URL");
        if let Some(Some(loaded)) = judged(token_store(&store).load(&key)) {
            assert!(holds(input, loaded.version.as_bytes()) && holds(input, &loaded.data), "{loaded:?} was not sent");
        }
        judged(token_store(&store).swap(&key, None, &entry));
        if let Some(keys) = judged(token_store(&store).keys(None, 3)) {
            assert!(keys.len() <= 3 && keys.is_sorted_by(|one, next| one < next), "{keys:?}");
        }
        for finding in judged(token_store(&store).check()).into_iter().flatten() {
            assert!(!finding.contains(char::is_control) && !finding.contains(CLIENT_SECRET), "{finding}");
        }
    }
}

fn judged<T>(result: Result<T, BoxError>) -> Option<T> {
    result.map_err(|error| assert_fit_to_show(error.downcast_ref::<Error>().expect("an error of the library"), &[CLIENT_SECRET])).ok()
}

fn holds(input: &[u8], part: &[u8]) -> bool {
    part.is_empty() || input.windows(part.len()).any(|window| window == part)
}

fn pieces(mut input: &[u8]) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    while let Some(end) = input.windows(END.len()).position(|window| window == END) {
        pieces.push(input[..end].to_vec());
        input = &input[end + END.len()..];
    }
    pieces.push(input.to_vec());
    pieces
}

/// Ends the connection when there are no more pieces, without losing one on its way.
fn serve(mut stream: TcpStream) {
    let (pieces, mut parser) = (PIECES.lock().expect("no panic").clone(), Parser::new());
    for piece in pieces {
        let Ok(Value::Array(_)) = parser.parse_value(&mut stream) else { return };
        if stream.write_all(&piece).is_err() {
            return;
        }
    }
    if stream.shutdown(Shutdown::Write).is_ok() {
        // Until the client ends it.
        let _ = io::copy(&mut stream.take(1 << 20), &mut io::sink());
    }
}
