//! A plan as a page for people: what it is, who learns what, where time and bytes go, the network as a picture, a row for each step; and
//! beside what is predicted what an inference took, where one was run.
//!
//! The page is a single file of HTML with its style and its pictures inside. It loads nothing and has no script; a policy inside it forbids
//! browsers both. It is well-formed as XML too. Whatever comes from a plan is text there: plans may be hostile. Steps beyond some thousands
//! are counted instead of shown, and long names cut, so that the page stays below some megabytes.

mod amount;
mod bars;
mod columns;
mod comparison;
mod facts;
mod figures;
mod learns;
mod markup;
mod measured;
mod network;
mod page;
mod table;

pub use measured::Measured;

use crate::cost::forecast::Forecast;
use crate::plan::ValidPlan;
use network::Drawing;

/// A plan with what is predicted for it, and perhaps what was measured.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    plan: &'a ValidPlan,
    forecast: &'a Forecast,
    measured: Option<&'a Measured>,
}

impl<'a> Report<'a> {
    /// Of `plan`, of which `forecast` is.
    pub const fn new(plan: &'a ValidPlan, forecast: &'a Forecast) -> Self {
        Self { plan, forecast, measured: None }
    }

    /// The same with an inference that was run, beside what is predicted.
    pub const fn beside(self, measured: &'a Measured) -> Self {
        Self { measured: Some(measured), ..self }
    }

    /// The page, as the content of a file.
    pub fn html(&self) -> String {
        page::page(self)
    }

    /// The network alone, as the content of an SVG file; `None` where it has too many steps to be drawn.
    pub fn picture(&self) -> Option<String> {
        let shares = self.shares();
        let drawing = Drawing::new(self.plan.plan(), &shares)?;
        let beneath = format!("suite {}, seconds of an inference by step", self.plan.plan().suite);
        Some(format!("{}\n", drawing.standalone(&page::name(self.plan), &beneath)))
    }

    /// By step: its share of the predicted seconds of an image, 0 to 1.
    fn shares(&self) -> Vec<f64> {
        let prediction = self.forecast.prediction();
        let image = prediction.image().total();
        self.plan.plan().steps().map(|(id, _)| figures::share(prediction.step(id).total(), image)).collect()
    }
}
