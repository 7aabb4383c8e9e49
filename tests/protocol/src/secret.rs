//! Stands in for the core's secrets, whose `Debug` tells nothing: here all of them are invented, and two states of the world that differ in a token only
//! must not look alike.

use std::sync::Arc;

macro_rules! shown {
    ($($name:ident)*) => {$(
        #[doc = concat!("An invented `", stringify!($name), "`.")]
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub(crate) struct $name(Arc<str>);

        impl $name {
            /// The text.
            pub(crate) fn reveal(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }
    )*};
}

shown! { AccessToken RefreshToken IdToken ClientSecret CodeVerifier Secret }
