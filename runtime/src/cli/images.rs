//! The images that `popcorn infer` asks about: named on the command line, all of a set, or line by line on standard input.

use runtime::data::{Dataset, Fit, ImageSource, Unfilled};
use runtime::error::InvalidInput;
use runtime::plan::{ClientPlan, InputSpec};
use runtime::{Error, Result};
use std::io::{self, BufRead};
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
    fit: Fit,
    /// Images that could not be read.
    failures: usize,
}

/// What is known of an image before it is read.
#[derive(Clone)]
enum Item {
    Named(String),
    OfSet(Arc<Set>, usize),
    /// Those that the lines of standard input name.
    Lines,
}

struct Set {
    name: String,
    images: Dataset,
}

impl Images {
    /// Named by `names`: an image, or a file that holds several, which stands for all of them; `-` for the lines of standard
    /// input. Named images that cannot be read or do not fit the plan are reported before anything is asked, and left out.
    ///
    /// # Errors
    /// The system gives no thread; or there is one image, and it is left out.
    pub(crate) fn new(names: &[String], plan: &ClientPlan, fit: Fit) -> Result<Self> {
        let (sender, receiver) = channel();
        let mut images = Self { items: receiver, count: None, input: plan.input.clone(), fit, failures: 0 };
        let mut items: Vec<Item> = names.iter().flat_map(|name| images.items(name)).collect();
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
    fn items(&self, name: &str) -> Vec<Item> {
        if name == "-" {
            return vec![Item::Lines];
        }
        let Ok(ImageSource { path, index }) = name.parse::<ImageSource>();
        let images = if index.is_none() { Dataset::read(&path, self.input.shape).ok() } else { None };
        match images.filter(|images| images.len() > 1) {
            Some(images) => {
                let set = Arc::new(Set { name: name.into(), images });
                (0..set.images.len()).map(|index| Item::OfSet(Arc::clone(&set), index)).collect()
            }
            None => vec![Item::Named(name.into())],
        }
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
            Item::OfSet(set, index) => self.fitting(set.images.image(*index)).map(drop),
        };
        read.map_err(|error| self.leave_out(&error)).is_ok()
    }

    fn leave_out(&mut self, error: &Error) {
        eprintln!("error: {error}");
        self.failures += 1;
    }

    /// `None` for an empty line.
    fn image(&self, item: &Item) -> Result<Option<Image>> {
        let image = match item {
            Item::Lines => return Ok(None),
            Item::Named(name) if name.trim().is_empty() => return Ok(None),
            Item::Named(name) => {
                let name = name.trim().to_owned();
                Image { pixels: self.read(&name)?, name, class: None }
            }
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

    fn fitting(&self, pixels: Vec<f32>) -> Result<Vec<f32>> {
        self.input.quantize(&pixels).map_err(InvalidInput::from)?;
        Ok(pixels)
    }
}

/// Sends what an item stands for, when it is known; fails where nobody receives.
fn send(sender: &Sender<io::Result<Item>>, item: Item) -> std::result::Result<(), ()> {
    match item {
        Item::Lines => {
            let lines = io::stdin().lock().lines();
            lines.map(|line| line.map(Item::Named)).try_for_each(|line| sender.send(line).map_err(drop))
        }
        item => sender.send(Ok(item)).map_err(drop),
    }
}

/// Tells on stderr what is odd about the pixels of the image called `name`.
pub(crate) fn warn_of(name: &str, image: &[f32], input: &InputSpec) {
    if let Some(unfilled) = Unfilled::detect(image.iter().copied(), input.preprocessing.raw_range) {
        eprintln!(
            "warning: the pixels of {name} {unfilled}; the plan takes raw pixels, as they are before preprocessing"
        );
    }
}
