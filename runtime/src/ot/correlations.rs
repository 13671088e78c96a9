//! A batch's correlations, in parts and as a whole.

use super::chunk::{ReceivedChunk, SentChunk};
use super::correlated::{CotReceiver, CotSender};
use super::correlation_kind::{Batch, CorrelationKind};
use super::gather::Gather;
use super::numbers::Width;
use super::sixteen::{SixteenReceiver, SixteenSender};
use super::triples::{TripleReceiver, TripleSender, Triples};
use crate::message::Role;

/// One party's correlations of a batch.
pub(super) enum Correlations {
    SixteenSender(SixteenSender),
    SixteenReceiver(SixteenReceiver),
    CotSender(CotSender),
    CotReceiver(CotReceiver),
    Triples(Triples),
}

/// What is made of the random OTs of a chunk in which the peer chooses.
pub(super) enum SentPart {
    Sixteen(SixteenSender),
    Cot(CotSender),
    Triples(TripleSender),
}

/// What is made of the random OTs of a chunk in which this party chooses.
pub(super) enum ReceivedPart {
    Sixteen(SixteenReceiver),
    Cot(CotReceiver),
    Triples(TripleReceiver),
}

impl SentPart {
    /// For a batch of this kind.
    pub(super) fn new(kind: CorrelationKind, ots: &SentChunk<'_>) -> Self {
        match kind {
            CorrelationKind::Sixteen(_, width) => Self::Sixteen(SixteenSender::from_chunk(width, ots)),
            CorrelationKind::Cot(_, width) => Self::Cot(CotSender::from_chunk(width, ots)),
            CorrelationKind::Triples(width) => Self::Triples(TripleSender::from_chunk(width, ots)),
        }
    }

    fn sixteen(self) -> Option<SixteenSender> {
        if let Self::Sixteen(part) = self { Some(part) } else { None }
    }

    fn cot(self) -> Option<CotSender> {
        if let Self::Cot(part) = self { Some(part) } else { None }
    }

    fn triples(self) -> Option<TripleSender> {
        if let Self::Triples(part) = self { Some(part) } else { None }
    }
}

impl ReceivedPart {
    /// For a batch of this kind.
    pub(super) fn new(kind: CorrelationKind, ots: &ReceivedChunk<'_>) -> Self {
        match kind {
            CorrelationKind::Sixteen(_, width) => Self::Sixteen(SixteenReceiver::from_chunk(width, ots)),
            CorrelationKind::Cot(_, width) => Self::Cot(CotReceiver::from_chunk(width, ots)),
            CorrelationKind::Triples(width) => Self::Triples(TripleReceiver::from_chunk(width, ots)),
        }
    }

    fn sixteen(self) -> Option<SixteenReceiver> {
        if let Self::Sixteen(part) = self { Some(part) } else { None }
    }

    fn cot(self) -> Option<CotReceiver> {
        if let Self::Cot(part) = self { Some(part) } else { None }
    }

    fn triples(self) -> Option<TripleReceiver> {
        if let Self::Triples(part) = self { Some(part) } else { None }
    }
}

impl Correlations {
    /// Those of `batch` at `role`, from the parts that are made of all its chunks.
    pub(super) fn gather(
        role: Role,
        Batch { kind, count }: Batch,
        sent: impl Iterator<Item = SentPart>,
        received: impl Iterator<Item = ReceivedPart>,
    ) -> Self {
        match kind {
            CorrelationKind::Sixteen(chooser, width) if chooser == role => {
                Self::SixteenReceiver(gather(width, received.map(ReceivedPart::sixteen), count))
            }
            CorrelationKind::Sixteen(_, width) => {
                Self::SixteenSender(gather(width, sent.map(SentPart::sixteen), count))
            }
            CorrelationKind::Cot(chooser, width) if chooser == role => {
                Self::CotReceiver(gather(width, received.map(ReceivedPart::cot), count))
            }
            CorrelationKind::Cot(_, width) => Self::CotSender(gather(width, sent.map(SentPart::cot), count)),
            CorrelationKind::Triples(width) => Self::Triples(Triples::new(
                gather(width, sent.map(SentPart::triples), count),
                gather(width, received.map(ReceivedPart::triples), count),
            )),
        }
    }
}

fn gather<C: Gather>(width: Width, parts: impl Iterator<Item = Option<C>>, count: usize) -> C {
    C::gather(width, parts.flatten().collect(), count)
}
