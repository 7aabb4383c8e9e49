//! What C code passes for its callbacks.

use std::ffi::c_void;

pub(crate) type FreeFunction = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A pointer that C passed with a function, and the function that frees it.
pub(crate) struct UserData {
    pointer: *mut c_void,
    free: FreeFunction,
}

impl UserData {
    /// Owns the pointer: `free` is called when this is dropped.
    ///
    /// # Safety
    ///
    /// Until `free` was called, `pointer` may be passed to the functions it was given with from any
    /// thread and from several at once; and to `free` once.
    pub(crate) unsafe fn new(pointer: *mut c_void, free: FreeFunction) -> Self {
        Self { pointer, free }
    }

    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

// SAFETY: this code never reads through the pointer; the functions that do may be called from any
// thread, as `new` demands.
unsafe impl Send for UserData {}

// SAFETY: as for `Send`; and several at once.
unsafe impl Sync for UserData {}

impl Drop for UserData {
    fn drop(&mut self) {
        if let Some(free) = self.free {
            // SAFETY: `new` demands that it may be called once, and a value is dropped once.
            unsafe { free(self.pointer) };
        }
    }
}
