//! `peek`, called for every request that an application makes: a function of Node-API's own, as the
//! checks that generated ones make of their arguments take longer than what it does.

use std::cell::RefCell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use napi::bindgen_prelude::{External, Function, Object, ToNapiValue, Unknown};
use napi::{Env, Error, Status, sys};
use napi_derive::napi;
use sipgate_oauth2::{AccessToken, TokenSource};

/// What `peek` looks at.
#[repr(C)]
struct Peeker {
    /// The address of `TAG`, first in memory: it tells a peeker from any other object of this
    /// library's.
    tag: *const u64,
    source: TokenSource,
    /// What JavaScript has as a string already. Held, so that no other token can be at its address.
    shown: RefCell<Option<AccessToken>>,
}

static TAG: u64 = 0;

/// What to hand to `peek` for a source.
#[napi(catch_unwind)]
pub fn peeker<'a>(env: &'a Env, source: &External<TokenSource>) -> napi::Result<Unknown<'a>> {
    let source: &TokenSource = source;
    let peeker = Box::into_raw(Box::new(Peeker { tag: &raw const TAG, source: source.clone(), shown: RefCell::default() }));
    let mut external = ptr::null_mut();
    // SAFETY: `env` is the current environment, and `peeker` stays where it is until `wipe` is
    // called.
    let status = unsafe { sys::napi_create_external(env.raw(), peeker.cast(), Some(wipe), ptr::null_mut(), &raw mut external) };
    if status != sys::Status::napi_ok {
        // SAFETY: nothing was made that would call `wipe`.
        drop(unsafe { Box::from_raw(peeker) });
        return Err(Error::from_status(Status::from(status)));
    }
    // SAFETY: made in this environment just now.
    Ok(unsafe { Unknown::from_raw_unchecked(env.raw(), external) })
}

unsafe extern "C" fn wipe(_: sys::napi_env, peeker: *mut c_void, _: *mut c_void) {
    // SAFETY: `peeker` made it from a box, and this is called once, when nobody can hand it to
    // `peek` any more.
    drop(unsafe { Box::from_raw(peeker.cast::<Peeker>()) });
}

/// Adds `peek(peeker)` to what the library exports: the token as a string; `true`, where it is the
/// string that the last call gave; nothing, where there is none at hand.
#[napi(module_exports)]
pub fn export_peek(mut exports: Object<'_>, env: Env) -> napi::Result<()> {
    let function: Function<'_, (), ()> = env.create_function("peek", peek)?;
    exports.set("peek", function)
}

unsafe extern "C" fn peek(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: node hands over the current environment and the call that it is in.
    catch_unwind(AssertUnwindSafe(|| unsafe { peeker_of(env, info).and_then(|peeker| look(env, peeker)) }))
        .ok()
        .flatten()
        .unwrap_or(ptr::null_mut())
}

/// # Safety
///
/// `env` must be the current environment, and `info` the call that it is in.
unsafe fn peeker_of<'a>(env: sys::napi_env, info: sys::napi_callback_info) -> Option<&'a Peeker> {
    let mut count = 1;
    let mut argument = ptr::null_mut();
    let mut data = ptr::null_mut();
    // SAFETY: there is room for one argument, and for nothing else that could be asked for.
    let status = unsafe { sys::napi_get_cb_info(env, info, &raw mut count, &raw mut argument, ptr::null_mut(), ptr::null_mut()) };
    // SAFETY: the argument was given by this call; what is no external is refused.
    if status != sys::Status::napi_ok || unsafe { sys::napi_get_value_external(env, argument, &raw mut data) } != sys::Status::napi_ok {
        return None;
    }
    // SAFETY: only the package's own JavaScript can call this, and it has no externals but this
    // library's: boxes of more than a pointer's size. One that begins with the address of `TAG` was
    // made by `peeker`, and lives as long as the argument does.
    unsafe { (*data.cast::<*const u64>() == &raw const TAG).then(|| &*data.cast::<Peeker>()) }
}

/// # Safety
///
/// `env` must be the current environment.
unsafe fn look(env: sys::napi_env, peeker: &Peeker) -> Option<sys::napi_value> {
    let mut shown = peeker.shown.borrow_mut();
    let token = peeker.source.peek();
    let is_shown = match (&token, &*shown) {
        (Some(token), Some(shown)) => ptr::eq(token.reveal(), shown.reveal()),
        _ => false,
    };
    *shown = token;
    let token = shown.as_ref()?.reveal();
    // SAFETY: the caller's promise is what these need.
    let value = unsafe { if is_shown { bool::to_napi_value(env, true) } else { <&str>::to_napi_value(env, token) } };
    if value.is_err() {
        *shown = None;
    }
    value.ok()
}
