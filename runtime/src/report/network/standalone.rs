//! The picture as a file of its own, which is readable on any background.

use super::super::markup::{Element, classed, element};
use super::draw::Drawing;

/// Height of the heading.
const HEAD: usize = 50;
/// Height of the legend.
const FOOT: usize = 46;
/// So that heading and legend fit.
const LEAST_WIDTH: usize = 360;
/// Width of a colour in the legend, with its text.
const SWATCH: usize = 66;

impl Drawing<'_> {
    /// The picture with a heading and what its colours mean.
    pub(in crate::report) fn standalone(&self, heading: &str, beneath: &str) -> Element {
        let [wide, high] = self.size();
        let [width, height] = [wide.max(LEAST_WIDTH), high + HEAD + FOOT];
        let text = |class: &str, y: usize| classed("text", class).with("x", width / 2).with("y", y);
        let card = classed("rect", "card").with("width", width).with("height", height).with("rx", 10);
        let network =
            element("g").with("transform", format_args!("translate({} {HEAD})", (width - wide) / 2));
        element("svg")
            .with("xmlns", "http://www.w3.org/2000/svg")
            .with("role", "img")
            .with("width", width)
            .with("height", height)
            .with("viewBox", format_args!("0 0 {width} {height}"))
            .child(element("title").text(heading))
            .child(element("style").verbatim(include_str!("picture.css")))
            .child(card)
            .child(text("heading", 26).text(heading))
            .child(text("beneath", 44).text(beneath))
            .child(network.child(self.lines()).children(self.boxes()))
            .child(self.legend([(width - 5 * SWATCH) / 2, high + HEAD]))
    }

    fn legend(&self, [left, top]: [usize; 2]) -> Element {
        let swatch = |(class, end): (usize, String)| {
            let x = left + class * SWATCH;
            let rectangle =
                element("rect").with("x", x).with("y", top + 20).with("width", 14).with("height", 14);
            let text = classed("text", "key").with("x", x + 19).with("y", top + 31);
            classed("g", format_args!("box heat{class}")).child(rectangle.with("rx", 3)).child(text.text(end))
        };
        let meaning = classed("text", "beneath").with("x", left + 5 * SWATCH / 2).with("y", top + 10);
        element("g")
            .child(meaning.text("share of the predicted seconds, up to"))
            .children(self.classes().into_iter().enumerate().map(swatch))
    }
}
