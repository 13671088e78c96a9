//! Arrays in numpy's `.npy` format, versions 1 to 3.

use super::half::half_to_f32;
use crate::plan::spelled;
use std::ops::Range;

const MAGIC: &[u8] = b"\x93NUMPY";

/// An array as it stands in a file.
#[derive(Debug)]
pub(super) struct Array<'a> {
    /// Length of each axis.
    pub shape: Vec<usize>,
    element: Element,
    fortran_order: bool,
    data: &'a [u8],
}

/// How an array's elements are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Element {
    kind: ElementType,
    bytes: usize,
    big_endian: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ElementType {
    Bool,
    Signed,
    Unsigned,
    Float,
}

impl<'a> Array<'a> {
    /// Reads header and data; the data must be as long as the header says.
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, String> {
        let (header, data) = split_header(bytes)?;
        let element = Element::parse(quoted(value(header, "descr")?)?)?;
        let shape = parse_shape(value(header, "shape")?)?;
        let fortran_order = value(header, "fortran_order")?.starts_with("True");
        // No product of some of the axes overflows, even where another is 0.
        let largest = shape.iter().try_fold(element.bytes, |product, &axis| product.checked_mul(axis.max(1)));
        let expected = if shape.contains(&0) { largest.map(|_| 0) } else { largest };
        if expected != Some(data.len()) {
            return Err(format!("an array of {} does not have {} bytes", spelled(&shape), data.len()));
        }
        Ok(Self { shape, element, fortran_order, data })
    }

    /// The elements, last axis fastest, if they are bytes.
    pub(super) fn bytes(&self) -> Option<Vec<u8>> {
        (self.element.kind == ElementType::Unsigned && self.element.bytes == 1)
            .then(|| self.map(0..self.len(), |element| element[0]))
    }

    /// The elements at the row-major positions `range` as the nearest `f32`. Panics if there are none such.
    pub(super) fn floats(&self, range: Range<usize>) -> Vec<f32> {
        self.map(range, |bytes| self.element.float(bytes) as f32)
    }

    /// Number of elements.
    pub(super) fn len(&self) -> usize {
        self.data.len() / self.element.bytes
    }

    /// The elements, last axis fastest, if they are integers within `i64`.
    pub(super) fn integers(&self) -> Option<Vec<i64>> {
        if self.element.kind == ElementType::Float {
            return None;
        }
        self.map(0..self.len(), |bytes| i64::try_from(self.element.integer(bytes)).ok()).into_iter().collect()
    }

    fn map<T>(&self, range: Range<usize>, convert: impl Fn(&[u8]) -> T) -> Vec<T> {
        let size = self.element.bytes;
        if !self.fortran_order {
            return self.data[range.start * size..range.end * size].chunks_exact(size).map(convert).collect();
        }
        range
            .map(|index| self.fortran_position(index) * size)
            .map(|at| convert(&self.data[at..at + size]))
            .collect()
    }

    /// Where the element with row-major position `index` stands in a file that has the first axis fastest.
    fn fortran_position(&self, mut index: usize) -> usize {
        let mut stride = self.shape.iter().product::<usize>();
        let mut position = 0;
        for &axis in self.shape.iter().rev() {
            stride /= axis;
            position += index % axis * stride;
            index /= axis;
        }
        position
    }
}

impl Element {
    /// `|u1`, `<f4`, `>i8`, …
    fn parse(text: &str) -> Result<Self, String> {
        let unsupported = || format!("arrays of type '{text}' are not supported");
        let (order, kind) = match text.as_bytes() {
            [order @ (b'<' | b'>' | b'|' | b'='), kind, _] => (*order, *kind),
            [kind, _] => (b'=', *kind),
            _ => return Err(unsupported()),
        };
        let bytes = text.chars().last().and_then(|digit| digit.to_digit(10)).unwrap_or(0) as usize;
        let kind = match (kind, bytes) {
            (b'b', 1) => ElementType::Bool,
            (b'i', 1 | 2 | 4 | 8) => ElementType::Signed,
            (b'u', 1 | 2 | 4 | 8) => ElementType::Unsigned,
            (b'f', 2 | 4 | 8) => ElementType::Float,
            _ => return Err(unsupported()),
        };
        Ok(Self { kind, bytes, big_endian: order == b'>' })
    }

    fn bits(self, bytes: &[u8]) -> u64 {
        let push = |bits: u64, &byte: &u8| bits << 8 | u64::from(byte);
        if self.big_endian { bytes.iter().fold(0, push) } else { bytes.iter().rev().fold(0, push) }
    }

    fn integer(self, bytes: &[u8]) -> i128 {
        let bits = self.bits(bytes);
        let unused = 64 - 8 * self.bytes as u32;
        if self.kind == ElementType::Signed {
            i128::from((bits << unused) as i64 >> unused)
        } else {
            i128::from(bits)
        }
    }

    fn float(self, bytes: &[u8]) -> f64 {
        match (self.kind, self.bytes) {
            (ElementType::Float, 2) => f64::from(half_to_f32(self.bits(bytes) as u16)),
            (ElementType::Float, 4) => f64::from(f32::from_bits(self.bits(bytes) as u32)),
            (ElementType::Float, _) => f64::from_bits(self.bits(bytes)),
            _ => self.integer(bytes) as f64,
        }
    }
}

/// The header's dictionary and the data after it.
fn split_header(bytes: &[u8]) -> Result<(&str, &[u8]), String> {
    let cut = || String::from("the array's header is cut off");
    let rest = bytes.strip_prefix(MAGIC).ok_or("not a .npy array")?;
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (u32::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]), rest),
        [1..=3, ..] | [] => return Err(cut()),
        [version, ..] => return Err(format!("version {version} of the .npy format is not supported")),
    };
    let (header, data) = rest.split_at_checked(length as usize).ok_or_else(cut)?;
    let header = std::str::from_utf8(header).map_err(|_| "the array's header is not text")?;
    Ok((header, data))
}

/// What stands after `'key':` in the dictionary.
fn value<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    ['\'', '"']
        .iter()
        .find_map(|quote| header.split_once(&format!("{quote}{key}{quote}")))
        .and_then(|(_, rest)| rest.trim_start().strip_prefix(':'))
        .map(str::trim_start)
        .ok_or_else(|| format!("the array's header has no '{key}'"))
}

fn quoted(text: &str) -> Result<&str, String> {
    let mut parts = text.split(['\'', '"']);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(""), Some(inner), Some(_)) => Ok(inner),
        _ => Err("arrays of records are not supported".into()),
    }
}

/// `(3, 28, 28)`, `(3,)` or `()`.
fn parse_shape(text: &str) -> Result<Vec<usize>, String> {
    let inner = text.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(inner, _)| inner);
    inner
        .ok_or("the array's header has a shape that is no tuple")?
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty())
        .map(|axis| axis.parse().map_err(|_| format!("the array's header has an axis of length '{axis}'")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn npy(header: &str, data: &[u8]) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend([1, 0]);
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        bytes
    }

    #[test]
    fn big_endian_signed_integers() {
        let bytes = npy("{'descr': '>i2', 'fortran_order': False, 'shape': (2,), }\n", &[0xff, 0xfe, 1, 2]);
        let array = Array::parse(&bytes).unwrap();
        assert_eq!(
            (array.shape.clone(), array.integers(), array.floats(0..2)),
            (vec![2], Some(vec![-2, 258]), vec![-2.0, 258.0])
        );
        assert_eq!(array.bytes(), None);
    }

    #[test]
    fn half_precision_is_read() {
        for (order, data) in [('<', [0x00, 0x3c, 0x00, 0xc1]), ('>', [0x3c, 0x00, 0xc1, 0x00])] {
            let header = format!("{{'descr': '{order}f2', 'fortran_order': False, 'shape': (2,), }}\n");
            assert_eq!(Array::parse(&npy(&header, &data)).unwrap().floats(0..2), [1.0, -2.5]);
        }
    }

    #[test]
    fn fortran_order_is_turned_round() {
        let bytes = npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }\n", &[0, 3, 1, 4, 2, 5]);
        assert_eq!(Array::parse(&bytes).unwrap().bytes(), Some(vec![0, 1, 2, 3, 4, 5]));
    }

    #[test]
    fn hostile_headers_are_refused() {
        let refused = |header: &str| Array::parse(&npy(header, &[0; 4])).unwrap_err();
        let huge =
            "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967295, 4294967295, 4294967295), }";
        assert!(refused(huge).contains("does not have 4 bytes"));
        assert!(
            refused("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }")
                .contains("does not have")
        );
        assert_eq!(
            refused("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }"),
            "arrays of type '<c8' are not supported"
        );
        let empty = "{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4294967295, 4294967295), }";
        assert!(Array::parse(&npy(empty, &[])).unwrap_err().contains("does not have 0 bytes"));
        assert_eq!(
            refused("{'descr': '<é', 'fortran_order': False, 'shape': (1,), }"),
            "arrays of type '<é' are not supported"
        );
        assert_eq!(
            refused("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }"),
            "arrays of records are not supported"
        );
        assert_eq!(
            refused("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }"),
            "the array's header has an axis of length '-1'"
        );
        assert_eq!(refused(&"(".repeat(60_000)), "the array's header has no 'descr'");
        assert_eq!(
            Array::parse(b"\x93NUMPY\x02\x00\xff\xff\xff\xff").unwrap_err(),
            "the array's header is cut off"
        );
        assert_eq!(
            Array::parse(b"\x93NUMPY\x09\x00").unwrap_err(),
            "version 9 of the .npy format is not supported"
        );
    }

    proptest! {
        #[test]
        fn any_bytes_are_refused_or_read(header in "\\PC{0,80}", data in proptest::collection::vec(any::<u8>(), 0..9)) {
            let _ = Array::parse(&npy(&header, &data));
            let _ = Array::parse(&data);
        }
    }
}
