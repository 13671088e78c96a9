//! Pictures with something to tell apart: gratings, blobs and edges that go with a class, over smooth noise.

use super::dice::Dice;
use compiler::graph::Shape;

/// Waves of which the noise of a picture consists.
const WAVES: usize = 4;

/// Pictures of some classes, as bytes.
pub(crate) struct Scenery {
    pub(crate) shape: Shape,
    classes: Vec<Pattern>,
    seed: u64,
}

/// What pictures of a class have in common.
struct Pattern {
    grating: Wave,
    blob: [f32; 2],
    /// The edge of a half-plane.
    edge: [f32; 2],
    tint: [f32; 3],
}

/// A wave across the picture: its amplitude, and its phase as a linear function of the position.
struct Wave {
    amplitude: f32,
    across: [f32; 2],
    phase: f32,
}

impl Wave {
    fn new(dice: &mut Dice, amplitude: f32, fastest: f32) -> Self {
        let across = [0; 2].map(|_| dice.between(-fastest, fastest));
        Self { amplitude, across, phase: dice.between(0.0, std::f32::consts::TAU) }
    }

    fn at(&self, [y, x]: [f32; 2]) -> f32 {
        self.amplitude * (self.across[0] * y + self.across[1] * x + self.phase).sin()
    }
}

impl Pattern {
    fn new(dice: &mut Dice) -> Self {
        Self {
            grating: Wave::new(dice, 0.3, 16.0),
            blob: [0; 2].map(|_| dice.between(0.2, 0.8)),
            edge: [0; 2].map(|_| dice.between(-2.0, 2.0)),
            tint: [0; 3].map(|_| dice.between(0.4, 1.0)),
        }
    }

    /// What the class adds at a position, both coordinates from 0 to 1.
    fn at(&self, [y, x]: [f32; 2]) -> f32 {
        let distance = (y - self.blob[0]).powi(2) + (x - self.blob[1]).powi(2);
        let side = self.edge[0] * (y - 0.5) + self.edge[1] * (x - 0.5) > 0.0;
        self.grating.at([y, x]) + 0.5 * (-distance / 0.03).exp() + if side { 0.2 } else { 0.0 }
    }
}

impl Scenery {
    pub(crate) fn new(seed: u64, shape: Shape, classes: usize) -> Self {
        let mut dice = Dice::new(seed, 1);
        Self { shape, classes: (0..classes).map(|_| Pattern::new(&mut dice)).collect(), seed }
    }

    pub(crate) fn class(&self, index: usize) -> usize {
        index % self.classes.len()
    }

    /// Picture `index`, row-major (channels, height, width).
    pub(crate) fn picture(&self, index: usize) -> Vec<u8> {
        let mut dice = Dice::new(self.seed, 2 + index as u64);
        let pattern = &self.classes[self.class(index)];
        let noise: Vec<Wave> = (0..WAVES).map(|_| Wave::new(&mut dice, 0.08, 9.0)).collect();
        let shift = [0; 2].map(|_| dice.between(-0.08, 0.08));
        let (brightness, contrast) = (dice.between(0.2, 0.45), dice.between(0.4, 1.0));
        let mut pixels = Vec::with_capacity(self.shape.elements());
        for channel in 0..self.shape.channels {
            let tint = pattern.tint[channel % 3];
            for at in 0..self.shape.plane() {
                let [y, x] = [at / self.shape.width, at % self.shape.width];
                let at = [y as f32 / self.shape.height as f32, x as f32 / self.shape.width as f32];
                let light = pattern.at([at[0] + shift[0], at[1] + shift[1]])
                    + noise.iter().map(|wave| wave.at(at)).sum::<f32>();
                let grain = 0.02 * dice.normal();
                pixels.push((255.0 * (brightness + tint * contrast * light + grain)).clamp(0.0, 255.0) as u8);
            }
        }
        pixels
    }
}
