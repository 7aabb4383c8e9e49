//! Tells the core about forks. `os.register_at_fork` calls these on the thread that forks.

use pyo3::pyfunction;

/// Ensures that no thread is inside the database during the fork: the child would wait forever for
/// that thread, which it does not have.
#[pyfunction]
pub(crate) fn before_fork() {
    sipgate_oauth2::binding::before_fork();
}

/// In the parent and in the child.
#[pyfunction]
pub(crate) fn after_fork() {
    sipgate_oauth2::binding::after_fork();
}
