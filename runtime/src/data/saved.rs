//! Arrays as `.npy` and `.npz` files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::iter::once;
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// Bytes before the header's text.
const PREFIX: usize = 10;
/// Data begins at a multiple of this.
const ALIGNMENT: usize = 64;

/// An array in row-major order.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Its axes; none of a single number.
    pub shape: Vec<usize>,
    /// As many as the axes say.
    pub values: Values,
}

/// The elements of an array.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Real numbers, as 32-bit floats.
    Numbers(Vec<f32>),
    /// Classes, as 64-bit integers.
    Classes(Vec<i64>),
}

impl Values {
    /// How numpy calls the type of the elements.
    const fn descriptor(&self) -> &'static str {
        match self {
            Values::Numbers(_) => "<f4",
            Values::Classes(_) => "<i8",
        }
    }
}

impl Array {
    fn write(&self, mut file: impl Write) -> io::Result<()> {
        file.write_all(&header(&self.shape, self.values.descriptor()))?;
        match &self.values {
            Values::Numbers(numbers) => numbers.iter().try_for_each(|x| file.write_all(&x.to_le_bytes())),
            Values::Classes(classes) => classes.iter().try_for_each(|x| file.write_all(&x.to_le_bytes())),
        }
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

/// Writes `arrays` under their names, of which no two are alike, in place of what is at `path`. Slashes become underscores, so that
/// no name is a path, and names that this makes alike get a number.
///
/// # Errors
/// The file cannot be written.
pub fn write_npz(path: &Path, arrays: &[(String, Array)]) -> io::Result<()> {
    let mut archive = ZipWriter::new(BufWriter::new(File::create(path)?));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).large_file(true);
    for (entry, (_, array)) in entries(arrays).iter().zip(arrays) {
        archive.start_file(format!("{entry}.npy"), options)?;
        let mut file = BufWriter::new(&mut archive);
        array.write(&mut file)?;
        file.flush()?;
    }
    archive.finish()?.flush()
}

/// What the arrays are called in an archive.
fn entries(arrays: &[(String, Array)]) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for (name, _) in arrays {
        let name = name.replace(['/', '\\'], "_");
        let numbered = (2..).map(|number| format!("{name}_{number}"));
        let free = once(name.clone()).chain(numbered).find(|name| !entries.contains(name));
        entries.extend(free);
    }
    entries
}

/// Of format version 1.0, which has room for 65535 bytes of text.
fn header(shape: &[usize], descriptor: &str) -> Vec<u8> {
    let axes: String = shape.iter().map(|axis| format!("{axis}, ")).collect();
    let mut text =
        format!("{{'descr': '{descriptor}', 'fortran_order': False, 'shape': ({}), }}", axes.trim_end());
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
        let arrays = [vec![6], vec![2, 3], vec![1, 2, 3, 1]]
            .map(|shape| Array { shape, values: Values::Numbers(values.clone()) });
        for array in &arrays {
            write_npy(&path, array).unwrap();
            let bytes = std::fs::read(&path).unwrap();
            let read = npy::Array::parse(&bytes).unwrap();
            assert_eq!((&read.shape, read.floats(0..6)), (&array.shape, values.clone()));
        }
        let labels = Array { shape: vec![2], values: Values::Classes(vec![7, i64::MAX]) };
        write_npy(&path, &labels).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(npy::Array::parse(&bytes).unwrap().integers(), Some(vec![7, i64::MAX]));
        let named = ["a b", "c", "../d/e", ".._d_e"].map(|name| (name.to_owned(), arrays[2].clone()));
        write_npz(&path, &named).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let mut archive = Archive::open(&bytes).unwrap();
        assert_eq!(archive.names(), ["a b", "c", ".._d_e", ".._d_e_2"]);
        let second = archive.read("c").unwrap();
        assert_eq!(npy::Array::parse(&second).unwrap().shape, [1, 2, 3, 1]);
        std::fs::remove_file(path).unwrap();
    }
}
