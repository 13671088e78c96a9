//! Pictures in a folder.

use super::dataset::Dataset;
use super::file::{FileFormat, refuse};
use super::fit::Fit;
use super::source::ImageSource;
use crate::error::InvalidInput;
use crate::plan::InputSpec;
use std::collections::BTreeSet;
use std::fs::{File, read_dir};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Files that are looked at in a folder and those inside it.
const MAX_FILES: usize = 1 << 20;
/// Folders inside each other.
const MAX_DEPTH: usize = 16;

/// The pictures of a folder, scaled and cropped to what a model takes.
struct Pictures {
    /// One image after the other.
    pixels: Vec<f32>,
    /// Where each lies in a folder of its class: the number of the class, in the order of names.
    labels: Option<Vec<i64>>,
    /// Files that are no pictures.
    passed_over: usize,
}

impl Pictures {
    /// Up to `most` pictures for a model that takes `input`, evenly from all of them in the order of their names.
    fn read(folder: &Path, input: &InputSpec, most: usize) -> Result<Self, InvalidInput> {
        let mut files = Vec::new();
        collect(folder, &mut files, MAX_DEPTH)?;
        files.sort();
        let (pictures, others): (Vec<PathBuf>, Vec<PathBuf>) =
            files.into_iter().partition(|path| is_picture(path));
        if pictures.is_empty() {
            return Err(refuse(folder, "it holds no PNG or JPEG pictures".into()));
        }
        let count = pictures.len().min(most.max(1));
        let chosen: Vec<&PathBuf> =
            (0..count).map(|index| &pictures[index * pictures.len() / count]).collect();
        let mut pixels = Vec::with_capacity(count * input.shape.elements());
        for path in &chosen {
            let source = ImageSource { path: path.to_path_buf(), index: None };
            pixels.extend(source.read(input, Fit::Resize)?);
        }
        let labels = labels(folder, &pictures, &chosen);
        Ok(Self { pixels, labels, passed_over: others.len() })
    }
}

impl Dataset {
    /// The PNG and JPEG pictures of a folder and of those inside it, for a model that takes `input`: scaled and cropped to its
    /// size, evenly `most` at most of them all in the order of their names. Where all lie in folders of the first one, these are
    /// their classes, numbered in the order of names. Also how many files are no pictures.
    ///
    /// # Errors
    /// [`InvalidInput::File`]: a folder cannot be read or holds no pictures, a picture is damaged.
    pub fn read_folder(folder: &Path, input: &InputSpec, most: usize) -> Result<(Self, usize), InvalidInput> {
        let Pictures { pixels, labels, passed_over } = Pictures::read(folder, input, most)?;
        Ok((Self::of_floats(input.shape, pixels, labels), passed_over))
    }
}

/// All files of a folder and of those inside it; links to folders are not followed.
fn collect(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<(), InvalidInput> {
    let failed = |error: std::io::Error| refuse(folder, error.to_string());
    for entry in read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().map_err(failed)?.is_dir() {
            if depth > 0 {
                collect(&entry.path(), files, depth - 1)?;
            }
        } else if files.len() < MAX_FILES {
            files.push(entry.path());
        } else {
            return Err(refuse(folder, format!("it holds more than {MAX_FILES} files")));
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    let mut first = [0; 8];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && FileFormat::detect(&first) == Ok(FileFormat::Picture)
}

/// The classes of the `chosen` pictures: the folders that hold them, where all lie in folders of the first one.
fn labels(folder: &Path, pictures: &[PathBuf], chosen: &[&PathBuf]) -> Option<Vec<i64>> {
    let class =
        |path: &Path| path.parent().filter(|parent| parent.parent() == Some(folder)).map(Path::to_owned);
    let classes: Option<BTreeSet<PathBuf>> = pictures.iter().map(|path| class(path)).collect();
    let classes: Vec<PathBuf> = classes?.into_iter().collect();
    let number = |path: &&PathBuf| Some(classes.binary_search(&class(path)?).ok()? as i64);
    chosen.iter().map(number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Preprocessing, Shape};
    use image::{GrayImage, Luma};

    #[test]
    fn pictures_of_classes_are_read_in_order() {
        let folder = std::env::temp_dir().join(format!("popcorn-folder-{}", std::process::id()));
        let shape = Shape::new(1, 2, 2);
        let input = InputSpec { shape, preprocessing: Preprocessing::identity(1), step: vec![1.0] };
        for (class, level) in [("b", 20u8), ("a", 10), ("c", 30)] {
            std::fs::create_dir_all(folder.join(class)).unwrap();
            for file in 0..2u8 {
                let picture = GrayImage::from_pixel(4, 2, Luma([level + file]));
                picture.save(folder.join(class).join(format!("{file}.png"))).unwrap();
            }
        }
        std::fs::write(folder.join("a/list.txt"), "no picture").unwrap();
        let read = |most| Pictures::read(&folder, &input, most).unwrap();
        let all = read(100);
        let first: Vec<f32> = all.pixels.iter().copied().step_by(4).collect();
        assert_eq!(first, [10.0, 11.0, 20.0, 21.0, 30.0, 31.0]);
        assert_eq!((all.labels, all.passed_over), (Some(vec![0, 0, 1, 1, 2, 2]), 1));
        let some = read(3);
        assert_eq!(some.labels, Some(vec![0, 1, 2]));
        std::fs::copy(folder.join("a/0.png"), folder.join("0.png")).unwrap();
        assert_eq!(read(100).labels, None, "a picture without a class");
        let empty = folder.join("empty");
        std::fs::create_dir_all(&empty).unwrap();
        assert!(Pictures::read(&empty, &input, 9).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
