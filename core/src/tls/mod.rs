//! TLS: which certificates are trusted, and the sessions that can be resumed.

mod certificate;
mod roots;
mod sessions;
mod trust;

pub(crate) use self::certificate::certificate_problem;
pub(crate) use self::roots::Roots;
pub(crate) use self::trust::Trust;
