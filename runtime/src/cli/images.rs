//! The images that `popcorn infer` asks about: named on the command line, or line by line on standard input.

use runtime::data::{Fit, ImageSource, Unfilled};
use runtime::error::InvalidInput;
use runtime::plan::{ClientPlan, InputSpec};
use runtime::{Error, Result};
use std::io::{self, BufRead};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

/// The images to ask about, in the order in which they are named.
pub(crate) struct Images {
    names: Receiver<io::Result<String>>,
    /// How many there are, where that is known.
    count: Option<usize>,
    input: InputSpec,
    fit: Fit,
    /// Images that could not be read.
    failures: usize,
}

/// What [`Images::next`] finds.
pub(crate) enum Next {
    /// Raw pixels that fit the plan.
    Image(Vec<f32>),
    /// Nothing yet: there is time to prepare.
    NotYet,
}

impl Images {
    /// Named by `names`; `-` stands for the lines of standard input. Named images that cannot be read or do not fit
    /// the plan are reported before anything is asked, and left out.
    ///
    /// # Errors
    /// The system gives no thread; or there is one image, and it is left out.
    pub(crate) fn new(names: &[String], plan: &ClientPlan, fit: Fit) -> Result<Self> {
        let (sender, receiver) = channel();
        let mut images = Self { names: receiver, count: None, input: plan.input.clone(), fit, failures: 0 };
        if let [name] = names
            && name != "-"
        {
            images.read(name)?;
        }
        let names: Vec<String> =
            names.iter().filter(|name| *name == "-" || images.is_readable(name)).cloned().collect();
        images.count = (!names.iter().any(|name| name == "-")).then_some(names.len());
        let send = move || {
            for name in names {
                match &*name {
                    "-" => io::stdin().lock().lines().try_for_each(|line| sender.send(line)),
                    _ => sender.send(Ok(name)),
                }
                .unwrap_or_default(); // nobody asks any more
            }
        };
        let thread = thread::Builder::new().spawn(send);
        thread.map_err(|error| Error::io("cannot start a thread", error))?;
        Ok(images)
    }

    /// How many inferences to prepare ahead, where `wanted` are wanted.
    pub(crate) fn ahead(&self, wanted: usize) -> usize {
        self.count.map_or(wanted, |count| count.min(wanted))
    }

    /// The next image; waits for it only if `wait`. `None` after the last. Empty lines are passed over, and so, with a
    /// report, are images that cannot be read or do not fit the plan.
    ///
    /// # Errors
    /// Standard input cannot be read.
    pub(crate) fn next(&mut self, wait: bool) -> Result<Option<Next>> {
        loop {
            let name = match self.names.try_recv() {
                Ok(name) => name,
                Err(TryRecvError::Disconnected) => return Ok(None),
                Err(TryRecvError::Empty) if !wait => return Ok(Some(Next::NotYet)),
                Err(TryRecvError::Empty) => match self.names.recv() {
                    Ok(name) => name,
                    Err(_) => return Ok(None),
                },
            };
            let name = name.map_err(|error| Error::io("cannot read standard input", error))?;
            let name = name.trim();
            if name.is_empty() {
                continue;
            }
            match self.read(name) {
                Ok(image) => {
                    warn_of(name, &image, &self.input);
                    return Ok(Some(Next::Image(image)));
                }
                Err(error) => self.leave_out(&error),
            }
        }
    }

    /// How many images were left out.
    pub(crate) const fn failures(&self) -> usize {
        self.failures
    }

    fn is_readable(&mut self, name: &str) -> bool {
        self.read(name).map_err(|error| self.leave_out(&error)).is_ok()
    }

    fn leave_out(&mut self, error: &Error) {
        eprintln!("error: {error}");
        self.failures += 1;
    }

    fn read(&self, name: &str) -> Result<Vec<f32>> {
        let Ok(source) = name.parse::<ImageSource>();
        let image = source.read(&self.input, self.fit)?;
        self.input.quantize(&image).map_err(InvalidInput::from)?;
        Ok(image)
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
