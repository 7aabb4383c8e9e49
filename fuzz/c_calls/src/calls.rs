//! The calls of clients and of what they use.

use std::ffi::c_char;

use sipgate_oauth2_c::*;

use crate::handles::{Handle, Slots, read};
use crate::line::{Group, Line};
use crate::outcome::{OK, assert_named, of_output, of_status};

pub(crate) type SetText<T> = unsafe extern "C" fn(*mut T, *const c_char, *mut *mut sipgate_oauth2_error) -> sipgate_oauth2_status;
pub(crate) type SetNumber<T> = unsafe extern "C" fn(*mut T, u64, *mut *mut sipgate_oauth2_error) -> sipgate_oauth2_status;
type Restore<T> = unsafe extern "C" fn(*const c_char, *mut *mut T, *mut *mut sipgate_oauth2_error) -> sipgate_oauth2_status;
pub(crate) type Give<T> =
    unsafe extern "C" fn(*const T, *mut *mut sipgate_oauth2_secret, *mut *mut sipgate_oauth2_error) -> sipgate_oauth2_status;

/// The handles that calls have returned. Those that remain are freed in the order of the fields.
#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) cancels: Slots<sipgate_oauth2_cancel_token>,
    pub(crate) clients: Slots<sipgate_oauth2_client>,
    pub(crate) options: Slots<sipgate_oauth2_client_options>,
    pub(crate) calls: Slots<sipgate_oauth2_call_options>,
    pub(crate) codes: Slots<sipgate_oauth2_authorization_code>,
    pub(crate) discoveries: Slots<sipgate_oauth2_discovery_options>,
    pub(crate) jsons: Slots<sipgate_oauth2_json>,
    pub(crate) logouts: Slots<sipgate_oauth2_logout_parameters>,
    pub(crate) parameters: Slots<sipgate_oauth2_authorization_parameters>,
    pub(crate) requests: Slots<sipgate_oauth2_authorization_request>,
    pub(crate) sources: Slots<sipgate_oauth2_token_source>,
    pub(crate) statuses: Slots<sipgate_oauth2_token_status>,
    pub(crate) stores: Slots<sipgate_oauth2_store>,
    pub(crate) store_options: Slots<sipgate_oauth2_store_options>,
    pub(crate) findings: Slots<sipgate_oauth2_store_findings>,
    pub(crate) violations: Slots<sipgate_oauth2_store_violations>,
    pub(crate) tokens: Slots<sipgate_oauth2_token_set>,
    pub(crate) secrets: Slots<sipgate_oauth2_secret>,
    pub(crate) errors: Slots<sipgate_oauth2_error>,
}

impl Calls {
    /// Makes the call on the line. Digits free handles, capitals make them, small letters change
    /// and use them; other characters make no call.
    pub(crate) fn make(&mut self, line: &Line) {
        match line.group {
            Group::Clients => self.make_of_clients(line),
            Group::Sources => self.make_of_sources(line),
            Group::OpenId => self.make_of_openid(line),
            Group::Stores => self.make_of_stores(line),
        }
    }

    fn make_of_clients(&mut self, line: &Line) {
        match line.function {
            b'0' => self.cancels.free(line.first),
            b'1' => self.calls.free(line.first),
            b'2' => self.options.free(line.first),
            b'3' => self.clients.free(line.first),
            b'4' => self.parameters.free(line.first),
            b'5' => self.requests.free(line.first),
            b'6' => self.codes.free(line.first),
            b'7' => self.tokens.free(line.first),
            b'8' => self.secrets.free(line.first),
            b'9' => self.errors.free(line.first),
            b'M'..=b'O' | b'U' => self.ask_for_tokens(line),
            b'A'..=b'Z' => self.make_handle(line),
            _ => self.set(line),
        }
    }

    fn make_handle(&mut self, line: &Line) {
        let Self { cancels, clients, options, calls, codes, parameters, requests, tokens, secrets, errors, .. } = self;
        // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
        unsafe {
            match line.function {
                b'A' => calls.put(line.out, sipgate_oauth2_call_options_new()),
                b'B' => cancels.put(line.out, sipgate_oauth2_cancel_token_new()),
                b'P' => parameters.put(line.out, sipgate_oauth2_authorization_parameters_new()),
                b'S' => {
                    of_output(line, options, errors, |out, error| sipgate_oauth2_client_options_new_sipgate(line.text(0), out, error));
                }
                b'K' => {
                    of_output(line, options, errors, |out, error| {
                        sipgate_oauth2_client_options_new_keycloak(line.text(0), line.text(1), line.text(2), out, error)
                    });
                }
                b'E' => {
                    of_output(line, options, errors, |out, error| {
                        sipgate_oauth2_client_options_new(line.text(0), line.text(1), out, error)
                    });
                }
                b'V' => {
                    of_output(line, options, errors, |out, error| sipgate_oauth2_client_options_new_from_env(out, error));
                }
                b'C' => {
                    let options = line.handle(options.get(line.first));
                    of_output(line, clients, errors, |out, error| sipgate_oauth2_client_new(options, out, error));
                }
                b'L' => {
                    let (client, parameters) = (line.handle(clients.get(line.first)), parameters.get(line.second));
                    of_output(line, requests, errors, |out, error| {
                        sipgate_oauth2_client_authorization_request(client, line.text(0), parameters, out, error)
                    });
                }
                b'R' => {
                    of_output(line, requests, errors, |out, error| sipgate_oauth2_authorization_request_restore(line.text(0), out, error));
                }
                b'D' => {
                    of_output(line, codes, errors, |out, error| sipgate_oauth2_authorization_code_new(line.secret(0), out, error));
                }
                b'T' => {
                    of_output(line, tokens, errors, |out, error| sipgate_oauth2_token_set_restore(line.text(0), out, error));
                }
                b'Q' => {
                    let status = give(line, requests, secrets, errors, sipgate_oauth2_authorization_request_export);
                    assert_restores(
                        status,
                        secrets.get(line.out & 3),
                        sipgate_oauth2_authorization_request_restore,
                        sipgate_oauth2_authorization_request_export,
                    );
                }
                b'X' => {
                    let request = line.handle(requests.get(line.first));
                    of_output(line, secrets, errors, |out, error| {
                        sipgate_oauth2_authorization_request_seal(request, line.text(0), out, error)
                    });
                }
                b'Y' => {
                    of_output(line, requests, errors, |out, error| {
                        sipgate_oauth2_authorization_request_unseal(line.text(0), line.text(1), out, error)
                    });
                }
                b'W' => {
                    let status = give(line, tokens, secrets, errors, sipgate_oauth2_token_set_export);
                    assert_restores(status, secrets.get(line.out & 3), sipgate_oauth2_token_set_restore, sipgate_oauth2_token_set_export);
                }
                b'F' => {
                    give(line, tokens, secrets, errors, sipgate_oauth2_token_set_access_token);
                }
                b'G' => {
                    give(line, tokens, secrets, errors, sipgate_oauth2_token_set_authorization_header);
                }
                b'H' => {
                    give(line, tokens, secrets, errors, sipgate_oauth2_token_set_refresh_token);
                }
                b'J' => {
                    give(line, tokens, secrets, errors, sipgate_oauth2_token_set_id_token);
                }
                _ => {}
            }
        }
    }

    /// Calls that would connect. Their options are cancelled, so that nothing is sent.
    fn ask_for_tokens(&mut self, line: &Line) {
        let Self { clients, codes, requests, tokens, errors, .. } = self;
        let client = line.handle(clients.get(line.first));
        let old_tokens = tokens.get(line.second);
        let cancelled = cancelled();
        let call = cancelled.get(0);
        // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
        let status = unsafe {
            match line.function {
                b'M' => {
                    let request = line.handle(requests.get(line.second));
                    of_output(line, tokens, errors, |out, error| {
                        sipgate_oauth2_client_exchange_callback(client, request, line.text(0), call, out, error)
                    })
                }
                b'N' => {
                    let code = line.handle(codes.get(line.second));
                    of_output(line, tokens, errors, |out, error| sipgate_oauth2_client_exchange_code(client, code, call, out, error))
                }
                b'O' => of_output(line, tokens, errors, |out, error| {
                    sipgate_oauth2_client_refresh(client, line.secret(0), line.optional_text(1), call, out, error)
                }),
                _ => {
                    line.handle(old_tokens);
                    of_output(line, tokens, errors, |out, error| {
                        sipgate_oauth2_client_refresh_tokens(client, old_tokens, line.optional_text(0), call, out, error)
                    })
                }
            }
        };
        let no_refresh_token = line.function == b'U' && status == Status::SIPGATE_LOGIN_REQUIRED as sipgate_oauth2_status;
        assert!(line.is_refusable() || no_refresh_token || status == Status::SIPGATE_CANCELLED as sipgate_oauth2_status, "{status}");
    }

    fn set(&mut self, line: &Line) {
        let Self { options, parameters, codes, errors, .. } = self;
        match line.function {
            b'a' => set_secret(line, options, errors, sipgate_oauth2_client_options_set_client_secret),
            b'b' => set_text(line, options, errors, sipgate_oauth2_client_options_set_client_authentication),
            b'c' => set_text(line, options, errors, sipgate_oauth2_client_options_set_redirect_uri),
            b'd' => set_text(line, options, errors, sipgate_oauth2_client_options_set_realm),
            b'e' => set_text(line, options, errors, sipgate_oauth2_client_options_set_ca_certificates),
            b'f' => set_text(line, options, errors, sipgate_oauth2_client_options_set_proxy),
            b'g' => set_number(line, options, errors, sipgate_oauth2_client_options_set_connect_timeout_ms),
            b'h' => set_number(line, options, errors, sipgate_oauth2_client_options_set_request_timeout_ms),
            b'j' => set_text(line, parameters, errors, sipgate_oauth2_authorization_parameters_set_redirect_uri),
            b'k' => set_text(line, parameters, errors, sipgate_oauth2_authorization_parameters_set_response_mode),
            b'l' => set_text(line, parameters, errors, sipgate_oauth2_authorization_parameters_set_state),
            b'm' => set_text(line, parameters, errors, sipgate_oauth2_authorization_parameters_set_return_to),
            b'n' => set_text(line, parameters, errors, sipgate_oauth2_authorization_parameters_set_prompt),
            b'o' => set_text(line, parameters, errors, sipgate_oauth2_authorization_parameters_set_login_hint),
            b'p' => set_text(line, parameters, errors, sipgate_oauth2_authorization_parameters_set_ui_locales),
            b'q' => self.add_extra(line),
            b'r' => set_secret(line, codes, errors, sipgate_oauth2_authorization_code_set_code_verifier),
            b's' => set_text(line, codes, errors, sipgate_oauth2_authorization_code_set_redirect_uri),
            b't' => set_text(line, codes, errors, sipgate_oauth2_authorization_code_set_scope),
            b'u' => set_number(line, &self.calls, errors, sipgate_oauth2_call_options_set_timeout_ms),
            b'v' => self.set_cancel(line),
            // SAFETY: NULL or a live handle.
            b'w' => unsafe { sipgate_oauth2_cancel_token_cancel(self.cancels.get(line.first)) },
            b'x' => assert_named(u32::try_from(line.number(0)).unwrap_or(u32::MAX)),
            _ => {}
        }
    }

    fn add_extra(&mut self, line: &Line) {
        let parameters = line.handle(self.parameters.get(line.first));
        of_status(line, &mut self.errors, |error| {
            // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
            unsafe { sipgate_oauth2_authorization_parameters_add_extra(parameters, line.text(0), line.text(1), error) }
        });
    }

    fn set_cancel(&mut self, line: &Line) {
        let (call, cancel) = (line.handle(self.calls.get(line.first)), line.handle(self.cancels.get(line.second)));
        // SAFETY: every pointer is NULL or a live handle from a slot.
        of_status(line, &mut self.errors, |error| unsafe { sipgate_oauth2_call_options_set_cancel_token(call, cancel, error) });
    }
}

pub(crate) fn set_text<T: Handle>(line: &Line, slots: &Slots<T>, errors: &mut Slots<sipgate_oauth2_error>, set: SetText<T>) {
    let handle = line.handle(slots.get(line.first));
    // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
    of_status(line, errors, |error| unsafe { set(handle, line.text(0), error) });
}

pub(crate) fn set_secret<T: Handle>(line: &Line, slots: &Slots<T>, errors: &mut Slots<sipgate_oauth2_error>, set: SetText<T>) {
    line.secret(0);
    set_text(line, slots, errors, set);
}

pub(crate) fn set_number<T: Handle>(line: &Line, slots: &Slots<T>, errors: &mut Slots<sipgate_oauth2_error>, set: SetNumber<T>) {
    let handle = line.handle(slots.get(line.first));
    // SAFETY: every pointer is NULL or a live handle from a slot.
    of_status(line, errors, |error| unsafe { set(handle, line.number(0), error) });
}

pub(crate) fn give<T: Handle>(
    line: &Line,
    slots: &Slots<T>,
    secrets: &mut Slots<sipgate_oauth2_secret>,
    errors: &mut Slots<sipgate_oauth2_error>,
    give: Give<T>,
) -> sipgate_oauth2_status {
    let handle = line.handle(slots.get(line.first));
    // SAFETY: every pointer is NULL or a live handle from a slot.
    of_output(line, secrets, errors, |out, error| unsafe { give(handle, out, error) })
}

/// Call options whose cancel token was cancelled and freed.
pub(crate) fn cancelled() -> Slots<sipgate_oauth2_call_options> {
    let mut calls = Slots::default();
    let cancel = sipgate_oauth2_cancel_token_new();
    calls.put(0, sipgate_oauth2_call_options_new());
    // SAFETY: both are live; the cancel is not used again.
    unsafe {
        assert_eq!(sipgate_oauth2_call_options_set_cancel_token(calls.get(0), cancel, std::ptr::null_mut()), OK);
        sipgate_oauth2_cancel_token_cancel(cancel);
        sipgate_oauth2_cancel_token_free(cancel);
    }
    calls
}

/// An export, if it succeeded, restores and exports to the same again.
fn assert_restores<T: Handle>(status: sipgate_oauth2_status, exported: *const sipgate_oauth2_secret, restore: Restore<T>, export: Give<T>) {
    if status != OK {
        return;
    }
    let (mut restored, mut again) = (std::ptr::null_mut(), std::ptr::null_mut());
    // SAFETY: the secret is live, and so is what comes out, until it is freed.
    unsafe {
        assert_eq!(
            restore(sipgate_oauth2_secret_text(exported).data, &raw mut restored, std::ptr::null_mut()),
            OK,
            "an export does not restore"
        );
        assert_eq!(export(restored, &raw mut again, std::ptr::null_mut()), OK);
        assert_eq!(read(sipgate_oauth2_secret_text(exported)), read(sipgate_oauth2_secret_text(again)));
        T::free(restored);
        sipgate_oauth2_secret_free(again);
    }
}
