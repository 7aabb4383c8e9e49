//! JSON to Python objects and back.

use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};
use serde_json::{Map, Number, Value};
use sipgate_oauth2::Secret;

use crate::argument;

/// Deeper than the core reads, and far from the end of the stack: a mapping that contains itself is
/// refused.
const MAX_DEPTH: usize = 64;

pub(crate) fn object<'py>(py: Python<'py>, members: &Map<String, Value>) -> PyResult<Bound<'py, PyAny>> {
    let dict = PyDict::new(py);
    for (name, value) in members {
        dict.set_item(name, self::value(py, value)?)?;
    }
    Ok(dict.into_any())
}

/// The Python object that this JSON text of the core describes.
pub(crate) fn parsed<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let json = serde_json::from_str(text).map_err(|_| argument::invalid(py, "a response", "is not JSON"))?;
    value(py, &json)
}

fn value<'py>(py: Python<'py>, json: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match json {
        Value::Null => py.None().into_bound(py),
        Value::Bool(flag) => PyBool::new(py, *flag).to_owned().into_any(),
        Value::Number(number) => self::number(py, number)?,
        Value::String(text) => PyString::new(py, text).into_any(),
        Value::Array(items) => PyList::new(py, items.iter().map(|item| value(py, item)).collect::<PyResult<Vec<_>>>()?)?.into_any(),
        Value::Object(members) => object(py, members)?,
    })
}

fn number<'py>(py: Python<'py>, number: &Number) -> PyResult<Bound<'py, PyAny>> {
    if let Some(number) = number.as_i64() {
        return Ok(number.into_pyobject(py)?.into_any());
    }
    if let Some(number) = number.as_u64() {
        return Ok(number.into_pyobject(py)?.into_any());
    }
    Ok(number.as_f64().into_pyobject(py)?.into_any())
}

/// What `read` makes of a JSON object, given as text or as a mapping.
pub(crate) fn document<T>(field: &str, value: &Bound<'_, PyAny>, read: impl FnOnce(&str) -> PyResult<T>) -> PyResult<T> {
    if value.is_instance_of::<PyString>() {
        return read(argument::text(field, value)?);
    }
    let mapping = value.cast::<PyMapping>().map_err(|_| argument::wrong_type(field, "a str or a mapping", value))?;
    let text = Secret::from(Value::Object(Writer { field }.members(mapping, MAX_DEPTH)?).to_string());
    read(text.reveal())
}

struct Writer<'a> {
    field: &'a str,
}

impl Writer<'_> {
    fn members(&self, mapping: &Bound<'_, PyMapping>, depth: usize) -> PyResult<Map<String, Value>> {
        let items = mapping.items()?;
        items
            .iter()
            .map(|item| item.extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>)>())
            .map(|item| {
                let (name, value) = item?;
                Ok((argument::text(self.field, &name)?.to_owned(), self.value(&value, depth)?))
            })
            .collect()
    }

    fn value(&self, value: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
        let refused = |problem| argument::invalid(value.py(), self.field, problem);
        let deeper = || depth.checked_sub(1).ok_or_else(|| refused("is nested too deeply; pass a JSON object of the usual depth"));
        if value.is_none() {
            return Ok(Value::Null);
        }
        if value.is_instance_of::<PyString>() {
            return argument::text(self.field, value).map(Value::from);
        }
        if let Ok(flag) = value.cast::<PyBool>() {
            return Ok(Value::Bool(flag.is_true()));
        }
        if value.is_instance_of::<PyInt>() || value.is_instance_of::<PyFloat>() {
            return number_of(value).map(Value::Number).ok_or_else(|| refused("holds a number that JSON does not have"));
        }
        if value.is_instance_of::<PyList>() || value.is_instance_of::<PyTuple>() {
            let depth = deeper()?;
            return value.try_iter()?.map(|item| self.value(&item?, depth)).collect::<PyResult<_>>().map(Value::Array);
        }
        match value.cast::<PyMapping>() {
            Ok(mapping) => self.members(mapping, deeper()?).map(Value::Object),
            Err(_) => Err(argument::wrong_type(self.field, "a mapping of what JSON has", value)),
        }
    }
}

fn number_of(value: &Bound<'_, PyAny>) -> Option<Number> {
    let integer = value.extract::<i64>().map(Number::from).or_else(|_| value.extract::<u64>().map(Number::from));
    integer.ok().or_else(|| Number::from_f64(value.extract().ok()?))
}
