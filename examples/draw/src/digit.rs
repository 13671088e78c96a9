//! A drawing becomes an image like MNIST's: 28×28, white on black, within 20×20 around its centre of mass.

/// Side of an image.
const SIDE: usize = 28;
/// Side of the square into which a drawing is scaled.
const BOX: f32 = 20.0;
/// Half the width of the pen, in pixels.
const PEN: f32 = 1.15;
/// A drawing that is smaller than this is a dot, and is not made larger.
const SMALLEST: f32 = 0.15;
/// How far from the middle of the square a centre of mass may be moved, so that nothing leaves the image.
const MARGIN: f32 = (SIDE as f32 - BOX) / 2.0;
/// Points that a drawing may have.
const MOST_POINTS: usize = 10_000;

/// Grey values, row by row.
pub(crate) type Pixels = [u8; SIDE * SIDE];

/// Points that the pen went through, each from 0 to 1: to the right, and down.
pub(crate) type Stroke = Vec<[f32; 2]>;

/// The image of a drawing.
///
/// # Errors
/// There are no points, too many, or some far outside.
pub(crate) fn image(strokes: &[Stroke]) -> Result<Pixels, &'static str> {
    let points = || strokes.iter().flatten();
    match points().count() {
        0 => return Err("there is nothing on the canvas"),
        1..=MOST_POINTS => {}
        _ => return Err("this drawing has too many points"),
    }
    if !points().flatten().all(|coordinate| (-1.0..=2.0).contains(coordinate)) {
        return Err("a point of the drawing is not on the canvas");
    }
    let [left, right, top, bottom] = [extent(points(), 0), extent(points(), 1)].concat()[..] else {
        return Err("a drawing has two axes");
    };
    let scale = (BOX - 2.0 * PEN) / (right - left).max(bottom - top).max(SMALLEST);
    let middle = SIDE as f32 / 2.0;
    let moved = |by: [f32; 2]| -> Vec<Stroke> {
        let place = |&[x, y]: &[f32; 2]| {
            [
                (x - (left + right) / 2.0) * scale + middle + by[0],
                (y - (top + bottom) / 2.0) * scale + middle + by[1],
            ]
        };
        strokes.iter().map(|stroke| stroke.iter().map(place).collect()).collect()
    };
    let mass = centre_of_mass(&painted(&moved([0.0; 2])));
    Ok(painted(&moved(mass.map(|mass| (middle - mass).clamp(-MARGIN, MARGIN)))))
}

/// Smallest and largest coordinate along an axis.
fn extent<'a>(points: impl Iterator<Item = &'a [f32; 2]>, axis: usize) -> [f32; 2] {
    points.fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], point| {
        [low.min(point[axis]), high.max(point[axis])]
    })
}

/// Strokes in pixels, with soft edges.
fn painted(strokes: &[Stroke]) -> Pixels {
    let mut pixels = [0; SIDE * SIDE];
    let segments = strokes.iter().flat_map(|stroke| {
        // A stroke of one point is a dot.
        let ends = stroke.iter().skip(1).chain(stroke.last());
        stroke.iter().zip(ends)
    });
    for (&from, &to) in segments {
        for (index, pixel) in pixels.iter_mut().enumerate() {
            let centre = [(index % SIDE) as f32 + 0.5, (index / SIDE) as f32 + 0.5];
            let covered = (PEN + 0.5 - distance(centre, from, to)).clamp(0.0, 1.0);
            *pixel = (*pixel).max((255.0 * covered) as u8);
        }
    }
    pixels
}

/// From a point to a segment.
fn distance([x, y]: [f32; 2], [ax, ay]: [f32; 2], [bx, by]: [f32; 2]) -> f32 {
    let (dx, dy) = (bx - ax, by - ay);
    let length = dx * dx + dy * dy;
    let along = if length > 0.0 { (((x - ax) * dx + (y - ay) * dy) / length).clamp(0.0, 1.0) } else { 0.0 };
    (x - ax - along * dx).hypot(y - ay - along * dy)
}

fn centre_of_mass(pixels: &Pixels) -> [f32; 2] {
    let (mut mass, mut sums) = (0.0, [0.0; 2]);
    for (index, &pixel) in pixels.iter().enumerate() {
        let weight = f32::from(pixel);
        mass += weight;
        sums[0] += weight * ((index % SIDE) as f32 + 0.5);
        sums[1] += weight * ((index / SIDE) as f32 + 0.5);
    }
    sums.map(|sum| if mass > 0.0 { sum / mass } else { SIDE as f32 / 2.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// First and last row and column with ink.
    fn ink(pixels: &Pixels) -> [usize; 4] {
        let of = |index: fn(usize) -> usize| {
            let inked = (0..SIDE * SIDE).filter(|&pixel| pixels[pixel] > 64).map(index);
            let all: Vec<usize> = inked.collect();
            [all.iter().min().copied().unwrap(), all.iter().max().copied().unwrap()]
        };
        let [rows, columns] = [of(|pixel| pixel / SIDE), of(|pixel| pixel % SIDE)];
        [rows[0], rows[1], columns[0], columns[1]]
    }

    #[test]
    fn wherever_and_however_large_it_is_drawn_it_becomes_the_same() {
        let seven = |x: f32, y: f32, size: f32| {
            let stroke: Stroke =
                [[0.0, 0.0], [0.6, 0.0], [0.2, 1.0]].map(|[a, b]| [x + size * a, y + size * b]).to_vec();
            image(&[stroke]).unwrap()
        };
        let large = seven(0.05, 0.0, 1.0);
        let small = seven(0.7, 0.55, 0.25);
        assert!(large.iter().zip(&small).all(|(a, b)| a.abs_diff(*b) < 8));
        let [top, bottom, left, right] = ink(&large);
        assert!((18..=20).contains(&(bottom + 1 - top)), "{top} to {bottom}");
        assert!(right - left < bottom - top);
        let mass = centre_of_mass(&large);
        assert!(mass.iter().all(|mass| (mass - 14.0).abs() < 0.2), "{mass:?}");
    }

    #[test]
    fn a_dot_stays_a_dot() {
        let [top, bottom, left, right] = ink(&image(&[vec![[0.9, 0.1]]]).unwrap());
        assert!(bottom - top < 4 && right - left < 4);
    }

    #[test]
    fn what_is_no_drawing_is_refused() {
        for strokes in [vec![], vec![vec![]], vec![vec![[f32::NAN, 0.0]]], vec![vec![[0.5, 1e9]]]] {
            assert!(image(&strokes).is_err());
        }
        assert!(image(&[vec![[0.5, 0.5]; MOST_POINTS + 1]]).is_err());
    }
}
