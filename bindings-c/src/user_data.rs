//! What C code wants to have back when it is called.

use std::ffi::c_void;

pub(crate) type FreeFunction = Option<unsafe extern "C" fn(user_data: *mut c_void)>;

/// A pointer that C gave with a function, and the function that ends its life.
pub(crate) struct UserData {
    pointer: *mut c_void,
    free: FreeFunction,
}

impl UserData {
    /// Takes the pointer over: `free` is called when this is dropped.
    ///
    /// # Safety
    ///
    /// `pointer` may be passed to the functions it was given with from any thread, several at once, until `free` was called, and to `free` once.
    pub(crate) unsafe fn new(pointer: *mut c_void, free: FreeFunction) -> Self {
        Self { pointer, free }
    }

    pub(crate) fn pointer(&self) -> *mut c_void {
        self.pointer
    }
}

// SAFETY: this code never looks behind the pointer; the functions that do may be called from any thread, as `new` demands.
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
