//! Conversion of arguments from Python to Rust. An error names the argument and shows nothing of
//! its contents.

use std::time::Duration;

use pyo3::PyClass;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyMapping, PyString};
use sipgate_oauth2::Error;

use crate::errors;

/// An argument, not judged yet.
pub(crate) type Any<'a, 'py> = &'a Bound<'py, PyAny>;

/// An argument that may be left out, which is the same as `None`.
pub(crate) type Optional<'a, 'py> = Option<Any<'a, 'py>>;

/// What a function with `**keywords` was given.
pub(crate) type Keywords<'a, 'py> = &'a Bound<'py, PyDict>;

/// Puts one keyword argument into what is being built.
pub(crate) type Setter<T> = fn(T, Any<'_, '_>) -> PyResult<T>;

/// Puts each keyword argument where its setter says. `None` is the same as leaving it out, and a
/// keyword without a setter is a `TypeError`.
pub(crate) fn keywords<T>(built: T, keywords: Option<Keywords<'_, '_>>, setter: fn(&str) -> Option<Setter<T>>) -> PyResult<T> {
    keywords.into_iter().flatten().try_fold(built, |built, (name, value)| {
        let name = name.cast::<PyString>()?.to_string_lossy();
        let set = setter(&name).ok_or_else(|| PyTypeError::new_err(format!("got an unexpected keyword argument '{name}'")))?;
        if value.is_none() { Ok(built) } else { set(built, &value) }
    })
}

/// The native half of an object of one of the public classes. `expected` as in "must be …".
pub(crate) fn handle<'py, T: PyClass>(field: &str, expected: &str, value: &Bound<'py, PyAny>) -> PyResult<Bound<'py, T>> {
    let handle = value.getattr_opt("_handle")?.and_then(|handle| handle.cast_into::<T>().ok());
    handle.ok_or_else(|| wrong_type(field, expected, value))
}

pub(crate) fn invalid(py: Python<'_>, field: &str, problem: &str) -> PyErr {
    errors::exception(py, &Error::invalid_argument(field, problem))
}

/// `expected` as in "must be …".
pub(crate) fn wrong_type(field: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyErr {
    let name = value.get_type().name().map_or_else(|_| "an object".to_owned(), |name| name.to_string_lossy().into_owned());
    invalid(value.py(), field, &format!("must be {expected}, not {name}"))
}

pub(crate) fn text<'a>(field: &str, value: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    let text = value.cast::<PyString>().map_err(|_| wrong_type(field, "a str", value))?;
    text.to_str()
        .map_err(|_| invalid(value.py(), field, "holds a lone surrogate, which is no text; decode the bytes it came from as UTF-8"))
}

pub(crate) fn optional_text<'a>(field: &str, value: Optional<'a, '_>) -> PyResult<Option<&'a str>> {
    value.map(|value| text(field, value)).transpose()
}

/// The callback from the browser: frameworks provide it as text or as bytes.
pub(crate) fn callback<'a>(value: &'a Bound<'_, PyAny>) -> PyResult<&'a str> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return str::from_utf8(bytes.as_bytes())
            .map_err(|_| invalid(value.py(), "callback", "is not UTF-8; pass the query string as it came"));
    }
    if value.is_instance_of::<PyString>() {
        return text("callback", value);
    }
    Err(wrong_type("callback", "a str or bytes, the query string of the request as it came and not what was read from it", value))
}

/// Text or the bytes of a text file.
pub(crate) fn bytes<'a>(field: &str, value: &'a Bound<'_, PyAny>) -> PyResult<&'a [u8]> {
    if let Ok(bytes) = value.cast::<PyBytes>() {
        return Ok(bytes.as_bytes());
    }
    if value.is_instance_of::<PyString>() {
        return text(field, value).map(str::as_bytes);
    }
    Err(wrong_type(field, "a str or bytes", value))
}

/// Seconds as an `int` or a `float`.
pub(crate) fn seconds(field: &str, value: &Bound<'_, PyAny>) -> PyResult<Duration> {
    let number = (value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>()) && !value.is_instance_of::<PyBool>();
    if !number {
        return Err(wrong_type(field, "a number of seconds", value));
    }
    let refused = || invalid(value.py(), field, "must be a number of seconds that is finite and not negative");
    let seconds = value.extract::<f64>().map_err(|_| refused())?;
    Duration::try_from_secs_f64(seconds).map_err(|_| refused())
}

/// An `int` that is no `bool`.
pub(crate) fn integer(field: &str, value: &Bound<'_, PyAny>) -> PyResult<i64> {
    if !value.is_instance_of::<PyInt>() || value.is_instance_of::<PyBool>() {
        return Err(wrong_type(field, "an int", value));
    }
    value.extract().map_err(|_| invalid(value.py(), field, "must have at most 64 bits"))
}

/// An `int` of 0 or more, and no more than fits.
pub(crate) fn count<T: TryFrom<i64>>(field: &str, value: &Bound<'_, PyAny>) -> PyResult<T> {
    let count = integer(field, value)?;
    T::try_from(count).map_err(|_| invalid(value.py(), field, if count < 0 { "must not be negative" } else { "is too large" }))
}

/// A text, or a list, tuple or set of texts; as one text.
pub(crate) fn scope(value: &Bound<'_, PyAny>) -> PyResult<String> {
    one_or_more("scope", value).map(|names| names.join(" "))
}

/// A text, or a list, tuple or set of texts.
pub(crate) fn one_or_more(field: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    if value.is_instance_of::<PyString>() {
        return text(field, value).map(|one| vec![one.to_owned()]);
    }
    texts(field, "a str or a list of str", value)
}

/// A list, tuple or set of texts. `expected` as in "must be …".
pub(crate) fn texts(field: &str, expected: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<String>> {
    let items = items(value).ok_or_else(|| wrong_type(field, expected, value))?;
    items.map(|item| text(field, &item?).map(str::to_owned)).collect()
}

/// A mapping of texts to texts, or a list of pairs of them.
pub(crate) fn pairs(field: &str, value: &Bound<'_, PyAny>) -> PyResult<Vec<(String, String)>> {
    let refused = || wrong_type(field, "a mapping of str to str, or a list of pairs of str", value);
    let items = match value.cast::<PyMapping>() {
        Ok(mapping) => items(mapping.items()?.as_any()),
        Err(_) => items(value),
    };
    items.ok_or_else(refused)?.map(|pair| self::pair(field, &pair?).ok_or_else(refused)?).collect()
}

/// `None` when it is no pair.
fn pair(field: &str, value: &Bound<'_, PyAny>) -> Option<PyResult<(String, String)>> {
    let mut halves = items(value)?;
    let (Some(Ok(name)), Some(Ok(text)), None) = (halves.next(), halves.next(), halves.next()) else { return None };
    let half = |half: &Bound<'_, PyAny>| self::text(field, half).map(str::to_owned);
    Some(half(&name).and_then(|name| Ok((name, half(&text)?))))
}

/// The items of a collection. Texts and mappings are not collections here, and neither is an object
/// without a length: it might never end.
pub(crate) fn items<'py>(value: &Bound<'py, PyAny>) -> Option<impl Iterator<Item = PyResult<Bound<'py, PyAny>>> + use<'py>> {
    if value.is_instance_of::<PyString>() || value.is_instance_of::<PyBytes>() || value.cast::<PyMapping>().is_ok() {
        return None;
    }
    let length = value.len().ok()?;
    value.try_iter().ok().map(|items| items.take(length))
}

pub(crate) fn flag(field: &str, value: Any<'_, '_>) -> PyResult<bool> {
    value.cast::<PyBool>().map(|flag| flag.is_true()).map_err(|_| wrong_type(field, "True or False", value))
}
