//! The messages in a stream of bytes, as `runtime/src/message/WIRE.md` describes them.

use crate::event::Event;
use popcorn::channel::frame::{HEADER_BYTES, Header, SEAL_BYTES};
use popcorn::message::Message;

/// Bytes of a body that are shown.
const HEAD: usize = 24;

/// One direction of a connection, and where in a frame it stands.
pub(crate) struct Frames {
    sent: bool,
    header: Vec<u8>,
    head: Vec<u8>,
    /// Bytes of body and seal that are still to come; `None` inside a header.
    left: Option<u64>,
}

impl Frames {
    /// Of what whoever tells of it has `sent`, or received.
    pub(crate) const fn new(sent: bool) -> Self {
        Self { sent, header: Vec::new(), head: Vec::new(), left: None }
    }

    /// Goes on over the next bytes; `told` is told of every frame that ends in them.
    pub(crate) fn pass(&mut self, mut bytes: &[u8], mut told: impl FnMut(Event)) {
        while !bytes.is_empty() {
            bytes = match self.left {
                None => self.begin(bytes),
                Some(left) => self.go_on(bytes, left),
            };
            if self.left == Some(0) {
                told(self.end());
            }
        }
    }

    /// Takes the header's part of `bytes`; what is behind it.
    fn begin<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let (mine, rest) = bytes.split_at(bytes.len().min(HEADER_BYTES - self.header.len()));
        self.header.extend(mine);
        if let Ok(header) = self.header[..].try_into() {
            self.left = Some(Header::from_bytes(header).length.saturating_add(SEAL_BYTES as u64));
        }
        rest
    }

    fn go_on<'a>(&mut self, bytes: &'a [u8], left: u64) -> &'a [u8] {
        let (mine, rest) = bytes.split_at(left.min(bytes.len() as u64) as usize);
        let body = left.saturating_sub(SEAL_BYTES as u64).min((HEAD - self.head.len()) as u64) as usize;
        self.head.extend(&mine[..mine.len().min(body)]);
        self.left = Some(left - mine.len() as u64);
        rest
    }

    fn end(&mut self) -> Event {
        self.left = None;
        let header = std::mem::take(&mut self.header);
        let header = Header::from_bytes(header.try_into().unwrap_or_default());
        let name = Message::from_tag(header.tag).map_or("unknown", Message::name).to_owned();
        let bytes = header.length.saturating_add((HEADER_BYTES + SEAL_BYTES) as u64);
        let head = self.head.drain(..).map(|byte| format!("{byte:02x}")).collect();
        Event::Frame { sent: self.sent, name, bytes, head }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(tag: u8, body: &[u8]) -> Vec<u8> {
        let header = Header { tag, length: body.len() as u64 };
        [&header.to_bytes()[..], body, &[0xee; SEAL_BYTES]].concat()
    }

    #[test]
    fn frames_are_told_however_they_are_cut() {
        let long: Vec<u8> = (0..100).collect();
        let bytes = [frame(1, b"hi"), frame(8, &[]), frame(200, &long)].concat();
        let event =
            |name: &str, bytes, head: String| Event::Frame { sent: true, name: name.into(), bytes, head };
        let head: String = long[..HEAD].iter().map(|byte| format!("{byte:02x}")).collect();
        let expected = [
            event("hello", 27, "6869".into()),
            event("logits", 25, String::new()),
            event("unknown", 125, head),
        ];
        for step in 1..=bytes.len() {
            let (mut frames, mut told) = (Frames::new(true), Vec::new());
            bytes.chunks(step).for_each(|part| frames.pass(part, |event| told.push(event)));
            assert_eq!(told, expected, "in parts of {step}");
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_no_trouble() {
        let mut frames = Frames::new(false);
        frames.pass(&[255; 1000], |event| panic!("{event:?}"));
    }
}
