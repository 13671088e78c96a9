//! Pictures in a folder.

use super::dataset::Dataset;
use super::file::FileFormat;
use super::fit::Fit;
use super::source::ImageSource;
use crate::error::InvalidInput;
use crate::plan::InputSpec;
use std::fs::{DirEntry, File, read_dir};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Files that are looked at in a folder and those inside it.
const MAX_FILES: usize = 1 << 20;
/// Folders inside each other.
const MAX_DEPTH: usize = 16;

/// Bytes that their pixels take in memory.
const MAX_BYTES: usize = 4 << 30;

/// The PNG and JPEG pictures of a folder and of those inside it, scaled and cropped to what a model takes. Names that begin with a
/// dot are passed over.
#[derive(Debug)]
pub struct Pictures {
    /// As images; with labels where all pictures lie in folders of the first one, which are their classes, numbered in the order
    /// of names.
    pub images: Dataset,
    /// What such folders are called, the empty ones included, in order; none where not all pictures lie in one.
    pub classes: Vec<String>,
    /// How many files are no pictures.
    pub passed_over: usize,
    /// What is wrong with each picture that is damaged; they are left out.
    pub damaged: Vec<InvalidInput>,
}

/// The PNG and JPEG pictures of a folder and of those inside it, in the order of their names. Names that begin with a dot are
/// passed over.
///
/// # Errors
/// [`InvalidInput::File`]: a folder cannot be read, holds no pictures, or too many files.
pub fn pictures(folder: &Path) -> Result<Vec<PathBuf>, InvalidInput> {
    Ok(pictures_and_others(folder)?.0)
}

/// The pictures, and how many other files there are.
fn pictures_and_others(folder: &Path) -> Result<(Vec<PathBuf>, usize), InvalidInput> {
    let mut files = Vec::new();
    collect(folder, &mut files, MAX_DEPTH)?;
    files.sort();
    let (pictures, others): (Vec<PathBuf>, Vec<PathBuf>) =
        files.into_iter().partition(|path| is_picture(path));
    if pictures.is_empty() {
        return Err(InvalidInput::file(folder, "it holds no PNG or JPEG pictures"));
    }
    Ok((pictures, others.len()))
}

impl Pictures {
    /// Of `folder`, for a model that takes `input`: at most `most`, evenly from all of them in the order of their names.
    ///
    /// # Errors
    /// [`InvalidInput::File`]: a folder cannot be read, holds no pictures, or too many; all that were taken are damaged.
    pub fn read(folder: &Path, input: &InputSpec, most: usize) -> Result<Self, InvalidInput> {
        let (pictures, passed_over) = pictures_and_others(folder)?;
        let count = pictures.len().min(most.max(1));
        let each = input.shape.elements();
        if count.saturating_mul(each).saturating_mul(size_of::<f32>()) > MAX_BYTES {
            let what =
                format!("{count} pictures of {} take more than {MAX_BYTES} bytes; take fewer", input.shape);
            return Err(InvalidInput::file(folder, what));
        }
        let (mut chosen, mut damaged) = (Vec::new(), Vec::new());
        let mut pixels = Vec::with_capacity(count * each);
        for path in (0..count).map(|index| &pictures[index * pictures.len() / count]) {
            let source = ImageSource { path: path.clone(), index: None };
            match source.read(input, Fit::Resize) {
                Ok(picture) => {
                    pixels.extend(picture);
                    chosen.push(path);
                }
                Err(error) => damaged.push(error),
            }
        }
        if chosen.is_empty() {
            return Err(damaged.swap_remove(0));
        }
        let classes = classes(folder)?;
        let labels = labels(&classes, &pictures, &chosen);
        let classes =
            labels.as_ref().map_or_else(Vec::new, |_| classes.iter().map(|folder| name(folder)).collect());
        let images = Dataset::of_floats(input.shape, pixels, labels);
        Ok(Self { images, classes, passed_over, damaged })
    }

    /// The images, labelled with the numbers of the model's classes, which are called `names` where that is known. Without labels
    /// where the folders are no such classes: neither called like them, nor as many as `count`.
    pub fn of_classes(self, names: &[String], count: usize) -> Dataset {
        let numbers: Option<Vec<i64>> = self.classes.iter().map(|folder| position(names, folder)).collect();
        match (self.images.labels(), numbers) {
            (Some(labels), Some(numbers)) => {
                let labels = labels.iter().map(|&label| numbers[label as usize]).collect();
                self.images.labelled(labels)
            }
            _ if self.classes.len() == count => self.images,
            _ => self.images.without_labels(),
        }
    }
}

fn position(names: &[String], folder: &str) -> Option<i64> {
    names.iter().position(|name| name == folder).map(|number| number as i64)
}

fn name(folder: &Path) -> String {
    folder.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// All files of a folder and of those inside it, but hidden ones; links to folders are not followed.
fn collect(folder: &Path, files: &mut Vec<PathBuf>, depth: usize) -> Result<(), InvalidInput> {
    if depth == 0 {
        return Err(InvalidInput::file(
            folder,
            format!("there are more than {MAX_DEPTH} folders inside each other"),
        ));
    }
    for entry in shown(folder)? {
        let path = entry.path();
        if entry.file_type().map_err(|error| InvalidInput::file(&path, error))?.is_dir() {
            collect(&path, files, depth - 1)?;
        } else if files.len() < MAX_FILES {
            files.push(path);
        } else {
            return Err(InvalidInput::file(folder, format!("it holds more than {MAX_FILES} files")));
        }
    }
    Ok(())
}

/// What is in a folder, without names that begin with a dot.
fn shown(folder: &Path) -> Result<Vec<DirEntry>, InvalidInput> {
    let entries = read_dir(folder).and_then(Iterator::collect::<io::Result<Vec<DirEntry>>>);
    let mut entries = entries.map_err(|error| InvalidInput::file(folder, error))?;
    entries.retain(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."));
    Ok(entries)
}

/// By its first bytes. Only files are opened: a pipe would be waited for.
fn is_picture(path: &Path) -> bool {
    let mut first = [0; 8];
    let mut read = || File::open(path).and_then(|mut file| file.read_exact(&mut first));
    path.is_file() && read().is_ok() && FileFormat::detect(&first) == Ok(FileFormat::Picture)
}

/// The folders in a folder, sorted: one for each class, also where it is empty.
fn classes(folder: &Path) -> Result<Vec<PathBuf>, InvalidInput> {
    let mut folders = shown(folder)?;
    folders.retain(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut folders: Vec<PathBuf> = folders.iter().map(DirEntry::path).collect();
    folders.sort();
    Ok(folders)
}

/// The number of the class of each of the `chosen` pictures, where all `pictures` lie in folders of their classes.
fn labels(classes: &[PathBuf], pictures: &[PathBuf], chosen: &[&PathBuf]) -> Option<Vec<i64>> {
    let class = |path: &PathBuf| classes.binary_search_by(|class| Some(&**class).cmp(&path.parent())).ok();
    let all = pictures.iter().all(|path| class(path).is_some());
    let number = |path: &&PathBuf| class(path).map(|class| class as i64);
    if all { chosen.iter().map(number).collect() } else { None }
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
        let first: Vec<f32> = (0..6).map(|index| all.images.image(index)[0]).collect();
        assert_eq!(first, [10.0, 11.0, 20.0, 21.0, 30.0, 31.0]);
        assert_eq!(all.images.labels(), Some(&[0, 0, 1, 1, 2, 2][..]));
        assert_eq!(all.classes, ["a", "b", "c"]);
        let names = ["c", "b", "x", "a"].map(String::from);
        assert_eq!(read(100).of_classes(&names, 4).labels(), Some(&[3, 3, 1, 1, 0, 0][..]), "by their names");
        assert_eq!(read(100).of_classes(&names[..3], 3).labels(), all.images.labels(), "by their number");
        assert_eq!(read(100).of_classes(&[], 4).labels(), None);
        assert_eq!(all.passed_over, 1);
        assert_eq!(read(3).images.labels(), Some(&[0, 1, 2][..]));
        std::fs::create_dir_all(folder.join("ab")).unwrap();
        std::fs::write(folder.join("a/.hidden.png"), "no picture").unwrap();
        let shifted = read(3);
        assert_eq!(
            (shifted.images.labels(), shifted.classes.len()),
            (Some(&[0, 2, 3][..]), 4),
            "an empty class"
        );
        assert_eq!(shifted.passed_over, 1);
        let whole = std::fs::read(folder.join("a/0.png")).unwrap();
        std::fs::write(folder.join("a/1.png"), &whole[..whole.len() / 2]).unwrap();
        let others = read(100);
        assert_eq!((others.images.labels(), others.damaged.len()), (Some(&[0, 2, 2, 3, 3][..]), 1));
        assert!(others.damaged[0].to_string().contains("1.png"), "{}", others.damaged[0]);
        std::fs::copy(folder.join("a/0.png"), folder.join("0.png")).unwrap();
        let none = read(100);
        assert_eq!((none.images.labels(), none.classes.len()), (None, 0), "a picture without a class");
        assert_eq!(pictures(&folder).unwrap()[..2], [folder.join("0.png"), folder.join("a/0.png")]);
        let empty = folder.join("empty");
        std::fs::create_dir_all(&empty).unwrap();
        assert!(Pictures::read(&empty, &input, 9).is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
