//! Who learns what, in words: of a plan, and of each of its steps. SECURITY.md has the bounds and the assumptions.

use crate::plan::{ClientPlan, Op, OutputSpec, Revealed, Schedule, StepId, Suite, ValidPlan, Work};

/// What each party learns of an inference, a sentence each.
pub(super) struct Learns {
    pub(super) server: &'static str,
    pub(super) client: String,
    /// What the client does not learn.
    pub(super) hidden: &'static str,
}

impl Learns {
    pub(super) fn of_plan(plan: &ClientPlan) -> Self {
        let answer = answer(&plan.output);
        let (client, hidden) = match plan.suite {
            Suite::Shared(_) => (
                format!(
                    "{answer}, and the architecture: operations, their order and shapes, windows, and how many bits numbers have. {INPUT}"
                ),
                "The weights, which of them are zero, the values inside the network, and the names of the model and its nodes.",
            ),
            Suite::Blinded(parameters) => (
                format!(
                    "{answer}; the list of interactive rounds with their number of values and of bits; and of the values in each of \
                     these, unordered and without signs, a little about how their magnitudes are distributed: each is moved by a random \
                     amount of {} octaves. {INPUT}",
                    parameters.scale_bits
                ),
                "The weights, the linear steps between the rounds, and the names of the model and its nodes.",
            ),
        };
        let server = "That somebody asks, when, how often, and with which public key. Nothing of the image, of the values inside the \
                      network, or of the prediction.";
        Self { server, client, hidden }
    }
}

/// What clients are told in every suite.
const INPUT: &str =
    "The input's form and preprocessing, what outputs and classes are called, and the plan's digest.";

/// `The 10 logits`, `The class alone`.
fn answer(output: &OutputSpec) -> String {
    match (output.revealed, output.revealed_values()) {
        (Revealed::Label, 1) => "The class alone".into(),
        (Revealed::Label, positions) => format!("The class alone at each of {positions} positions"),
        (Revealed::Logits, 1) => "The one value of the output".into(),
        (Revealed::Logits, values) => format!("All {values} values of the output"),
    }
}

/// What the parties tell each other for a step, and what hides it: before the image is known, and once it is. Empty for nothing.
pub(super) struct Said {
    pub(super) ahead: &'static str,
    pub(super) online: &'static str,
}

/// Of every step, in order.
pub(super) fn said(plan: &ValidPlan) -> Vec<Said> {
    let steps = plan.plan().steps();
    match &plan.client_view().work {
        Work::Schedule(schedule) => steps.map(|(id, step)| shared(schedule, id, &step.op)).collect(),
        Work::Exchanges(_) => steps.map(|(_, step)| Said { ahead: "", online: blinded(&step.op) }).collect(),
    }
}

const MASKED_BITS: &str = "bits of both shares under one-time masks ↑↓";

fn shared(schedule: &Schedule, id: StepId, op: &Op) -> Said {
    let said = |ahead, online| Said { ahead, online };
    let source = schedule.step(id).inputs.first().copied();
    // Where the client has its share of what is read ahead, it tells its masked bits ahead.
    let transfers = match source {
        Some(source) if schedule.client_has_ahead(source) => {
            "random oblivious transfers ↑↓, bits of the client's share under one-time masks ↑"
        }
        _ => "random oblivious transfers ↑↓",
    };
    match op {
        Op::Input => said("", "nothing of the image: it is the client's share"),
        Op::Conv2d(_) | Op::Dense(_) => said(
            "Enc(r) with a proof ↑, Enc(W·r + R) ↓",
            if schedule.opens(id) { "x − r ↑" } else { "nothing: the server was told x − r before" },
        ),
        Op::SumPool(_) | Op::Add(_) | Op::Concat | Op::Gather(_) => {
            said("", "nothing: each party on its shares")
        }
        Op::Mul => said("random oblivious transfers ↑↓", "both factors' shares under one-time masks ↑↓"),
        Op::Relu
        | Op::ReluRescale { .. }
        | Op::Sign
        | Op::MaxPool(_)
        | Op::Rescale { .. }
        | Op::ArgMax(_) => said(transfers, MASKED_BITS),
        Op::Reveal if source.is_some_and(|source| schedule.fraction(source).bits > 0) => {
            said(transfers, "masked bits ↑↓ to drop fraction bits, then the server's share ↓")
        }
        Op::Reveal => said("", "the server's share ↓"),
    }
}

const fn blinded(op: &Op) -> &'static str {
    match op {
        Op::Input => "Enc(x) ↑, one ciphertext for each pixel",
        Op::Conv2d(_) | Op::Dense(_) | Op::SumPool(_) | Op::Add(_) | Op::Concat | Op::Gather(_) | Op::Mul => {
            "nothing: the server computes on ciphertexts"
        }
        Op::Relu | Op::ReluRescale { .. } | Op::ArgMax(_) => {
            "±τ·(|x| + u) and x + r, permuted ↓, Enc(sign) and Enc(sign·(x + r)) ↑"
        }
        Op::MaxPool(_) => "as a ReLU, of differences x of two candidates, level by level ↓↑",
        Op::Sign => "±τ·(|2x − 1| + u), permuted ↓, Enc(sign) ↑",
        Op::Rescale { .. } => "x + r ↓, Enc((x + r) ÷ 2^f) ↑",
        Op::Reveal => "the packed result ↓",
    }
}

/// What the letters mean, a sentence each, for the suite of a plan.
pub(super) fn notation(suite: Suite) -> Vec<&'static str> {
    let arrows = "↑ is sent from the client to the server, ↓ from the server to the client.";
    let encrypted = "Enc(..) is encrypted with Paillier under the client's key: the server can compute with it and read nothing.";
    match suite {
        Suite::Shared(_) => vec![
            arrows,
            encrypted,
            "r is a mask of the client's, uniform in the value's ring and used once: x − r tells the server nothing of x. The proof says that \
             what was sent are encryptions.",
            "R is a mask of the server's, uniform modulo the client's N: what the client decrypts tells it nothing of the weights W.",
            "After each step the value x is the sum of a share of the client's and one of the server's, each uniform and independent of x.",
            "Every bit and number of a share that is told to the other party is under a mask that is used for nothing else; these masks come \
             from oblivious transfers made before the image is known.",
        ],
        Suite::Blinded(_) => vec![
            arrows,
            encrypted,
            "± is a random sign, τ a random scale, log-uniform over the octaves stated above, and u uniform in [0, 1): the client sees the sign of \
             a value that may be negated, and its magnitude moved far.",
            "r is a mask of the server's that is longer than x by the bits stated above, so that x + r is nearly independent of x.",
            "Permuted: in a secret random order, drawn anew for each round.",
        ],
    }
}
