//! Elements of HTML and SVG that are well-formed as XML, whatever text and attributes hold.

use crate::plan::is_deceptive;
use std::fmt::{self, Display, Write};

/// Elements that HTML writes without an end.
const VOID: [&str; 3] = ["br", "col", "meta"];

/// An element with all that it holds.
#[derive(Clone, Debug)]
pub(super) struct Element {
    name: &'static str,
    /// As they are written, escaped.
    attributes: String,
    /// As it is written, escaped.
    content: String,
}

/// An empty element.
pub(super) const fn element(name: &'static str) -> Element {
    Element { name, attributes: String::new(), content: String::new() }
}

/// An empty element of a class, or of several with spaces between.
pub(super) fn classed(name: &'static str, class: impl Display) -> Element {
    element(name).with("class", class)
}

/// A paragraph of this crate's own words, with commands between backticks.
pub(super) fn prose(text: &str) -> Element {
    let pieces = text.split('`').enumerate();
    pieces.fold(element("p"), |paragraph, (index, piece)| match index % 2 {
        0 => paragraph.text(piece),
        _ => paragraph.child(element("code").text(piece)),
    })
}

/// The first `most` characters of `text`, and dots where there are more.
pub(super) fn beginning(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into(),
    }
}

impl Element {
    /// The same with an attribute that it does not have yet.
    pub(super) fn with(mut self, name: &'static str, value: impl Display) -> Self {
        self.attributes.push(' ');
        self.attributes.push_str(name);
        self.attributes.push_str("=\"");
        escape(&mut self.attributes, value);
        self.attributes.push('"');
        self
    }

    /// The same with text after what it holds.
    pub(super) fn text(mut self, text: impl Display) -> Self {
        escape(&mut self.content, text);
        self
    }

    /// The same with an element after what it holds.
    pub(super) fn child(mut self, child: Element) -> Self {
        child.write(&mut self.content);
        self
    }

    /// The same with elements after what it holds.
    pub(super) fn children(self, children: impl IntoIterator<Item = Element>) -> Self {
        children.into_iter().fold(self, Element::child)
    }

    /// The same with text of this crate's own, as it is: a style sheet.
    pub(super) fn verbatim(mut self, text: &'static str) -> Self {
        self.content.push_str(text);
        self
    }

    fn write(&self, out: &mut String) {
        let Self { name, attributes, content } = self;
        for part in ["<", name, attributes] {
            out.push_str(part);
        }
        if VOID.contains(name) {
            out.push_str("/>");
        } else {
            for part in [">", content, "</", name, ">"] {
                out.push_str(part);
            }
        }
    }
}

impl Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::new();
        self.write(&mut text);
        f.write_str(&text)
    }
}

/// Appends `text` such that it is text everywhere. Characters that XML does not have, and those that hide or turn what stands beside
/// them, are shown by their numbers.
fn escape(out: &mut String, text: impl Display) {
    // Writing to memory does not fail.
    let _ = write!(Escaping(out), "{text}");
}

struct Escaping<'a>(&'a mut String);

impl Write for Escaping<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            match c {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                '\u{fffe}' | '\u{ffff}' => write!(self.0, "{}", c.escape_unicode())?,
                c if is_deceptive(c) => write!(self.0, "{}", c.escape_unicode())?,
                c => self.0.push(c),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_stand_between_backticks() {
        assert_eq!(prose("`a <b>` does").to_string(), "<p><code>a &lt;b&gt;</code> does</p>");
    }

    #[test]
    fn what_is_long_has_a_beginning() {
        assert_eq!([beginning("née", 3), beginning("née", 2), beginning("", 0)], ["née", "né…", ""]);
    }

    #[test]
    fn text_stays_text() {
        let hostile = "</title><script>\"'&\u{202e}\u{0}\u{ffff}é\n";
        let element = classed("p", hostile).text(hostile).child(element("br")).child(element("b"));
        let inside = "&lt;/title&gt;&lt;script&gt;&quot;&#39;&amp;\\u{202e}\\u{0}\\u{ffff}é\\u{a}";
        assert_eq!(element.to_string(), format!("<p class=\"{inside}\">{inside}<br/><b></b></p>"));
    }
}
