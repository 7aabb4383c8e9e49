//! The calls of OpenID Connect. Those that would connect have cancelled call options.

use sipgate_oauth2_c::*;

use crate::calls::{Calls, cancelled, set_number, set_secret, set_text};
use crate::line::Line;
use crate::outcome::{of_output, of_status};

impl Calls {
    /// As [`Calls::make`]: digits free handles, capitals make them, small letters change and use
    /// them.
    pub(crate) fn make_of_openid(&mut self, line: &Line) {
        match line.function {
            b'0' => self.discoveries.free(line.first),
            b'1' => self.logouts.free(line.first),
            b'2' => self.jsons.free(line.first),
            b'A' => self.discoveries.put(line.out, sipgate_oauth2_discovery_options_new()),
            b'B' => self.logouts.put(line.out, sipgate_oauth2_logout_parameters_new()),
            b'C' => self.read_claims(line),
            b'L' => self.make_logout_url(line),
            b'T' => self.list_accounts(line),
            b'D' | b'I' | b'K' | b'U' | b'V' | b'r' => self.ask_cancelled(line),
            b'k' => self.check_logout_response(line),
            _ => self.set_openid(line),
        }
    }

    fn read_claims(&mut self, line: &Line) {
        let Self { sources, calls, jsons, errors, .. } = self;
        let (source, call) = (line.handle(sources.get(line.first)), calls.get(line.second));
        // SAFETY: every pointer is NULL or a live handle from a slot.
        of_output(line, jsons, errors, |out, error| unsafe { sipgate_oauth2_token_source_claims(source, call, out, error) });
    }

    /// Of the login in the client's slot.
    fn make_logout_url(&mut self, line: &Line) {
        let Self { clients, sources, logouts, secrets, errors, .. } = self;
        let (client, source) = (line.handle(clients.get(line.first)), sources.get(line.first));
        let parameters = logouts.get(line.second);
        of_output(line, secrets, errors, |out, error| {
            // SAFETY: every pointer is NULL or a live handle from a slot.
            unsafe { sipgate_oauth2_client_logout_url(client, source, parameters, std::ptr::null(), out, error) }
        });
    }

    /// No network: the options are those of any slot.
    fn list_accounts(&mut self, line: &Line) {
        let Self { clients, calls, jsons, errors, .. } = self;
        let (client, call) = (line.handle(clients.get(line.first)), calls.get(line.second));
        of_output(line, jsons, errors, |out, error| {
            // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
            unsafe { sipgate_oauth2_client_accounts(client, line.optional_text(0), call, out, error) }
        });
    }

    /// Calls that would connect. Their options are cancelled, so that nothing is sent.
    fn ask_cancelled(&mut self, line: &Line) {
        let Self { clients, sources, discoveries, jsons, errors, .. } = self;
        let client = || line.handle(clients.get(line.first));
        let cancelled = cancelled();
        let call = cancelled.get(0);
        // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
        let status = unsafe {
            match line.function {
                b'D' => {
                    let options = discoveries.get(line.first);
                    of_output(line, jsons, errors, |out, error| sipgate_oauth2_discover(line.text(0), options, call, out, error))
                }
                b'I' => {
                    let client = client();
                    of_output(line, jsons, errors, |out, error| sipgate_oauth2_client_introspect(client, line.secret(0), call, out, error))
                }
                b'K' => {
                    let client = client();
                    of_output(line, jsons, errors, |out, error| {
                        sipgate_oauth2_client_accept_logout_token(client, line.secret(0), call, out, error)
                    })
                }
                b'V' => {
                    let client = client();
                    of_output(line, jsons, errors, |out, error| sipgate_oauth2_client_keep_alive(client, line.number(0), call, out, error))
                }
                b'U' => {
                    let source = line.handle(sources.get(line.first));
                    of_output(line, jsons, errors, |out, error| sipgate_oauth2_token_source_userinfo(source, call, out, error))
                }
                _ => {
                    let client = client();
                    of_status(line, errors, |error| sipgate_oauth2_client_revoke(client, line.secret(0), call, error))
                }
            }
        };
        assert!(line.is_refusable() || status == Status::SIPGATE_CANCELLED as sipgate_oauth2_status, "{status}");
    }

    fn check_logout_response(&mut self, line: &Line) {
        let client = line.handle(self.clients.get(line.first));
        of_status(line, &mut self.errors, |error| {
            // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
            unsafe { sipgate_oauth2_client_check_logout_response(client, line.text(0), line.secret(1), error) }
        });
    }

    fn set_openid(&mut self, line: &Line) {
        let Self { options, parameters, codes, discoveries, logouts, errors, .. } = self;
        match line.function {
            b'a' => set_text(line, options, errors, sipgate_oauth2_client_options_set_id_token_signed_response_alg),
            b'b' => set_text(line, options, errors, sipgate_oauth2_client_options_set_trusted_audiences),
            b'c' => set_number(line, options, errors, sipgate_oauth2_client_options_set_leeway_ms),
            b'd' => {
                let parameters = line.handle(parameters.get(line.first));
                let seconds = line.number(0).cast_signed();
                // SAFETY: NULL or a live handle from a slot.
                of_status(line, errors, |error| unsafe { sipgate_oauth2_authorization_parameters_set_max_age(parameters, seconds, error) });
            }
            b'e' => set_text(line, parameters, errors, sipgate_oauth2_authorization_parameters_set_acr_values),
            b'f' => set_text(line, parameters, errors, sipgate_oauth2_authorization_parameters_set_claims),
            b'g' => set_secret(line, parameters, errors, sipgate_oauth2_authorization_parameters_set_id_token_hint),
            b'h' => set_text(line, codes, errors, sipgate_oauth2_authorization_code_set_nonce),
            b'i' => set_text(line, discoveries, errors, sipgate_oauth2_discovery_options_set_ca_certificates),
            b'j' => set_text(line, discoveries, errors, sipgate_oauth2_discovery_options_set_proxy),
            b'l' => set_number(line, discoveries, errors, sipgate_oauth2_discovery_options_set_connect_timeout_ms),
            b'm' => set_number(line, discoveries, errors, sipgate_oauth2_discovery_options_set_request_timeout_ms),
            b'n' => set_secret(line, logouts, errors, sipgate_oauth2_logout_parameters_set_id_token_hint),
            b'o' => set_text(line, logouts, errors, sipgate_oauth2_logout_parameters_set_post_logout_redirect_uri),
            b'p' => set_secret(line, logouts, errors, sipgate_oauth2_logout_parameters_set_state),
            b'q' => set_text(line, logouts, errors, sipgate_oauth2_logout_parameters_set_logout_hint),
            b's' => set_text(line, logouts, errors, sipgate_oauth2_logout_parameters_set_ui_locales),
            _ => {}
        }
    }
}
