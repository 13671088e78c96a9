//! A float forward pass over all pictures at once, and beside it one that rounds as a good plan would.

/// Pictures that a network is fitted to.
pub(crate) const FITTED: usize = 48;
/// The first so many of them go through the network a second time: weights rounded to 8 bits, values to 9.
pub(crate) const ROUNDED: usize = 16;
const ALL: usize = FITTED + ROUNDED;

/// What all pictures have at one place.
type Pixel = [f32; ALL];

/// A value for every picture: channels, height, width, then pictures.
#[derive(Clone)]
pub(crate) struct Tensor {
    pub(crate) dims: [usize; 3],
    pixels: Vec<Pixel>,
}

/// A square window: kernel, stride, padding on all sides.
#[derive(Clone, Copy)]
pub(crate) struct Window {
    pub(crate) kernel: usize,
    pub(crate) stride: usize,
    pub(crate) pad: usize,
}

impl Window {
    pub(crate) fn output(self, size: usize) -> usize {
        (size + 2 * self.pad - self.kernel) / self.stride + 1
    }

    /// (tap, place) of what a window sees inside a plane.
    fn sights(self, [height, width]: [usize; 2], [y, x]: [usize; 2]) -> impl Iterator<Item = (usize, usize)> {
        let taps = (0..self.kernel).flat_map(move |ky| (0..self.kernel).map(move |kx| [ky, kx]));
        taps.filter_map(move |[ky, kx]| {
            let y = (y * self.stride + ky).checked_sub(self.pad).filter(|&y| y < height)?;
            let x = (x * self.stride + kx).checked_sub(self.pad).filter(|&x| x < width)?;
            Some((ky * self.kernel + kx, y * width + x))
        })
    }
}

impl Tensor {
    /// `value` of every picture's index and place.
    pub(crate) fn new(dims: [usize; 3], value: impl Fn(usize, usize) -> f32) -> Self {
        let pixel = |place| std::array::from_fn(|index| value(index % FITTED, place));
        Self { dims, pixels: (0..dims.iter().product()).map(pixel).collect() }
    }

    pub(crate) fn plane(&self) -> usize {
        self.dims[1] * self.dims[2]
    }

    fn channel(&self, channel: usize) -> &[Pixel] {
        &self.pixels[channel * self.plane()..][..self.plane()]
    }

    /// All elements of the pictures that a network is fitted to.
    fn fitted(&self, channel: usize) -> impl Iterator<Item = f32> {
        self.channel(channel).iter().flat_map(|pixel| pixel[..FITTED].iter().copied())
    }

    /// Mean and variance of each channel.
    pub(crate) fn statistics(&self) -> Vec<(f32, f32)> {
        let count = (self.plane() * FITTED) as f32;
        let statistics = |channel| {
            let mean = self.fitted(channel).sum::<f32>() / count;
            (mean, self.fitted(channel).map(|x| (x - mean).powi(2)).sum::<f32>() / count)
        };
        (0..self.dims[0]).map(statistics).collect()
    }

    /// All elements of one picture.
    pub(crate) fn picture(&self, index: usize) -> Vec<f32> {
        self.pixels.iter().map(|pixel| pixel[index]).collect()
    }

    /// The pictures that went through twice: as they should be, and rounded.
    pub(crate) fn twice(&self) -> impl Iterator<Item = (Vec<f32>, Vec<f32>)> {
        (0..ROUNDED).map(|index| (self.picture(index), self.picture(FITTED + index)))
    }

    /// How far the rounded pictures are from the others, relative to how much those differ.
    pub(crate) fn noise(&self) -> f64 {
        let (mut wrong, mut all) = (0.0, 0.0);
        for (channel, (mean, _)) in self.statistics().into_iter().enumerate() {
            for pixel in self.channel(channel) {
                for (exact, rounded) in pixel.iter().zip(&pixel[FITTED..]) {
                    wrong += f64::from(exact - rounded).powi(2);
                    all += f64::from(exact - mean).powi(2);
                }
            }
        }
        if all > 0.0 { (wrong / all).sqrt() } else { 0.0 }
    }

    /// `of` channel and element.
    pub(crate) fn map(&self, of: impl Fn(usize, f32) -> f32) -> Self {
        let plane = self.plane();
        let pixel = |(place, pixel): (usize, &Pixel)| pixel.map(|x| of(place / plane, x));
        Self { dims: self.dims, pixels: self.pixels.iter().enumerate().map(pixel).collect() }
    }

    /// The rounded pictures, rounded to 9 bits of what their channel may hold.
    pub(crate) fn rounded(mut self) -> Self {
        let plane = self.plane();
        for channel in self.pixels.chunks_mut(plane) {
            let fitted = || channel.iter().flat_map(|pixel| &pixel[..FITTED]);
            let largest = fitted().copied().fold(f32::NEG_INFINITY, f32::max);
            let smallest = fitted().copied().fold(f32::INFINITY, f32::min);
            let step = (largest - smallest) / 511.0;
            if step > 0.0 {
                channel
                    .iter_mut()
                    .flat_map(|pixel| &mut pixel[FITTED..])
                    .for_each(|x| *x = (*x / step).round() * step);
            }
        }
        self
    }

    pub(crate) fn conv(&self, window: Window, groups: usize, weights: &[f32], outputs: usize) -> Self {
        let [channels, height, width] = self.dims;
        let inputs = channels / groups;
        let (columns, plane) = (inputs * window.kernel * window.kernel, self.plane());
        let dims = [outputs, window.output(height), window.output(width)];
        let mut pixels = Vec::with_capacity(dims.iter().product());
        for (output, row) in weights.chunks(columns).enumerate() {
            let coarse = in_eight_bits(row);
            let first = output / (outputs / groups) * inputs;
            for at in 0..dims[1] * dims[2] {
                let mut sum = [0.0; ALL];
                for (tap, place) in window.sights([height, width], [at / dims[2], at % dims[2]]) {
                    for input in 0..inputs {
                        let column = input * window.kernel * window.kernel + tap;
                        let pixel = &self.pixels[(first + input) * plane + place];
                        add_product(&mut sum, row[column], coarse[column], pixel);
                    }
                }
                pixels.push(sum);
            }
        }
        Self { dims, pixels }.corrected()
    }

    /// Rounded pictures with the means of the others in every channel, as a layer's biases can see to.
    fn corrected(mut self) -> Self {
        let plane = self.plane();
        for channel in self.pixels.chunks_mut(plane) {
            let error = |pixel: &Pixel| {
                pixel.iter().zip(&pixel[FITTED..]).map(|(exact, rounded)| exact - rounded).sum::<f32>()
            };
            let shift = channel.iter().map(error).sum::<f32>() / (plane * ROUNDED) as f32;
            channel.iter_mut().flat_map(|pixel| &mut pixel[FITTED..]).for_each(|x| *x += shift);
        }
        self
    }

    /// What a window sees of a channel of one picture: taps inside the image, and pixels.
    pub(crate) fn patch(
        &self,
        window: Window,
        channel: usize,
        index: usize,
        at: usize,
    ) -> impl Iterator<Item = (usize, f32)> {
        let [_, height, width] = self.dims;
        let columns = window.output(width);
        let sights = window.sights([height, width], [at / columns, at % columns]);
        sights.map(move |(tap, place)| (tap, self.channel(channel)[place][index]))
    }

    /// `of` what each window sees.
    fn pooled(&self, window: Window, of: impl Fn(&[f32]) -> f32) -> Self {
        let [channels, height, width] = self.dims;
        let dims = [channels, window.output(height), window.output(width)];
        let mut pixels = Vec::with_capacity(dims.iter().product());
        for channel in 0..channels {
            let plane = self.channel(channel);
            for at in 0..dims[1] * dims[2] {
                let sights = window.sights([height, width], [at / dims[2], at % dims[2]]);
                let seen: Vec<&Pixel> = sights.map(|(_, place)| &plane[place]).collect();
                let values = |index| seen.iter().map(|pixel| pixel[index]).collect::<Vec<f32>>();
                pixels.push(std::array::from_fn(|index| of(&values(index))));
            }
        }
        Self { dims, pixels }
    }

    pub(crate) fn max_pool(&self, window: Window) -> Self {
        self.pooled(window, |seen| seen.iter().copied().fold(f32::NEG_INFINITY, f32::max))
    }

    /// The average of what lies inside the image.
    pub(crate) fn average_pool(&self, window: Window) -> Self {
        self.pooled(window, |seen| seen.iter().sum::<f32>() / seen.len() as f32)
    }

    pub(crate) fn plus(&self, other: &Self) -> Self {
        let pairs = self.pixels.iter().zip(&other.pixels);
        let pixels = pairs.map(|(a, b)| std::array::from_fn(|index| a[index] + b[index])).collect();
        Self { dims: self.dims, pixels }
    }

    /// Every channel times a number.
    pub(crate) fn times(&self, gate: &Self) -> Self {
        let plane = self.pixels.len() / gate.pixels.len();
        let pixels = self.pixels.iter().enumerate();
        let pixels =
            pixels.map(|(at, x)| std::array::from_fn(|index| x[index] * gate.pixels[at / plane][index]));
        Self { dims: self.dims, pixels: pixels.collect() }
    }

    pub(crate) fn concat(parts: &[&Self]) -> Self {
        let [_, height, width] = parts[0].dims;
        let channels = parts.iter().map(|part| part.dims[0]).sum();
        let pixels = parts.iter().flat_map(|part| part.pixels.iter().copied()).collect();
        Self { dims: [channels, height, width], pixels }
    }

    pub(crate) fn flat(self) -> Self {
        Self { dims: [self.pixels.len(), 1, 1], pixels: self.pixels }
    }

    /// Channels in the order of `from`.
    pub(crate) fn permuted(&self, from: &[usize]) -> Self {
        let pixels = from.iter().flat_map(|&channel| self.channel(channel).iter().copied()).collect();
        Self { dims: self.dims, pixels }
    }

    /// With channels of zeros before and after.
    pub(crate) fn padded(&self, front: usize, after: usize) -> Self {
        let [channels, height, width] = self.dims;
        let zeros = |channels| Self::new([channels, height, width], |_, _| 0.0);
        let padded = Self::concat(&[&zeros(front), self, &zeros(after)]);
        Self { dims: [front + channels + after, height, width], ..padded }
    }
}

fn add_product(sum: &mut Pixel, exact: f32, coarse: f32, pixel: &Pixel) {
    let (fitted, rounded) = sum.split_at_mut(FITTED);
    let (exactly, coarsely) = pixel.split_at(FITTED);
    fitted.iter_mut().zip(exactly).for_each(|(sum, x)| *sum += exact * x);
    rounded.iter_mut().zip(coarsely).for_each(|(sum, x)| *sum += coarse * x);
}

/// A row of weights, rounded to 8 bits.
fn in_eight_bits(row: &[f32]) -> Vec<f32> {
    let largest = row.iter().fold(0f32, |most, weight| most.max(weight.abs()));
    let step = if largest > 0.0 { largest / 127.0 } else { 1.0 };
    row.iter().map(|weight| (weight / step).round() * step).collect()
}
