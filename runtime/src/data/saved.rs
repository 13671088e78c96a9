//! Arrays of numbers as `.npy` files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Bytes before the header's text.
const PREFIX: usize = 10;
/// Data begins at a multiple of this.
const ALIGNMENT: usize = 64;

/// Writes `values`, an array of `shape` in row-major order, in place of what is at `path`.
///
/// # Errors
/// The file cannot be written.
pub fn write_npy(path: &Path, shape: &[usize], values: &[f32]) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    file.write_all(&header(shape))?;
    values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))?;
    file.flush()
}

/// Of format version 1.0, which has room for 65535 bytes of text.
fn header(shape: &[usize]) -> Vec<u8> {
    let axes: String = shape.iter().map(|axis| format!("{axis}, ")).collect();
    let mut text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}), }}", axes.trim_end());
    let length = (PREFIX + text.len() + 1).next_multiple_of(ALIGNMENT) - PREFIX;
    text += &" ".repeat(length - text.len() - 1);
    text.push('\n');
    let length = u16::try_from(length).unwrap_or(u16::MAX);
    [b"\x93NUMPY\x01\x00", &length.to_le_bytes()[..], text.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::super::npy::Array;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let path = std::env::temp_dir().join(format!("popcorn-saved-{}.npy", std::process::id()));
        for shape in [vec![6], vec![2, 3], vec![1, 2, 3, 1]] {
            let values = [0.5, -1.0, 3.25, 0.0, f32::MAX, 7.0];
            write_npy(&path, &shape, &values).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let array = Array::parse(&bytes).unwrap();
            assert_eq!((&array.shape, array.floats(0..6)), (&shape, values.to_vec()));
        }
        std::fs::remove_file(path).unwrap();
    }
}
