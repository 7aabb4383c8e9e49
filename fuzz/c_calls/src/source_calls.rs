//! The calls of stores and token sources. No source ever has a refresh token, so none opens a
//! connection.

use std::ffi::c_char;
use std::ptr::{null, null_mut};

use sipgate_oauth2_c::*;

use crate::c_program::{self, Table};
use crate::calls::{Calls, cancelled, give, set_number, set_text};
use crate::line::Line;
use crate::outcome::{OK, of_output, of_status};

type Ask = unsafe extern "C" fn(
    *const sipgate_oauth2_token_source,
    *const sipgate_oauth2_call_options,
    *mut *mut sipgate_oauth2_secret,
    *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status;

impl Calls {
    /// As [`Calls::make`]: digits free handles, capitals make them, small letters change them.
    pub(crate) fn make_of_sources(&mut self, line: &Line) {
        match line.function {
            b'0' => self.store_options.free(line.first),
            b'1' => self.stores.free(line.first),
            b'2' => self.violations.free(line.first),
            b'3' => self.sources.free(line.first),
            b'4' => self.statuses.free(line.first),
            b'A' => self.store_options.put(line.out, sipgate_oauth2_store_options_new()),
            b'M' | b'S' | b'O' => self.make_store(line),
            b'V' => self.check_store(line),
            b'L' => self.complete_login(line),
            b'B' => self.login_in_browser(line),
            b'T' => self.make_source(line),
            b'G' => self.ask(line, sipgate_oauth2_token_source_access_token),
            b'H' => self.ask(line, sipgate_oauth2_token_source_authorization_header),
            b'R' => self.ask(line, sipgate_oauth2_token_source_refresh),
            b'P' => {
                give(line, &self.sources, &mut self.secrets, &mut self.errors, sipgate_oauth2_token_source_peek);
            }
            b'U' => self.make_status(line),
            _ => self.use_source(line),
        }
    }

    fn make_store(&mut self, line: &Line) {
        let Self { store_options, stores, errors, .. } = self;
        let options = store_options.get(line.second);
        // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
        unsafe {
            match line.function {
                b'M' => of_output(line, stores, errors, |out, error| sipgate_oauth2_store_memory(options, out, error)),
                b'S' => of_output(line, stores, errors, |out, error| sipgate_oauth2_store_sqlite(no_path(line), options, out, error)),
                _ => {
                    let size = usize::try_from(line.number(0)).unwrap_or_default();
                    let table = Table::new(if size == 0 { size_of::<sipgate_oauth2_store_functions>() } else { size });
                    let status = of_output(line, stores, errors, |out, error| {
                        sipgate_oauth2_store_new(&raw const table.functions, options, out, error)
                    });
                    if status != OK {
                        c_program::free(table.functions.user_data);
                    }
                    status
                }
            }
        };
    }

    fn check_store(&mut self, line: &Line) {
        let Self { stores, violations, errors, .. } = self;
        let store = line.handle(stores.get(line.first));
        // SAFETY: NULL or a live handle from a slot.
        of_output(line, violations, errors, |out, error| unsafe { sipgate_oauth2_store_check(store, out, error) });
    }

    /// Uses cancelled call options, so that nothing is sent.
    fn complete_login(&mut self, line: &Line) {
        let Self { clients, requests, sources, errors, .. } = self;
        let (client, request) = (line.handle(clients.get(line.first)), line.handle(requests.get(line.second)));
        let (callback, account) = (line.text(0), line.optional_text(1));
        let cancelled = cancelled();
        let status = of_output(line, sources, errors, |out, error| {
            // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
            unsafe { sipgate_oauth2_client_complete_login(client, request, callback, account, cancelled.get(0), out, error) }
        });
        assert!(line.is_refusable() || status == Status::SIPGATE_CANCELLED as sipgate_oauth2_status, "{status}");
    }

    /// Uses cancelled call options, so that no browser is opened.
    fn login_in_browser(&mut self, line: &Line) {
        let Self { clients, parameters, sources, errors, .. } = self;
        let (client, parameters) = (line.handle(clients.get(line.first)), parameters.get(line.second));
        let (scope, account) = (line.text(0), line.optional_text(1));
        let cancelled = cancelled();
        let status = of_output(line, sources, errors, |out, error| {
            // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
            unsafe {
                sipgate_oauth2_client_login_in_browser(client, scope, parameters, account, None, null_mut(), cancelled.get(0), out, error)
            }
        });
        assert!(line.is_refusable() || status == Status::SIPGATE_CANCELLED as sipgate_oauth2_status, "{status}");
    }

    fn make_source(&mut self, line: &Line) {
        let Self { clients, sources, errors, .. } = self;
        let client = line.handle(clients.get(line.first));
        // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
        of_output(line, sources, errors, |out, error| unsafe { sipgate_oauth2_client_token_source(client, line.text(0), out, error) });
    }

    fn ask(&mut self, line: &Line, ask: Ask) {
        let Self { sources, calls, secrets, errors, .. } = self;
        let (source, call) = (line.handle(sources.get(line.first)), calls.get(line.second));
        // SAFETY: every pointer is NULL or a live handle from a slot.
        of_output(line, secrets, errors, |out, error| unsafe { ask(source, call, out, error) });
    }

    fn make_status(&mut self, line: &Line) {
        let Self { sources, calls, statuses, errors, .. } = self;
        let (source, call) = (line.handle(sources.get(line.first)), calls.get(line.second));
        // SAFETY: every pointer is NULL or a live handle from a slot.
        of_output(line, statuses, errors, |out, error| unsafe { sipgate_oauth2_token_source_status(source, call, out, error) });
    }

    fn use_source(&mut self, line: &Line) {
        let Self { options, stores, store_options, sources, calls, tokens, errors, .. } = self;
        let (source, call) = (sources.get(line.first), calls.get(line.second));
        // SAFETY: every pointer is NULL, text or bytes of this line, or a live handle from a slot.
        unsafe {
            match line.function {
                b'a' => set_text(line, store_options, errors, sipgate_oauth2_store_options_add_encryption_key),
                b'b' => {
                    let (options, key) = (line.handle(store_options.get(line.first)), line.bytes(0));
                    of_status(line, errors, |error| {
                        sipgate_oauth2_store_options_add_encryption_key_bytes(options, key.as_ptr(), key.len(), error)
                    });
                }
                b'c' => set_number(line, store_options, errors, sipgate_oauth2_store_options_set_recheck_ms),
                b'n' => {
                    let options = line.handle(store_options.get(line.first));
                    of_status(line, errors, |error| sipgate_oauth2_store_options_allow_network_file_system(options, error));
                }
                b'd' => {
                    let (options, store) = (line.handle(options.get(line.first)), line.handle(stores.get(line.second)));
                    of_status(line, errors, |error| sipgate_oauth2_client_options_set_store(options, store, error));
                }
                b'e' => {
                    let options = line.handle(options.get(line.first));
                    let handler = (!line.bytes(0).is_empty()).then_some(c_program::on_event as _);
                    if handler.is_none() {
                        line.handle(null_mut::<()>());
                    }
                    of_status(line, errors, |error| {
                        sipgate_oauth2_client_options_set_event_handler(options, handler, null_mut(), None, error)
                    });
                }
                b'f' => {
                    line.handle(source);
                    of_status(line, errors, |error| sipgate_oauth2_token_source_forget(source, call, null_mut(), error));
                }
                b'i' => set_text(line, sources, errors, invalidate),
                b'l' => {
                    line.handle(source);
                    of_status(line, errors, |error| sipgate_oauth2_token_source_logout(source, call, null_mut(), error));
                }
                b'm' => set_number(line, calls, errors, sipgate_oauth2_call_options_set_min_validity_ms),
                b's' => {
                    line.handle(source);
                    let tokens = line.handle(without_refresh_token(tokens.get(line.second)));
                    of_status(line, errors, |error| sipgate_oauth2_token_source_save(source, tokens, null(), error));
                }
                b'x' => {
                    line.handle(source);
                    of_status(line, errors, |error| sipgate_oauth2_token_source_ensure_saved(source, error));
                }
                _ => {}
            }
        }
    }
}

unsafe extern "C" fn invalidate(
    source: *mut sipgate_oauth2_token_source,
    token: *const c_char,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: the caller upholds the contract.
    unsafe { sipgate_oauth2_token_source_invalidate(source, token, error) }
}

/// The path on the line if it is refused, else one at which no file can be created.
fn no_path(line: &Line) -> *const c_char {
    let path = line.text(0);
    if line.is_refusable() { path } else { c"/dev/null/logins.db".as_ptr() }
}

/// The tokens, or NULL if they have a refresh token that could be sent.
fn without_refresh_token(tokens: *mut sipgate_oauth2_token_set) -> *mut sipgate_oauth2_token_set {
    let mut secret = null_mut();
    // SAFETY: NULL or live; the secret is freed once.
    unsafe {
        sipgate_oauth2_token_set_refresh_token(tokens, &raw mut secret, null_mut());
        sipgate_oauth2_secret_free(secret);
    }
    if secret.is_null() { tokens } else { null_mut() }
}
