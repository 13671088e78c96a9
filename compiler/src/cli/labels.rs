//! Names of classes from a file.

use compiler::error::Error;
use compiler::from_onnx::Model;
use serde_json::Value;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// Longer files are refused.
const MAX_BYTES: u64 = 4 << 20;

/// Windows writes it first.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// Calls the classes of the model's first output as the file `path` says.
///
/// # Errors
/// [`Error::File`], and [`Error::Malformed`] for a file that does not name every class once.
pub(super) fn name(model: &mut Model, path: &Path) -> Result<(), Error> {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_string(&mut text));
    read.map_err(|source| Error::File { path: path.into(), source })?;
    let malformed = |what: String| Error::Malformed { path: path.into(), what };
    if text.len() as u64 > MAX_BYTES {
        return Err(malformed(format!("it is longer than {MAX_BYTES} bytes")));
    }
    let names = names(text.trim_start_matches(BYTE_ORDER_MARK)).map_err(malformed)?;
    let Some(output) = model.outputs.first_mut() else { return Ok(()) };
    if names.is_empty() {
        return Err(malformed("it holds no names".into()));
    }
    output.accepts(&names).map_err(malformed)?;
    output.names = names;
    Ok(())
}

/// The names in a JSON list or object, or on the lines of a text.
fn names(text: &str) -> Result<Vec<String>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Array(values)) => values.iter().map(one).collect(),
        Ok(Value::Object(values)) => {
            let mut names = vec![None; values.len()];
            for (number, value) in &values {
                let place = number.parse::<usize>().ok().and_then(|number| names.get_mut(number));
                *place.ok_or_else(|| format!("'{number}' is no number of a class"))? = Some(one(value)?);
            }
            names.into_iter().map(|name| name.ok_or_else(|| "a class has no name".to_string())).collect()
        }
        _ => Ok(text.trim_end().lines().map(|line| line.trim().to_owned()).collect()),
    }
}

/// A string, or the last of a list, as in `["n01440764", "tench"]`.
fn one(value: &Value) -> Result<String, String> {
    match value {
        Value::String(name) => Ok(name.clone()),
        Value::Array(names) => names.last().map_or_else(|| Err("an empty list is no name".into()), one),
        other => Err(format!("{other} is no name")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_lists_and_objects_are_read() {
        let expected = ["tench", "great white shark"].map(String::from).to_vec();
        for text in [
            "tench\ngreat white shark\n",
            "tench\r\n great white shark",
            r#"["tench", "great white shark"]"#,
            r#"{"1": "great white shark", "0": "tench"}"#,
            r#"{"0": ["n01440764", "tench"], "1": ["n01484850", "great white shark"]}"#,
        ] {
            assert_eq!(names(text), Ok(expected.clone()), "{text}");
        }
        for text in [r#"{"0": "a", "2": "b"}"#, r#"{"x": "a"}"#, "[1]", "[[]]"] {
            assert!(names(text).is_err(), "{text}");
        }
    }
}
