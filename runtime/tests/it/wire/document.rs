//! `WIRE.md` as a test reads it: fences of ` ```vectors `, in which a line begins with a name and goes on with hexadecimal digits, on
//! further lines too, which begin with a blank; what follows a semicolon is for people.

use rug::Integer;
use rug::integer::Order;

/// All of it.
pub(super) const TEXT: &str = include_str!("../../../src/message/WIRE.md");

/// Begins the names of vectors that are not made of anything: others are made of them.
const GIVEN: &str = "given-";

/// A name and bytes.
pub(super) type Vector = (String, Vec<u8>);

/// A vector that the code made.
pub(super) fn vector(name: &str, bytes: impl Into<Vec<u8>>) -> Vector {
    (name.into(), bytes.into())
}

/// The bytes of hexadecimal digits.
pub(super) fn bytes(digits: &str) -> Vec<u8> {
    let pairs = digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).expect("digits"));
    pairs.map(|pair| u8::from_str_radix(pair, 16).expect("two digits")).collect()
}

/// The lines of all fences of this kind.
pub(super) fn lines(kind: &str) -> Vec<&'static str> {
    let (begin, mut inside) = (format!("```{kind}"), false);
    let is_within = |line: &&str| {
        let fence = line.starts_with("```");
        inside = if fence { *line == begin } else { inside };
        inside && !fence
    };
    TEXT.lines().filter(is_within).collect()
}

/// All vectors, in the order of the document.
fn vectors() -> Vec<Vector> {
    let mut all: Vec<(String, String)> = Vec::new();
    for line in lines("vectors") {
        let mut words = line.split(';').next().unwrap_or_default().split_whitespace();
        if !line.starts_with(' ') {
            all.push((words.next().expect("a name").into(), String::new()));
        }
        all.last_mut().expect("a name before").1.extend(words);
    }
    all.into_iter().map(|(name, digits)| (name, bytes(&digits))).collect()
}

/// The vectors that others are made of.
pub(super) struct Given(Vec<Vector>);

impl Given {
    pub(super) fn read() -> Self {
        Self(vectors().into_iter().filter(|(name, _)| name.starts_with(GIVEN)).collect())
    }

    /// The bytes of the one that is called so after `given-`.
    pub(super) fn bytes(&self, name: &str) -> &[u8] {
        let found = self.0.iter().find(|(given, _)| given.strip_prefix(GIVEN) == Some(name));
        &found.expect("the document gives it").1
    }

    /// The same as a big-endian number.
    pub(super) fn number(&self, name: &str) -> Integer {
        Integer::from_digits(self.bytes(name), Order::Msf)
    }
}

/// The document has these vectors beside those given, and no others.
pub(super) fn check(made: &[Vector]) {
    let mut stated: Vec<Vector> =
        vectors().into_iter().filter(|(name, _)| !name.starts_with(GIVEN)).collect();
    let mut made = made.to_vec();
    stated.sort();
    made.sort();
    let shown = |(name, bytes): &Vector| {
        let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{name} {digits}")
    };
    let differing: Vec<String> = made.iter().filter(|vector| !stated.contains(vector)).map(shown).collect();
    assert!(differing.is_empty(), "the code makes\n{}", differing.join("\n"));
    assert_eq!(stated.len(), made.len(), "the document has vectors that nobody makes, or one twice");
}
