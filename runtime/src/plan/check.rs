//! What the compiler found when it ran a plan beside its model.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A plan beside its model, on images that did not choose the plan. For the plan's owner; never sent to a client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Images that it was made on.
    pub images: u32,
    /// Where these images come from.
    pub source: CheckImages,
    /// Share of the images for which plan and model name the same class, 0 to 1; none where the output is a map.
    pub agreement: Option<f64>,
    /// Root mean square of the errors of the logits, relative to that of the model's logits, each image's mean taken
    /// away.
    pub error: f64,
    /// The node of the model whose rounding adds most to that error, as predicted; empty where nothing is rounded.
    pub worst: String,
    /// Nodes that were given more bits than usual.
    pub finer: u32,
    /// Suite `shared`: how much room the rings leave.
    pub headroom: Option<Headroom>,
}

/// Where the images of a [`Check`] come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckImages {
    /// Calibration images that chose nothing.
    HeldBack,
    /// The calibration images themselves, because there are too few to hold any back.
    Calibration,
    /// Patterns, because there are no calibration images.
    Synthetic,
}

/// How full rings are, and how likely an image leaves one: its prediction would then be wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Headroom {
    /// The node of the model whose ring an image leaves most easily.
    pub node: String,
    /// Share of that ring that the largest value on calibration images takes, 0 to 1.
    pub taken: f64,
    /// Estimated chance that an image leaves any ring, from the largest values of each calibration image, which are taken
    /// for Gumbel distributed.
    pub overflow: f64,
}

/// `64 held-back calibration images`.
impl fmt::Display for CheckImages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HeldBack => "held-back calibration images",
            Self::Calibration => "calibration images, too few to hold any back",
            Self::Synthetic => "synthetic images, for want of calibration images",
        })
    }
}

/// `checked on 64 held-back calibration images: 100.0 % of the labels are the model's, logits are off by 1.30 % (rms), most of it
/// from 'conv3'; fullest ring 41 % ('conv2'), an image leaves one with a chance of 2e-6`
impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { images, source, agreement, error, worst, finer, headroom } = self;
        write!(f, "checked on {images} {source}: ")?;
        match agreement {
            Some(agreement) => {
                write!(f, "{:.1} % of the labels are the model's, logits are off", 100.0 * agreement)?;
            }
            None => f.write_str("the map is off")?,
        }
        write!(f, " by {:.2} % (rms)", 100.0 * error)?;
        if !worst.is_empty() {
            write!(f, ", most of it from '{worst}'")?;
        }
        if *finer > 0 {
            write!(f, "; {finer} nodes have more bits than usual")?;
        }
        headroom.as_ref().map_or(Ok(()), |headroom| write!(f, "; {headroom}"))
    }
}

/// `fullest ring 41 % ('conv2'), an image leaves one with a chance of 2e-6`.
impl fmt::Display for Headroom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { node, taken, overflow } = self;
        write!(
            f,
            "fullest ring {:.0} % ('{node}'), an image leaves one with a chance of {overflow:.0e}",
            100.0 * taken
        )
    }
}
