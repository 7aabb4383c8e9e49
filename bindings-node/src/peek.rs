//! `peek` takes 65 ns; as a generated function it takes 400 ns (Node 20, a token of 1,200
//! characters). An application calls it for each of its requests. Generated checks of the argument
//! take 90 ns of the difference, and a new string takes the rest: this function uses Node-API
//! directly, and does not make a string that JavaScript already has.

use std::cell::RefCell;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

use napi::bindgen_prelude::{External, Function, Object, ToNapiValue, Unknown};
use napi::{Env, Error, Status, sys};
use napi_derive::napi;
use sipgate_oauth2::{AccessToken, TokenSource};

use crate::text::Text;

/// The argument of `peek`.
#[repr(C)]
struct Peeker {
    /// The address of `TAG`, first in memory: it tells a peeker from other objects of this library.
    tag: *const u64,
    source: TokenSource,
    /// The token that JavaScript already has as a string. Kept, so that no other token can have its
    /// address.
    known: RefCell<Option<AccessToken>>,
}

static TAG: u64 = 0;

/// A source's argument for `peek`.
#[napi(catch_unwind)]
pub fn peeker<'a>(env: &'a Env, source: &External<TokenSource>) -> napi::Result<Unknown<'a>> {
    let source: &TokenSource = source;
    let peeker = Box::into_raw(Box::new(Peeker { tag: &raw const TAG, source: source.clone(), known: RefCell::default() }));
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
    // SAFETY: `peeker` made it from a box, and this is called once, when nothing references the
    // external any more.
    drop(unsafe { Box::from_raw(peeker.cast::<Peeker>()) });
}

/// Exports `peek(peeker)`. It returns the token as a string, `true` if that is the string that the
/// last call returned, or nothing if there is no token to use.
#[napi(module_exports)]
pub fn export_peek(mut exports: Object<'_>, env: Env) -> napi::Result<()> {
    let function: Function<'_, (), ()> = env.create_function("peek", peek)?;
    exports.set("peek", function)
}

unsafe extern "C" fn peek(env: sys::napi_env, info: sys::napi_callback_info) -> sys::napi_value {
    // SAFETY: Node passes the current environment and the current call.
    catch_unwind(AssertUnwindSafe(|| unsafe { peeker_of(env, info).and_then(|peeker| look(env, peeker)) }))
        .ok()
        .flatten()
        .unwrap_or(ptr::null_mut())
}

/// # Safety
///
/// `env` must be the current environment, and `info` the current call.
unsafe fn peeker_of<'a>(env: sys::napi_env, info: sys::napi_callback_info) -> Option<&'a Peeker> {
    let mut count = 1;
    let mut argument = ptr::null_mut();
    let mut data = ptr::null_mut();
    // SAFETY: there is room for one argument, and nothing else is requested.
    let status = unsafe { sys::napi_get_cb_info(env, info, &raw mut count, &raw mut argument, ptr::null_mut(), ptr::null_mut()) };
    // SAFETY: the argument is from this call, and anything but an external is refused.
    if status != sys::Status::napi_ok || unsafe { sys::napi_get_value_external(env, argument, &raw mut data) } != sys::Status::napi_ok {
        return None;
    }
    // SAFETY: only the package's own JavaScript can call this. It has only externals of this
    // library, which point to more than a pointer's size. One that begins with the address of `TAG`
    // was made by `peeker`, and lives as long as the argument.
    unsafe { (*data.cast::<*const u64>() == &raw const TAG).then(|| &*data.cast::<Peeker>()) }
}

/// # Safety
///
/// `env` must be the current environment.
unsafe fn look(env: sys::napi_env, peeker: &Peeker) -> Option<sys::napi_value> {
    let mut known = peeker.known.borrow_mut();
    let is_known = |token: &AccessToken| known.as_ref().is_some_and(|known| ptr::eq(token.reveal(), known.reveal()));
    if peeker.source.with_at_hand(is_known) == Some(true) {
        // SAFETY: the caller's promise is what this needs.
        return unsafe { bool::to_napi_value(env, true) }.ok();
    }
    let token = peeker.source.peek();
    let is_known = token.as_ref().is_some_and(is_known);
    *known = token;
    let token = known.as_ref()?.reveal();
    // SAFETY: the caller's promise is what these need.
    let value = unsafe { if is_known { bool::to_napi_value(env, true) } else { Text::to_napi_value(env, Text(token)) } };
    if value.is_err() {
        *known = None;
    }
    value.ok()
}
