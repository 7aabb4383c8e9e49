//! Memory that is wiped when it is freed, for all allocations of the library in Python, Node, and
//! C. Tokens are copied in places that the core does not control: strings that grow, the buffers of
//! TLS and of the HTTP library, and SQLite's pages.

use std::alloc::{Layout, System, alloc, dealloc, realloc};
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::Once;

use rusqlite::ffi::{SQLITE_CONFIG_MALLOC, sqlite3_config, sqlite3_mem_methods};
use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static WIPING: ZeroAlloc<System> = ZeroAlloc(System);

/// Makes SQLite use the same memory. Call it before the first store is opened; later calls do
/// nothing.
pub fn wipe_sqlite() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let methods = sqlite3_mem_methods {
            xMalloc: Some(malloc),
            xFree: Some(free),
            xRealloc: Some(resize),
            xSize: Some(size),
            xRoundup: Some(round_up),
            xInit: Some(init),
            xShutdown: Some(shut_down),
            pAppData: ptr::null_mut(),
        };
        // SAFETY: SQLite is not in use yet, and copies the methods. If it is already in use, it
        // rejects them and keeps its own.
        unsafe { sqlite3_config(SQLITE_CONFIG_MALLOC, &raw const methods) };
    });
}

/// The size of the header before each block that SQLite gets, which stores the block's size. Equal
/// to the alignment of C's `malloc`.
const HEADER: usize = 16;

fn layout(size: usize) -> Option<Layout> {
    Layout::from_size_align(size.checked_add(HEADER)?, HEADER).ok()
}

/// # Safety
///
/// `block` has room for a header and `size` bytes after it, or is null.
unsafe fn handed_out(block: *mut u8, size: usize) -> *mut c_void {
    if block.is_null() {
        return ptr::null_mut();
    }
    // SAFETY: the block has room for the header, and is aligned.
    unsafe {
        block.cast::<usize>().write(size);
        block.add(HEADER).cast()
    }
}

/// # Safety
///
/// `handed` was returned by `handed_out` and has not been freed.
unsafe fn block(handed: *mut c_void) -> (*mut u8, usize) {
    // SAFETY: the header precedes it.
    unsafe {
        let block = handed.cast::<u8>().sub(HEADER);
        (block, block.cast::<usize>().read())
    }
}

unsafe extern "C" fn malloc(wanted: c_int) -> *mut c_void {
    let Some((wanted, layout)) = usize::try_from(wanted).ok().and_then(|wanted| Some((wanted, layout(wanted)?))) else {
        return ptr::null_mut();
    };
    // SAFETY: the layout is not empty, and has room for the header.
    unsafe { handed_out(alloc(layout), wanted) }
}

unsafe extern "C" fn free(handed: *mut c_void) {
    if handed.is_null() {
        return;
    }
    // SAFETY: SQLite frees each block from here once.
    unsafe {
        let (block, size) = block(handed);
        if let Some(layout) = layout(size) {
            dealloc(block, layout);
        }
    }
}

unsafe extern "C" fn resize(handed: *mut c_void, wanted: c_int) -> *mut c_void {
    let Some((wanted, new)) = usize::try_from(wanted).ok().and_then(|wanted| Some((wanted, layout(wanted)?))) else {
        return ptr::null_mut();
    };
    // SAFETY: SQLite resizes only blocks from here, and the layout is that of the block.
    unsafe {
        let (block, size) = block(handed);
        match layout(size) {
            Some(old) => handed_out(realloc(block, old, new.size()), wanted),
            None => ptr::null_mut(),
        }
    }
}

unsafe extern "C" fn size(handed: *mut c_void) -> c_int {
    if handed.is_null() {
        return 0;
    }
    // SAFETY: SQLite passes only blocks from here.
    let (_, size) = unsafe { block(handed) };
    c_int::try_from(size).unwrap_or(c_int::MAX)
}

unsafe extern "C" fn round_up(wanted: c_int) -> c_int {
    // SQLite requests less than 2^31 - 256 bytes.
    wanted.saturating_add(7) & !7
}

unsafe extern "C" fn init(_: *mut c_void) -> c_int {
    rusqlite::ffi::SQLITE_OK
}

unsafe extern "C" fn shut_down(_: *mut c_void) {}
