//! The images that `popcorn infer` asks about: named on the command line, all of a set or a folder, or line by line on standard
//! input.

use runtime::console;
use runtime::data::{Dataset, Fit, ImageSource, Unfilled, pictures};
use runtime::error::InvalidInput;
use runtime::plan::{ClientPlan, InputSpec};
use runtime::{Error, Result};
use std::io::{self, BufRead};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread;

/// An image to ask about.
pub(crate) struct Image {
    /// As it was named, or would be.
    pub(crate) name: String,
    /// Raw pixels that fit the plan.
    pub(crate) pixels: Vec<f32>,
    /// The right class, where a set says it.
    pub(crate) class: Option<i64>,
}

/// The images to ask about, in the order in which they are named.
pub(crate) struct Images {
    items: Receiver<io::Result<Item>>,
    /// How many there are, where that is known.
    count: Option<usize>,
    input: InputSpec,
    /// What the classes are called, where the plan says so.
    classes: Vec<String>,
    fit: Fit,
    /// Images that could not be read.
    failures: usize,
}

/// What is known of an image before it is read.
#[derive(Clone)]
enum Item {
    Named(String),
    /// A picture of a folder.
    Picture(PathBuf),
    OfSet(Arc<Set>, usize),
    /// Those that the lines of standard input name.
    Lines,
}

struct Set {
    name: String,
    images: Dataset,
}

impl Images {
    /// Named by `names`: an image; a file or a folder that holds several, which stands for all of them; `-` for the lines of
    /// standard input. Pictures of folders are scaled and cropped. Named images that cannot be read or do not fit the plan are reported before anything is asked, and left out.
    ///
    /// # Errors
    /// The system gives no thread; a folder holds no pictures; or there is one image, and it is left out.
    pub(crate) fn new(names: &[String], plan: &ClientPlan, fit: Fit) -> Result<Self> {
        let (sender, receiver) = channel();
        let classes = plan.output.parts.first().map_or_else(Vec::new, |part| part.names.clone());
        let input = plan.input.clone();
        let mut images = Self { items: receiver, count: None, input, classes, fit, failures: 0 };
        let items: Result<Vec<Vec<Item>>> = names.iter().map(|name| images.items(name)).collect();
        let mut items = items?.concat();
        if let [Item::Named(name)] = &*items {
            images.read(name)?;
        }
        items.retain(|item| images.is_readable(item));
        let is_known = !items.iter().any(|item| matches!(item, Item::Lines));
        images.count = is_known.then_some(items.len());
        let send = move || {
            let _ = items.into_iter().try_for_each(|item| send(&sender, item)); // nobody asks any more
        };
        let thread = thread::Builder::new().spawn(send);
        thread.map_err(|error| Error::io("cannot start a thread", error))?;
        Ok(images)
    }

    /// What a name stands for.
    fn items(&self, name: &str) -> Result<Vec<Item>> {
        if name == "-" {
            return Ok(vec![Item::Lines]);
        }
        if Path::new(name).is_dir() {
            return Ok(pictures(Path::new(name))?.into_iter().map(Item::Picture).collect());
        }
        let Ok(ImageSource { path, index }) = name.parse::<ImageSource>();
        let images = if index.is_none() { Dataset::read(&path, self.input.shape).ok() } else { None };
        Ok(match images.filter(|images| images.len() > 1) {
            Some(images) => {
                let set = Arc::new(Set { name: name.into(), images });
                (0..set.images.len()).map(|index| Item::OfSet(Arc::clone(&set), index)).collect()
            }
            None => vec![Item::Named(name.into())],
        })
    }

    /// How many there are, where that is known before all are read.
    pub(crate) const fn count(&self) -> Option<usize> {
        self.count
    }

    /// The images that are there, `most` at most; waits for one only if `wait`, and may otherwise find none. `None` after the
    /// last. Empty lines are passed over, and so, with a report, are images that cannot be read or do not fit the plan.
    ///
    /// # Errors
    /// Standard input cannot be read.
    pub(crate) fn next(&mut self, most: usize, wait: bool) -> Result<Option<Vec<Image>>> {
        let mut images = Vec::new();
        while images.len() < most {
            let item = match self.items.try_recv() {
                Ok(item) => item,
                Err(TryRecvError::Disconnected) if images.is_empty() => return Ok(None),
                Err(TryRecvError::Empty) if images.is_empty() && wait => match self.items.recv() {
                    Ok(item) => item,
                    Err(_) => return Ok(None),
                },
                Err(_) => break,
            };
            let item = item.map_err(|error| Error::io("cannot read standard input", error))?;
            match self.image(&item) {
                Ok(image) => images.extend(image),
                Err(error) => self.leave_out(&error),
            }
        }
        Ok(Some(images))
    }

    /// How many images were left out.
    pub(crate) const fn failures(&self) -> usize {
        self.failures
    }

    fn is_readable(&mut self, item: &Item) -> bool {
        let read = match item {
            Item::Lines => Ok(()),
            Item::Named(name) => self.read(name).map(drop),
            Item::Picture(path) => self.picture(path).map(drop),
            Item::OfSet(set, index) => self.fitting(set.images.image(*index)).map(drop),
        };
        read.map_err(|error| self.leave_out(&error)).is_ok()
    }

    fn leave_out(&mut self, error: &Error) {
        console::error(error, console::advice(error));
        self.failures += 1;
    }

    /// `None` for an empty line.
    fn image(&self, item: &Item) -> Result<Option<Image>> {
        let image = match item {
            Item::Lines => return Ok(None),
            Item::Named(name) if name.is_empty() => return Ok(None),
            Item::Named(name) => Image { pixels: self.read(name)?, name: name.clone(), class: None },
            Item::Picture(path) => Image {
                name: path.display().to_string(),
                pixels: self.picture(path)?,
                class: self.class_of(path),
            },
            Item::OfSet(set, index) => Image {
                name: format!("{}#{index}", set.name),
                pixels: self.fitting(set.images.image(*index))?,
                class: set.images.labels().map(|labels| labels[*index]),
            },
        };
        warn_of(&image.name, &image.pixels, &self.input);
        Ok(Some(image))
    }

    fn read(&self, name: &str) -> Result<Vec<f32>> {
        let Ok(source) = name.parse::<ImageSource>();
        self.fitting(source.read(&self.input, self.fit)?)
    }

    fn picture(&self, path: &Path) -> Result<Vec<f32>> {
        let source = ImageSource { path: path.into(), index: None };
        self.fitting(source.read(&self.input, Fit::Resize)?)
    }

    /// The class that the picture's folder is called like.
    fn class_of(&self, path: &Path) -> Option<i64> {
        let folder = path.parent()?.file_name()?.to_str()?;
        self.classes.iter().position(|class| class == folder).map(|class| class as i64)
    }

    fn fitting(&self, pixels: Vec<f32>) -> Result<Vec<f32>> {
        self.input.quantize(&pixels).map_err(InvalidInput::from)?;
        Ok(pixels)
    }
}

/// Sends what an item stands for, when it is known; fails where nobody receives.
fn send(sender: &Sender<io::Result<Item>>, item: Item) -> std::result::Result<(), ()> {
    match item {
        Item::Lines => {
            let lines = io::stdin().lock().split(b'\n');
            lines.map(|line| line.map(named)).try_for_each(|line| sender.send(line).map_err(drop))
        }
        item => sender.send(Ok(item)).map_err(drop),
    }
}

/// What a line of a list names, of which Windows begins the first with a byte order mark.
fn named(line: Vec<u8>) -> Item {
    let line = String::from_utf8_lossy(&line);
    Item::Named(line.trim_start_matches('\u{feff}').trim().to_owned())
}

/// Tells on stderr what is odd about the pixels of the image called `name`.
pub(crate) fn warn_of(name: &str, image: &[f32], input: &InputSpec) {
    if let Some(unfilled) = Unfilled::detect(image.iter().copied(), input.preprocessing.raw_range) {
        console::warn(&format!(
            "the pixels of {name} {unfilled}; the plan takes raw pixels, as they are before preprocessing"
        ));
    }
}
