//! What is wrong with a store's settings.

use crate::arguments::handle;
use crate::boundary::run_out;
use crate::call_options::{or_defaults, sipgate_oauth2_call_options};
use crate::error::sipgate_oauth2_error;
use crate::handle::{boxed, free};
use crate::status::sipgate_oauth2_status;
use crate::store::sipgate_oauth2_store;
use crate::text::{Text, lend, sipgate_oauth2_str};

/// What is wrong with a store's settings; nothing if all is well. It never changes; any number of
/// threads may use it.
pub struct sipgate_oauth2_store_findings(Vec<Text>);

boxed!(sipgate_oauth2_store_findings);

impl From<Vec<String>> for sipgate_oauth2_store_findings {
    fn from(findings: Vec<String>) -> Self {
        Self(findings.iter().map(|finding| finding.as_str().into()).collect())
    }
}

/// Looks whether a store works and keeps logins as it must: rights, table, durability, eviction,
/// and whether the server is the primary. For start scripts and monitoring. Blocks. `options` may
/// be NULL. What it finds is not a failure of this function, but a store that cannot be asked, or a
/// SQLite database that cannot be written, is. Nothing is known of a custom store:
/// sipgate_oauth2_store_check tests one. The caller owns `findings`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_check_settings(
    store: *const sipgate_oauth2_store,
    options: *const sipgate_oauth2_call_options,
    findings: *mut *mut sipgate_oauth2_store_findings,
    error: *mut *mut sipgate_oauth2_error,
) -> sipgate_oauth2_status {
    // SAFETY: each pointer is NULL or what the header requires.
    unsafe { run_out("findings", findings, error, || handle("store", store)?.store.start_check(&or_defaults(options)).wait()) }
}

/// How many findings there are; 0 if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_findings_count(findings: *const sipgate_oauth2_store_findings) -> usize {
    // SAFETY: NULL or a live handle.
    unsafe { findings.as_ref() }.map_or(0, |findings| findings.0.len())
}

/// What is wrong, in words with the remedy: one finding for each `index` from 0. Borrowed from the
/// findings; empty after the last, or if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_findings_at(
    findings: *const sipgate_oauth2_store_findings,
    index: usize,
) -> sipgate_oauth2_str {
    // SAFETY: NULL or a live handle.
    lend(unsafe { findings.as_ref() }, |findings| findings.0.get(index))
}

/// Frees findings. Does nothing if NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sipgate_oauth2_store_findings_free(findings: *mut sipgate_oauth2_store_findings) {
    // SAFETY: NULL or a live handle that the caller gives up.
    unsafe { free(findings) };
}
