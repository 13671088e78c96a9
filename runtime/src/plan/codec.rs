//! Plans as bytes, framed as `frame.rs` says.
//!
//! A plan's digest is its [`super::PlanId`]. Equal plans give equal bytes. Whoever reads bounds the length
//! first; postcard never allocates more than its input can fill.

pub use super::frame::{FORMAT_VERSION, HEADER_BYTES};

use super::frame::{MAGIC, Owner, digest, frame};
use super::validate::{ValidPlan, Violation};
use super::view::ClientPlan;
use super::{Plan, validate};
use serde::de::DeserializeOwned;

/// Longest plan that is read, in bytes.
pub const MAX_PLAN_BYTES: u64 = 4 << 30;

/// Longest client view that is read, in bytes.
pub const MAX_VIEW_BYTES: u64 = 16 << 20;

/// Why bytes are no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// They do not begin as a plan does.
    #[error("this is no Popcorn plan")]
    NotAPlan,
    /// A client's view where a server's plan is needed, or the reverse.
    #[error("this is {got}, not {expected}")]
    WrongKind {
        /// What is needed: `a server's plan` or `a client's view`.
        expected: &'static str,
        /// What the bytes are, in the same words.
        got: &'static str,
    },
    /// Written by another version.
    #[error(
        "the plan has format version {got}; this program reads version {FORMAT_VERSION}: compile the model again"
    )]
    Version {
        /// Version of the format that the plan says.
        got: u32,
    },
    /// Cut off, lengthened, or changed.
    #[error("the plan is corrupted: {0}")]
    Corrupted(&'static str),
    /// Well-formed, but contradicting itself.
    #[error("the plan is invalid: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<Violation>),
}

/// The bytes of a plan.
pub fn encode(plan: &ValidPlan) -> Vec<u8> {
    frame(Owner::Server, plan.plan()).0
}

/// A plan from its bytes.
///
/// # Errors
/// Whatever is wrong with them; nothing is trusted.
pub fn decode(bytes: &[u8]) -> Result<ValidPlan, DecodeError> {
    let plan: Plan = unframe(Owner::Server, bytes)?;
    ValidPlan::new(plan).map_err(DecodeError::Invalid)
}

/// The bytes of a client's view, as sent in the handshake.
pub fn encode_view(view: &ClientPlan) -> Vec<u8> {
    frame(Owner::Client, view).0
}

/// A digest of all that a client's view says.
pub fn view_digest(view: &ClientPlan) -> [u8; 32] {
    frame(Owner::Client, view).1
}

/// A client's view from its bytes.
///
/// # Errors
/// Whatever is wrong with them; nothing is trusted.
pub fn decode_view(bytes: &[u8]) -> Result<ClientPlan, DecodeError> {
    let view: ClientPlan = unframe(Owner::Client, bytes)?;
    match validate::view_violations(&view) {
        violations if violations.is_empty() => Ok(view),
        violations => Err(DecodeError::Invalid(violations)),
    }
}

fn unframe<T: DeserializeOwned>(expected: Owner, bytes: &[u8]) -> Result<T, DecodeError> {
    let rest = bytes.strip_prefix(MAGIC).ok_or(DecodeError::NotAPlan)?;
    let (&kind, rest) = rest.split_first().ok_or(DecodeError::NotAPlan)?;
    let got = [Owner::Server, Owner::Client]
        .into_iter()
        .find(|&owner| owner as u8 == kind)
        .ok_or(DecodeError::NotAPlan)?;
    if got != expected {
        return Err(DecodeError::WrongKind { expected: expected.name(), got: got.name() });
    }
    let (version, rest) = rest.split_first_chunk().ok_or(DecodeError::NotAPlan)?;
    match u32::from_le_bytes(*version) {
        FORMAT_VERSION => {}
        got => return Err(DecodeError::Version { got }),
    }
    let (length, rest) = rest.split_first_chunk().ok_or(CUT_OFF)?;
    let (stated, body) = rest.split_first_chunk::<32>().ok_or(CUT_OFF)?;
    if u64::from_le_bytes(*length) != body.len() as u64 {
        return Err(CUT_OFF);
    }
    if digest(expected, body) != *stated {
        return Err(DecodeError::Corrupted("its digest does not match its content"));
    }
    match postcard::take_from_bytes(body) {
        Ok((content, [])) => Ok(content),
        _ => Err(DecodeError::Corrupted("its content cannot be read")),
    }
}

const CUT_OFF: DecodeError = DecodeError::Corrupted("its length is not what its header says");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{
        BlindedParameters, Cost, Dense, InputSpec, KeyBits, MaxPool, Op, OutputPart, OutputSpec,
        Preprocessing, Shape, Step, StepId, Suite, Window,
    };
    use proptest::prelude::*;

    /// input → max_pool → dense → reveal.
    fn plan() -> Plan {
        let input = InputSpec {
            shape: Shape::new(1, 4, 4),
            preprocessing: Preprocessing::identity(1),
            step: vec![1.0],
        };
        let pool = Window { stride: [2, 2], ..Window::dense([2, 2]) };
        let dense = Dense { weights: vec![1, -2, 3, 4], bias: vec![-5] };
        let step = |op, inputs: &[usize], shape, bits| {
            let inputs = inputs.iter().map(|&input| StepId::new(input)).collect();
            Step {
                name: "a".into(),
                op,
                inputs,
                shape,
                bits,
                layout: None,
                offline: Cost::default(),
                cost: Cost::default(),
            }
        };
        let steps = vec![
            step(Op::Input, &[], input.shape, 8),
            step(Op::MaxPool(MaxPool { window: pool, compared: 0 }), &[0], Shape::new(1, 2, 2), 8),
            step(Op::Dense(dense), &[1], Shape::vector(1), 12),
            step(Op::Reveal, &[2], Shape::vector(1), 12),
        ];
        let output = OutputSpec::of(OutputPart::vector(1));
        let suite = Suite::Blinded(BlindedParameters::default());
        Plan {
            name: "b".into(),
            suite,
            key_bits: KeyBits::default(),
            input,
            steps,
            output,
            setup: Cost::default(),
            batches: Vec::new(),
            check: None,
            salt: crate::plan::Salt::NONE,
        }
    }

    /// The header that a hostile writer would put before `body`.
    fn sealed(owner: Owner, body: &[u8]) -> Vec<u8> {
        let head = [MAGIC.as_slice(), &[owner as u8], &FORMAT_VERSION.to_le_bytes()].concat();
        let length = (body.len() as u64).to_le_bytes();
        [&head, length.as_slice(), &digest(owner, body), body].concat()
    }

    fn body(bytes: &[u8]) -> Vec<u8> {
        bytes[HEADER_BYTES..].to_vec()
    }

    #[test]
    fn the_seal_of_these_tests_is_the_real_one() {
        let plan = ValidPlan::new(plan()).unwrap();
        assert_eq!(sealed(Owner::Server, &body(&encode(&plan))), encode(&plan));
        let view = encode_view(plan.client_view());
        assert_eq!(sealed(Owner::Client, &body(&view)), view);
    }

    #[test]
    fn another_format_has_another_version() {
        let plan = ValidPlan::new(plan()).unwrap();
        let known = (FORMAT_VERSION, plan.id().to_string());
        // Where the digest of this plan changes, FORMAT_VERSION (and, with the client's view, PROTOCOL_VERSION) must.
        assert_eq!(known, (13, "1a487cf5493902c9e5324a6a69cb00c156c73a78d62bbe6479b0edea15cf61f3".into()));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        /// Whatever passes the digest still meets postcard and validation, which must not panic, and
        /// what they accept must print and derive its view.
        #[test]
        fn changed_bodies_with_a_right_digest_do_no_harm(
            changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
            cut in any::<prop::sample::Index>(),
        ) {
            let plan = ValidPlan::new(plan()).unwrap();
            for owner in [Owner::Server, Owner::Client] {
                let bytes = if owner == Owner::Server { encode(&plan) } else { encode_view(plan.client_view()) };
                let mut changed = body(&bytes);
                for (position, value) in &changes {
                    let position = position.index(changed.len());
                    changed[position] = *value;
                }
                for body in [&changed[..], &changed[..cut.index(changed.len())]] {
                    let bytes = sealed(owner, body);
                    let _ = decode(&bytes).map(|plan| plan.to_string());
                    let _ = decode_view(&bytes).map(|view| view.to_string());
                }
            }
        }
    }
}
