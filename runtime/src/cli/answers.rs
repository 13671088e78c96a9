//! Predictions for many images: a line each, and at the end what they took together.

use super::images::Image;
use runtime::observe::{Spending, Spent};
use runtime::roles::client::Prediction;
use std::fmt::Write;
use std::time::Duration;

/// What has been answered so far.
#[derive(Default)]
pub(crate) struct Answers {
    images: usize,
    /// Images whose class is known, and how many of them were named right.
    known: usize,
    right: usize,
    spent: Spending,
}

/// What came of asking.
pub(crate) struct Finished {
    pub(crate) answers: Answers,
    /// Images that were left out.
    pub(crate) failures: usize,
    /// Inferences that came from the store.
    pub(crate) recalled: usize,
}

impl Answers {
    /// The lines of images that were answered together, headings first.
    pub(crate) fn lines(&mut self, images: &[Image], predictions: &[Prediction], spent: Spending) -> String {
        let mut text = String::new();
        if self.images == 0 {
            text += &line("image", ["prediction", "logit", "class"].map(String::from), None);
        }
        for (image, prediction) in images.iter().zip(predictions) {
            let label = prediction.label();
            let logit = prediction.logits.get(label).map_or_else(String::new, |logit| format!("{logit:.4}"));
            let class = image.class.map_or_else(String::new, |class| class.to_string());
            text += &line(&image.name, [label.to_string(), logit, class], prediction.name());
            self.known += usize::from(image.class.is_some());
            self.right += usize::from(i64::try_from(label).ok() == image.class);
        }
        self.images += images.len();
        self.spent += spent;
        text
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.images == 0
    }

    /// `64 images in 1.74 s: 1.53 s and 2.4 MB offline, 0.21 s and 0.5 MB online; 0.027 s and 45 kB an image; 62 of 64 right (96.9 %)`;
    /// `whole` is what several sessions took together, by the clock.
    pub(crate) fn summary(&self, whole: Option<Duration>) -> String {
        let Self { images, known, right, spent } = self;
        let seconds = whole.unwrap_or(spent.offline.elapsed + spent.online.elapsed).as_secs_f64();
        let bytes = |spent: &Spent| (spent.traffic.sent + spent.traffic.received) as f64;
        let phase =
            |spent: &Spent| format!("{:.2} s and {:.1} MB", spent.elapsed.as_secs_f64(), bytes(spent) / 1e6);
        let count = (*images).max(1) as f64;
        let kilobytes = (bytes(&spent.offline) + bytes(&spent.online)) / 1e3 / count;
        let mut text = format!(
            "\n{images} images in {seconds:.2} s: {} offline, {} online; {:.3} s and {kilobytes:.0} kB an image",
            phase(&spent.offline),
            phase(&spent.online),
            seconds / count
        );
        if *known > 0 {
            let share = 100.0 * *right as f64 / *known as f64;
            let _ = write!(text, "; {right} of {known} right ({share:.1} %)");
        }
        text + "\n"
    }
}

/// `called` is what the predicted class is called.
fn line(name: &str, [prediction, logit, class]: [String; 3], called: Option<&str>) -> String {
    let called = called.map_or_else(String::new, |called| format!("  {called}"));
    format!("{name:<24} {prediction:>10} {logit:>12} {class:>7}{called}\n")
}
