//! The application that docs/testing.md tests: there is none, as its test needs the library alone.
