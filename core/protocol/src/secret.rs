//! Strings that must not show: redacted in `Debug`, without `Display`, and wiped from memory when
//! they are dropped.

use std::fmt;
use std::sync::Arc;

use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

macro_rules! secrets {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        ///
        /// `Debug` prints `[redacted]`; only [`reveal`](Self::reveal) gives the text. Clones share
        /// the memory, which is wiped when the last of them is dropped. A comparison takes the same
        /// time wherever the first difference is.
        ///
        /// ```
        #[doc = concat!("use sipgate_oauth2::", stringify!($name), ";")]
        ///
        #[doc = concat!("let secret = ", stringify!($name), "::from(\"s3cret\");")]
        /// assert_eq!(secret.reveal(), "s3cret");
        /// assert!(!format!("{secret:?}").contains("s3cret"));
        /// ```
        #[derive(Clone)]
        pub struct $name(Arc<Zeroizing<Box<str>>>);

        impl $name {
            /// The secret text itself.
            pub fn reveal(&self) -> &str {
                &self.0
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::new(Zeroizing::new(boxed(text))))
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::new(Zeroizing::new(text.into())))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.0.as_bytes().ct_eq(other.0.as_bytes()).into()
            }
        }

        impl Eq for $name {}

        impl std::hash::Hash for $name {
            fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
                self.0.as_bytes().hash(state);
            }
        }
    )*};
}

secrets! {
    /// An access token (RFC 6749, section 1.4): what an API accepts as proof.
    AccessToken
    /// A refresh token (RFC 6749, section 1.5): what gets the next access token.
    RefreshToken
    /// An ID token (OpenID Connect Core, section 2), as the server sent it.
    IdToken
    /// The secret of a confidential client (RFC 6749, section 2.3.1).
    ClientSecret
    /// A PKCE code verifier (RFC 7636, section 4.1).
    CodeVerifier
    /// Any other text that must not show: exported tokens, or an `Authorization` header.
    Secret
}

impl AccessToken {
    /// The value of an `Authorization` header: `Bearer …` (RFC 6750, section 2.1).
    pub fn authorization_header(&self) -> Secret {
        Secret::from(["Bearer ", self.reveal()].concat())
    }
}

/// A text in a boxed one, which is wiped much faster. Nothing is left where the text was.
fn boxed(mut text: String) -> Box<str> {
    if text.len() == text.capacity() {
        return text.into_boxed_str();
    }
    let boxed = text.as_str().into();
    // Without its length, all of it is wiped at once.
    text.clear();
    text.zeroize();
    boxed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_never_shows_the_text() {
        assert_eq!(format!("{:?}", RefreshToken::from("canary")), "RefreshToken([redacted])");
        assert_eq!(format!("{:?}", Some(Secret::from("canary"))), "Some(Secret([redacted]))");
    }

    #[test]
    fn secrets_of_equal_text_are_equal() {
        assert_eq!(AccessToken::from("a"), AccessToken::from("a"));
        assert_ne!(AccessToken::from("a"), AccessToken::from("ab"));
    }
}
