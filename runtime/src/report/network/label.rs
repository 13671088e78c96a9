//! Text that fits into so many columns of a box.

use crate::plan::is_deceptive;

/// `text`, or its beginning and `…`, in at most `columns` columns. Letters beyond ASCII may be twice as wide.
pub(super) fn fitted(text: &str, columns: usize) -> String {
    let width = |c: char| if c.is_ascii() { 1 } else { 2 };
    // What is escaped later takes more than it seems to here.
    let shown = |c: char| if is_deceptive(c) { '\u{fffd}' } else { c };
    let (mut kept, mut used) = (String::new(), 0);
    for c in text.chars().map(shown) {
        // The dots take a column, two with the margin for fonts that draw them wider.
        if used + width(c) + 2 > columns && text.chars().map(|c| width(shown(c))).sum::<usize>() > columns {
            kept.push('…');
            return kept;
        }
        used += width(c);
        kept.push(c);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_ends_in_dots() {
        assert_eq!([fitted("conv1", 5), fitted("conv12", 5), fitted("", 0)], ["conv1", "con…", ""]);
        assert_eq!([fitted("猫猫", 4), fitted("猫猫猫", 4)], ["猫猫", "猫…"]);
        assert_eq!(fitted("a\u{202e}b", 9), "a\u{fffd}b");
    }
}
