//! The exit of the process: a refresh that no caller waits for any more is stored all the same.

use std::ffi::c_int;
use std::panic::catch_unwind;
use std::sync::Once;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(5);

type Function = extern "C" fn();

unsafe extern "C" {
    fn atexit(function: Function) -> c_int;
}

/// Makes `exit` wait for requests whose outcome is not stored yet.
pub(crate) fn watch() {
    static WATCHING: Once = Once::new();
    WATCHING.call_once(|| {
        #[cfg(windows)]
        if windows::watch(drain) {
            return;
        }
        // SAFETY: the function lives as long as this library, takes nothing and does not unwind. If
        // it cannot be registered, the process ends as if it was killed.
        let _ = unsafe { atexit(drain) };
    });
}

extern "C" fn drain() {
    static DRAINED: Once = Once::new();
    DRAINED.call_once(|| {
        let _ = catch_unwind(|| sipgate_oauth2::drain(PATIENCE));
    });
}

/// What a DLL gives to `atexit` is called when Windows unloads it, after all other threads have
/// ended: nothing that was in progress can finish then. So a DLL gives it to the C library of the
/// program, which calls it before.
#[cfg(windows)]
mod windows {
    use std::ffi::{CStr, c_int, c_void};
    use std::ptr;

    use super::Function;

    type Module = *mut c_void;

    /// The C libraries that a program may have, with what `atexit` is there.
    const LIBRARIES: [(&CStr, &CStr); 2] = [(c"ucrtbase.dll", c"_crt_atexit"), (c"msvcrt.dll", c"_onexit")];

    const FROM_ADDRESS: u32 = 4;
    const PIN: u32 = 1;

    unsafe extern "system" {
        fn GetModuleHandleA(name: *const i8) -> Module;
        fn GetModuleHandleExA(flags: u32, address: *const i8, module: *mut Module) -> c_int;
        fn GetProcAddress(module: Module, name: *const i8) -> *const c_void;
    }

    /// Returns whether this library is a DLL.
    pub(super) fn watch(function: Function) -> bool {
        let mut own = ptr::null_mut();
        // SAFETY: the address is one of this library, and `own` a place for a handle. Once pinned,
        // the library stays until the process ends, and the function with it.
        let found = unsafe { GetModuleHandleExA(FROM_ADDRESS | PIN, function as *const i8, &raw mut own) };
        // SAFETY: NULL names the program.
        if found == 0 || own == unsafe { GetModuleHandleA(ptr::null()) } {
            return false;
        }
        for (library, name) in LIBRARIES {
            // SAFETY: the names end with NUL, and GetProcAddress takes any handle of a module.
            let register = unsafe {
                let module = GetModuleHandleA(library.as_ptr());
                if module.is_null() { ptr::null() } else { GetProcAddress(module, name.as_ptr()) }
            };
            if !register.is_null() {
                // SAFETY: both take a pointer to a function, and return a word that only says
                // whether they kept it.
                let register: extern "C" fn(Function) -> usize = unsafe { std::mem::transmute(register) };
                let _ = register(function);
            }
        }
        true
    }
}
