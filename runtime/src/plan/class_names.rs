//! What classes are called.

use serde::Deserializer;
use serde::de::{Error, SeqAccess, Visitor};
use std::fmt;

/// Bytes of the name of a class.
const MAX_NAME: usize = 256;
/// Bytes of the names of all classes.
const MAX_NAMES: usize = 1 << 20;
/// Names, also where they are empty.
const MAX_COUNT: usize = 1 << 20;

/// Controls, and the invisible characters that turn or hide text; not the joiners, without which some scripts cannot be written.
pub fn is_deceptive(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Whether so many classes may be called so: as many names as classes, or none; not too long, and without characters that
/// deceive whoever reads them in a terminal.
pub(super) fn check(names: &[String], classes: usize) -> Result<(), String> {
    if !names.is_empty() && names.len() != classes {
        return Err(format!("there are {} names for {classes} classes", names.len()));
    }
    let bytes: usize = names.iter().map(String::len).sum();
    if bytes > MAX_NAMES {
        return Err(format!("the names take {bytes} bytes, at most {MAX_NAMES}"));
    }
    names.iter().enumerate().try_for_each(|(class, name)| {
        let what = match name {
            _ if name.trim().is_empty() => "is empty".into(),
            _ if name.len() > MAX_NAME => format!("is longer than {MAX_NAME} bytes"),
            _ if name.chars().any(is_deceptive) => "has control characters".into(),
            _ => return Ok(()),
        };
        Err(format!("the name of class {class} {what}"))
    })
}

/// Names from bytes, which may promise millions of empty ones: they are counted as they come.
pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_seq(Names)
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names of classes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Vec<String>, A::Error> {
        let (mut names, mut bytes) = (Vec::new(), 0);
        while let Some(name) = list.next_element::<String>()? {
            bytes += name.len();
            if names.len() == MAX_COUNT || bytes > MAX_NAMES {
                return Err(A::Error::custom("the names of classes are too many or too long"));
            }
            names.push(name);
        }
        Ok(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_as_many_as_classes_and_can_be_shown() {
        let names = |names: &[&str]| -> Vec<String> { names.iter().map(|&name| name.into()).collect() };
        assert_eq!([check(&[], 5), check(&names(&["cat", "نمی\u{200c}خواهم"]), 2)], [Ok(()), Ok(())]);
        assert!(check(&names(&["cat", " "]), 2).unwrap_err().contains("class 1 is empty"));
        assert!(check(&names(&["cat"]), 2).is_err());
        assert!(check(&names(&["cat", "\u{1b}[31mdog"]), 2).unwrap_err().contains("class 1 has control"));
        assert!(check(&["x".repeat(257)], 1).unwrap_err().contains("longer than 256 bytes"));
        assert!(check(&vec!["x".repeat(256); 4097], 4097).unwrap_err().contains("bytes, at most"));
    }

    /// A byte for each: sixteen megabytes would become hundreds in memory.
    #[test]
    fn millions_of_empty_names_are_refused_while_they_are_read() {
        let read = |count: usize| {
            let bytes = postcard::to_allocvec(&vec![""; count]).unwrap();
            deserialize(&mut postcard::Deserializer::from_bytes(&bytes)).map(|names| names.len())
        };
        assert_eq!(read(3), Ok(3));
        assert!(read(MAX_COUNT).is_ok() && read(MAX_COUNT + 1).is_err());
    }
}
