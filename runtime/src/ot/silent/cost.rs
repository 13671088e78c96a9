//! What the parties send.

use super::account::Account;
use crate::ot::chunk;
use crate::ot::cost::{OtMessages, Sent};
use crate::plan::{FieldBits, TreeDepth};

/// What the parties of one direction send for a session's first `ots` OTs, whole blocks of 128, with seeds from an extension
/// over this field.
pub(in crate::ot) fn cost(depth: TreeDepth, field: FieldBits, ots: usize) -> OtMessages {
    let mut account = Account::new(depth);
    let mut sent = OtMessages::default();
    while let Some(due) = account.next(ots) {
        if due.number == 0 {
            let chunks: Vec<usize> = chunk::sizes(due.parameters.seeds()).collect();
            sent.by_receiver = field.cost(&chunks);
        }
        sent.by_sender = sent.by_sender + Sent::frame(due.parameters.correction_bytes());
    }
    sent
}
