//! What the core wants to know about forks. `os.register_at_fork` calls these, on the thread that forks.

use pyo3::pyfunction;

/// No thread is inside the database when the fork happens: its child could wait for ever for that thread, which it does not have.
#[pyfunction]
pub(crate) fn before_fork() {
    sipgate_oauth2::before_fork();
}

/// In the parent and in the child.
#[pyfunction]
pub(crate) fn after_fork() {
    sipgate_oauth2::after_fork();
}
