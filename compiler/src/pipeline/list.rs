//! The passes, in order.

use super::pass::{Pass, PassInfo};
use crate::graph::{Integer, Real};
use crate::options::CompileOptions;
use crate::passes::{
    absorb_multipliers, canonicalize, expand_activations, fold_affine, merge_equal, prune_channels, range,
    remove_dead, rings, sink_relu, split_max_pool,
};
use std::fmt::Write as _;

/// From the imported graph to the simplified one; again with more segments where the first are too coarse.
pub(super) const SIMPLIFY: &[Pass<Real>] = &[
    Pass {
        info: PassInfo {
            name: "expand_activations",
            summary: "Writes smooth activations as sums of ReLUs and clips, or products of two (suite shared), exactly or within a stated error",
        },
        applies: always,
        run: |graph, context| {
            let options = context.options;
            expand_activations(graph, options.activations, context.ranges, options.has_rings())
        },
    },
    Pass {
        info: PassInfo {
            name: "canonicalize",
            summary: "Removes operations without effect, so that later passes see one form of each",
        },
        applies: always,
        run: |graph, _| canonicalize(graph),
    },
    Pass {
        info: PassInfo { name: "merge_equal", summary: "Computes equal operations on the same values once" },
        applies: always,
        run: |graph, _| merge_equal(graph),
    },
    Pass {
        info: PassInfo {
            name: "fold_affine",
            summary: "Folds batch normalisation and other affine maps into linear layers",
        },
        applies: always,
        run: |graph, _| fold_affine(graph),
    },
    Pass {
        info: PassInfo {
            name: "sink_relu",
            summary: "Moves a ReLU or a clip after the max-pooling that reads it, where there are fewer values",
        },
        applies: always,
        run: |graph, _| sink_relu(graph),
    },
    Pass { info: REMOVE_DEAD, applies: always, run: |graph, _| remove_dead(graph) },
];

/// From the simplified graph to the one that is quantised.
pub(super) const PRUNE: &[Pass<Real>] = &[
    Pass {
        info: PassInfo {
            name: "prune_channels",
            summary: "Takes the weights on the channels that matter least and fits their readers again (--channel-sparsity)",
        },
        applies: prunes_channels,
        run: |graph, context| prune_channels(&graph, context.options.channel_sparsity, context.calibration),
    },
    Pass { info: REMOVE_DEAD, applies: prunes_channels, run: |graph, _| remove_dead(graph) },
];

/// In each attempt, before [`QUANTIZE`].
pub(super) const RESCALE: PassInfo = PassInfo {
    name: "rescale",
    summary: "Chooses, on a draft of the integer graph, which values lose their low bits; its graph is the draft",
};

/// From the float graph to the integer graph; in each attempt, and again where numbers are too wide.
pub(super) const QUANTIZE: PassInfo = PassInfo {
    name: "quantize",
    summary: "Rounds weights and biases to integers and gives every value a scale",
};

/// From the quantised graph to the one whose values get bounds; in each attempt.
pub(super) const FINISH: &[Pass<Integer>] = &[
    Pass { info: REMOVE_DEAD, applies: always, run: |graph, _| remove_dead(graph) },
    Pass {
        info: PassInfo {
            name: "split_max_pool",
            summary: "Computes a maximum over a window by rows and then by columns where that takes fewer comparisons",
        },
        applies: always,
        run: |graph, _| split_max_pool(graph),
    },
    Pass {
        info: PassInfo {
            name: "absorb_multipliers",
            summary: "Folds the integer multipliers of a sum's branches into the layers before them (suite shared)",
        },
        applies: CompileOptions::has_rings,
        run: |graph, _| absorb_multipliers(graph),
    },
];

/// To the integer graph that is lowered to a plan; in each attempt.
pub(super) const BOUND: &[Pass<Integer>] = &[
    Pass {
        info: PassInfo {
            name: "rings",
            summary: "Gives every value its bounds and the ring that its shares are taken in (suite shared)",
        },
        applies: CompileOptions::has_rings,
        run: |graph, context| rings(graph, context.input, context.calibration, context.options),
    },
    Pass {
        info: PassInfo {
            name: "range",
            summary: "Gives every value sound bounds by interval arithmetic (suite blinded)",
        },
        applies: |options| !options.has_rings(),
        run: |graph, context| range(graph, context.input, context.options),
    },
];

const REMOVE_DEAD: PassInfo = PassInfo {
    name: "remove_dead",
    summary: "Removes channels, weights and nodes on which no logit depends, and computes constants",
};

fn always(_: &CompileOptions) -> bool {
    true
}

fn prunes_channels(options: &CompileOptions) -> bool {
    options.channel_sparsity > 0.0
}

/// A line of the table of passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Name and summary of the pass.
    pub info: PassInfo,
    /// What the pass turns into what: `real`, `real to integer`, `integer`.
    pub graph: &'static str,
}

/// All passes in the order of their first run; one that stands in several places is listed in each.
pub fn listed() -> Vec<Listed> {
    let real = SIMPLIFY.iter().chain(PRUNE).map(|pass| Listed { info: pass.info, graph: "real" });
    let quantize = [RESCALE, QUANTIZE].map(|info| Listed { info, graph: "real to integer" });
    let integer = FINISH.iter().chain(BOUND).map(|pass| Listed { info: pass.info, graph: "integer" });
    real.chain(quantize).chain(integer).collect()
}

/// The names of all passes, each once.
pub fn names() -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for Listed { info, .. } in listed() {
        if !names.contains(&info.name) {
            names.push(info.name);
        }
    }
    names
}

/// The table of the documentation.
pub fn markdown() -> String {
    let mut text = String::from("| pass | graph | what it does |\n|---|---|---|\n");
    for Listed { info, graph } in listed() {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "| `{}` | {graph} | {} |", info.name, info.summary);
    }
    text
}
