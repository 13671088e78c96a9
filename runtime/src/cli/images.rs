//! The images that `popcorn infer` asks about: named on the command line, or line by line on standard input.

use runtime::data::{Fit, ImageSource};
use runtime::error::InvalidInput;
use runtime::plan::{ClientPlan, InputSpec};
use runtime::{Error, Result};
use std::io::{self, BufRead};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::thread;

/// Images in order.
pub(crate) struct Images {
    names: Receiver<io::Result<String>>,
    /// How many there are, where that is known.
    count: Option<usize>,
    input: InputSpec,
    fit: Fit,
}

/// What comes next.
pub(crate) enum Next {
    /// Raw pixels that fit the plan.
    Image(Vec<f32>),
    /// Nothing yet: there is time to prepare.
    NotYet,
}

impl Images {
    /// Named by `names`; `-` stands for the lines of standard input.
    ///
    /// # Errors
    /// The system gives no thread; or a named image cannot be read or does not fit the plan, before anything is asked.
    pub(crate) fn new(names: &[String], plan: &ClientPlan, fit: Fit) -> Result<Self> {
        let (sender, receiver) = channel();
        let count = (!names.iter().any(|name| name == "-")).then_some(names.len());
        let images = Self { names: receiver, count, input: plan.input.clone(), fit };
        for name in names.iter().filter(|name| *name != "-") {
            images.read(name)?;
        }
        let names = names.to_vec();
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

    /// The next image; waits for it only if `wait`. `None` after the last.
    ///
    /// # Errors
    /// It cannot be read, or does not fit the plan.
    pub(crate) fn next(&self, wait: bool) -> Result<Option<Next>> {
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
        self.read(name.trim()).map(|image| Some(Next::Image(image)))
    }

    fn read(&self, name: &str) -> Result<Vec<f32>> {
        let Ok(source) = name.parse::<ImageSource>();
        let image = source.read(&self.input, self.fit)?;
        self.input.quantize(&image).map_err(InvalidInput::from)?;
        Ok(image)
    }
}
