//! Arrays of numbers as `.npy` and `.npz` files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Bytes before the header's text.
const PREFIX: usize = 10;
/// Data begins at a multiple of this.
const ALIGNMENT: usize = 64;

/// An array of numbers, in row-major order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Array {
    /// Its axes; none of a single number.
    pub shape: Vec<usize>,
    /// As many as the axes say.
    pub values: Vec<f32>,
}

impl Array {
    fn write(&self, mut file: impl Write) -> io::Result<()> {
        file.write_all(&header(&self.shape))?;
        self.values.iter().try_for_each(|value| file.write_all(&value.to_le_bytes()))
    }
}

/// Writes `array` in place of what is at `path`.
///
/// # Errors
/// The file cannot be written.
pub fn write_npy(path: &Path, array: &Array) -> io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    array.write(&mut file)?;
    file.flush()
}

/// Writes `arrays` under their names, of which no two are alike, in place of what is at `path`.
///
/// # Errors
/// The file cannot be written.
pub fn write_npz(path: &Path, arrays: &[(String, Array)]) -> io::Result<()> {
    let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for (name, array) in arrays {
        archive.start_file(format!("{name}.npy"), options)?;
        let mut file = BufWriter::new(&mut archive);
        array.write(&mut file)?;
        file.flush()?;
    }
    archive.finish()?.flush()
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
    use super::super::archive::Archive;
    use super::super::npy;
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let path = std::env::temp_dir().join(format!("popcorn-saved-{}.npy", std::process::id()));
        let values = vec![0.5, -1.0, 3.25, 0.0, f32::MAX, 7.0];
        let arrays =
            [vec![6], vec![2, 3], vec![1, 2, 3, 1]].map(|shape| Array { shape, values: values.clone() });
        for array in &arrays {
            write_npy(&path, array).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let read = npy::Array::parse(&bytes).unwrap();
            assert_eq!((&read.shape, read.floats(0..6)), (&array.shape, values.clone()));
        }
        let named = [("a b".to_owned(), arrays[1].clone()), ("c".to_owned(), arrays[2].clone())];
        write_npz(&path, &named).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let mut archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.names(), ["a b", "c"]);
        let second = archive.read("c").unwrap();
        assert_eq!(npy::Array::parse(&second).unwrap().shape, [1, 2, 3, 1]);
        std::fs::remove_file(path).unwrap();
    }
}
