//! The calls of stores that a URL names. Such a store is freed at once: used later, it would open a
//! connection or make a file.

use std::ptr::null_mut;

use sipgate_oauth2_c::*;

use crate::c_program;
use crate::calls::{Calls, cancelled, set_number, set_secret, set_text};
use crate::handles::Slots;
use crate::line::Line;
use crate::outcome::{of_output, of_status};

impl Calls {
    /// As [`Calls::make`]: digits free handles, capitals make them, small letters change them.
    pub(crate) fn make_of_stores(&mut self, line: &Line) {
        match line.function {
            b'0' => self.findings.free(line.first),
            b'O' => self.open_store(line),
            b'C' => self.check_settings(line),
            _ => self.set_store_option(line),
        }
    }

    fn open_store(&mut self, line: &Line) {
        let Self { store_options, errors, .. } = self;
        let (url, options) = (line.text(0), store_options.get(line.first));
        let url =
            if line.is_refusable() || !line.bytes(0).to_ascii_lowercase().starts_with(b"sqlite:") { url } else { NO_DATABASE.as_ptr() };
        let mut opened = Slots::default();
        // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
        of_output(line, &mut opened, errors, |out, error| unsafe { sipgate_oauth2_store_open(url, options, out, error) });
    }

    /// Looks at a store in memory or of the C program.
    fn check_settings(&mut self, line: &Line) {
        let Self { stores, findings, errors, .. } = self;
        let (store, cancelled) = (line.handle(stores.get(line.first)), cancelled());
        let call = if line.second % 2 == 1 { cancelled.get(0) } else { null_mut() };
        // SAFETY: every pointer is NULL or a live handle from a slot.
        of_output(line, findings, errors, |out, error| unsafe { sipgate_oauth2_store_check_settings(store, call, out, error) });
    }

    fn set_store_option(&mut self, line: &Line) {
        let Self { store_options, errors, .. } = self;
        let options = || line.handle(store_options.get(line.first));
        // SAFETY: every pointer is NULL, or a text of this line, or a live handle from a slot.
        unsafe {
            match line.function {
                b'p' => set_secret(line, store_options, errors, sipgate_oauth2_store_options_set_password),
                b'c' => set_text(line, store_options, errors, sipgate_oauth2_store_options_set_ca_certificates),
                b't' => set_text(line, store_options, errors, sipgate_oauth2_store_options_set_table),
                b'k' => set_text(line, store_options, errors, sipgate_oauth2_store_options_set_prefix),
                b'm' => set_number(line, store_options, errors, sipgate_oauth2_store_options_set_timeout_ms),
                b'f' => {
                    let (options, function) = (options(), (!line.bytes(0).is_empty()).then_some(c_program::password as _));
                    if function.is_none() {
                        line.handle(null_mut::<()>());
                    }
                    of_status(line, errors, |error| {
                        sipgate_oauth2_store_options_set_password_function(options, function, null_mut(), None, error)
                    });
                }
                b'n' => {
                    let (options, connections) = (options(), usize::try_from(line.number(0)).unwrap_or(usize::MAX));
                    of_status(line, errors, |error| sipgate_oauth2_store_options_set_connections(options, connections, error));
                }
                b'x' => {
                    let (options, is_created) = (options(), line.number(0) % 2 == 1);
                    of_status(line, errors, |error| sipgate_oauth2_store_options_set_create_table(options, is_created, error));
                }
                b'd' => {
                    let (options, durability) = (options(), u32::try_from(line.number(0)).unwrap_or(u32::MAX));
                    if durability > StoreDurability::SIPGATE_DURABILITY_MEMORY as u32 {
                        line.handle(null_mut::<()>());
                    }
                    of_status(line, errors, |error| sipgate_oauth2_store_options_set_durability(options, durability, error));
                }
                b'r' => {
                    let (options, replicas) = (options(), u32::try_from(line.number(0)).unwrap_or(u32::MAX));
                    of_status(line, errors, |error| sipgate_oauth2_store_options_set_replicas(options, replicas, error));
                }
                _ => {}
            }
        }
    }
}

/// A place at which no file can be created.
const NO_DATABASE: &std::ffi::CStr = c"sqlite:///dev/null/logins.db";
