#!/usr/bin/env python3
"""Draw digits/0.png to digits/9.png: ten 28x28 grey digits, white on black, placed as MNIST places its digits; and
digits/all.npz, the same ten as `images` (10,1,28,28), for `popcornc compile --calibration`.

Each digit is a few pen strokes; a stroke is a smooth curve through the points written down below.

    python draw_digits.py

requires: numpy==1.26.4, Pillow==12.3.0
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

# (x, y) in a box of about 20 x 20, y downwards. A stroke begins a new curve, so corners are ends of strokes.
STROKES = {
    0: [[(12.5, 1.2), (8, 1.5), (4, 6), (3, 12), (5, 18), (9.5, 19.2), (14, 15.5), (16, 9), (15, 3.5), (11.5, 0.9)]],
    1: [[(11.5, 0.5), (10.8, 7), (9.8, 13), (8.8, 19.5)]],
    2: [
        [(3.5, 5), (5.5, 1.7), (10, 0.6), (13.8, 3), (13.6, 7), (10, 12), (5.8, 16), (2.4, 18.8)],
        [(2.4, 18.8), (7, 17.9), (12, 18.3), (17, 18.2)],
    ],
    3: [
        [(4, 2.8), (8, 0.7), (12.8, 1.6), (13.4, 5), (11, 8), (7, 9.3)],
        [(7, 9.3), (11.8, 9.8), (14.8, 13), (13, 17.5), (8.5, 19.4), (3, 17.6)],
    ],
    4: [
        [(4.5, 1), (3.4, 6), (3.2, 10.4)],
        [(3.2, 10.4), (8, 10.6), (15.6, 9.6)],
        [(13.8, 1.4), (12.9, 10), (11.9, 19.5)],
    ],
    5: [
        [(5.6, 1.4), (5, 5), (4.3, 8.6)],
        [(4.3, 8.6), (9, 7.8), (13.4, 10.4), (13.8, 15), (10.5, 18.7), (6.5, 19.3), (2.4, 17.4)],
        [(5.6, 1.4), (10, 1.3), (15.6, 0.6)],
    ],
    6: [
        [(12.6, 0.5), (8, 4), (5, 9), (4, 14), (5.8, 18.4), (10, 19.3), (13.8, 16.6)]
        + [(13.4, 12.6), (9.8, 11.2), (5, 14.6)]
    ],
    7: [[(2.6, 2.8), (8, 2.3), (15, 1.6)], [(15, 1.6), (12.2, 7), (9.6, 13), (7.8, 19.6)]],
    8: [
        [(13.8, 3), (10, 0.7), (6.2, 2.6), (6.3, 6.2), (10, 9.5), (13, 13), (12.4, 17.4), (8.8, 19.3), (5, 17.4)]
        + [(5.2, 13.6), (9.4, 9.8), (13.2, 6.4), (13.9, 3.2)]
    ],
    9: [
        [(13.6, 3.6), (9.6, 1), (5.4, 3.4), (4.6, 7.6), (8, 10), (12, 7.8), (13.7, 3.8)],
        [(13.7, 3.8), (13, 9), (11.6, 14.6), (10.4, 19.4)],
    ],
}
PEN = 2.3  # width of the pen in pixels
SIZE, BOX = 28, 20  # picture, and the box that MNIST fits a digit into


def curve(points, steps=40):
    """Catmull-Rom spline through `points`, `steps` samples per piece."""
    p = np.array(points, float)
    p = np.vstack([2 * p[0] - p[1], p, 2 * p[-1] - p[-2]])
    t = np.linspace(0, 1, steps)[:, None]
    a, b, c, d = p[:-3, None], p[1:-2, None], p[2:-1, None], p[3:, None]
    q = b + (c - a) * t / 2 + (2 * a - 5 * b + 4 * c - d) * t**2 / 2 + (3 * b - a - 3 * c + d) * t**3 / 2
    return q.reshape(-1, 2)


def paint(path, radius):
    """Grey values 0..1: full inside the pen, fading to black over one and a half pixels at its edge."""
    centres = np.stack(np.meshgrid(np.arange(SIZE), np.arange(SIZE)), -1)[:, :, None] + 0.5
    distance = np.linalg.norm(centres - path, axis=-1) - radius
    return np.clip(0.5 - distance / 1.5, 0, 1).max(-1)


def draw(strokes):
    """Scale the digit into the box, then move its centre of mass to the middle of the picture."""
    path = np.vstack([curve(s) for s in strokes])
    wobble = np.linspace(0, 3 * np.pi, len(path))  # a hand does not press evenly
    radius = PEN / 2 * (1 + 0.12 * np.sin(wobble))
    low, high = path.min(0), path.max(0)
    path = (path - (low + high) / 2) * (BOX - PEN) / (high - low).max() + SIZE / 2
    for _ in range(3):
        picture = paint(path, radius)
        y, x = np.indices(picture.shape) + 0.5
        centre = np.array([(x * picture).sum(), (y * picture).sum()]) / picture.sum()
        path += SIZE / 2 - centre
    return Image.fromarray(np.round(255 * picture).astype(np.uint8))


def main():
    parser = argparse.ArgumentParser(description="Draw the ten test digits.")
    default = Path(__file__).resolve().parent / "digits"
    parser.add_argument("--out", type=Path, default=default, help="folder for the PNGs")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    pictures = {digit: draw(strokes) for digit, strokes in STROKES.items()}
    for digit, picture in pictures.items():
        picture.save(args.out / f"{digit}.png", optimize=True)
    images = np.stack([np.asarray(pictures[digit])[None] for digit in sorted(pictures)])
    np.savez_compressed(args.out / "all.npz", images=images)


if __name__ == "__main__":
    main()
