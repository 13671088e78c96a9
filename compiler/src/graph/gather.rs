//! Elements at other places: what a gather makes of shapes, channels and other gathers.

use super::Shape;
use runtime::plan::IndexMap;

/// A value made of another's elements, and of zeros.
#[derive(Clone, Debug, PartialEq)]
pub struct Gather {
    /// Which element of the input each element of the result is, both row-major.
    pub map: IndexMap,
    /// Shape of the result.
    pub shape: Shape,
}

/// What a channel of a gather's result is made of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sources {
    /// The channels of the input, rising, and which share of the elements comes from each; what is missing to 1 are zeros.
    pub channels: Vec<(usize, f64)>,
    /// Whether there are zeros.
    pub zeros: bool,
}

impl Gather {
    /// The value of `shape` whose elements, row-major, have these positions in the input.
    pub fn new(shape: Shape, positions: impl IntoIterator<Item = Option<usize>>) -> Self {
        Self { map: IndexMap::from_positions(shape, positions), shape }
    }

    /// Whether it only gives the elements another shape, which is then a vector or the input's own.
    pub fn keeps_order(&self, from: Shape) -> bool {
        self.shape.elements() == from.elements() && self.map.positions().eq((0..from.elements()).map(Some))
    }

    /// By channel of the result: where it comes from, in an input of shape `from`.
    pub fn sources(&self, from: Shape) -> Vec<Sources> {
        let mut counts: Vec<Vec<usize>> = Vec::new();
        let mut sources = vec![Sources::default(); self.shape.channels];
        let plane = self.shape.plane();
        for (element, position) in self.map.positions().enumerate() {
            let channel = element / plane;
            counts.resize(channel + 1, Vec::new());
            match position {
                None => sources[channel].zeros = true,
                Some(position) => counts[channel].push(position / from.plane()),
            }
        }
        for (source, mut of) in sources.iter_mut().zip(counts) {
            of.sort_unstable();
            let same = of.chunk_by(|a, b| a == b);
            source.channels = same.map(|same| (same[0], same.len() as f64 / plane as f64)).collect();
        }
        sources
    }

    /// This after `first`, as one.
    pub fn after(&self, first: &Self) -> Self {
        let of_first: Vec<Option<usize>> = first.map.positions().collect();
        let positions = self.map.positions().map(|position| position.and_then(|position| of_first[position]));
        Self::new(self.shape, positions)
    }

    /// The channels `kept` of the result, from the channels `read` of an input of shape `from`, both rising, the sources of
    /// those that are kept among them.
    pub fn narrowed(&self, from: Shape, read: &[usize], kept: &[usize]) -> Self {
        let mut places = vec![0; from.channels];
        read.iter().enumerate().for_each(|(place, &channel)| places[channel] = place);
        let mut stays = vec![false; self.shape.channels];
        kept.iter().for_each(|&channel| stays[channel] = true);
        let place =
            |position: usize| places[position / from.plane()] * from.plane() + position % from.plane();
        let positions = self.map.positions().enumerate();
        let positions = positions.filter(|(element, _)| stays[element / self.shape.plane()]);
        let positions = positions.map(|(_, position)| position.map(place));
        Self::new(Shape { channels: kept.len(), ..self.shape }, positions)
    }
}

impl Sources {
    /// The one channel that all elements come from that are no zeros, where it is one.
    pub fn sole(&self) -> Option<usize> {
        if let [(channel, _)] = self.channels[..] { Some(channel) } else { None }
    }

    /// Whether elements of several channels meet in one.
    pub fn is_mixed(&self) -> bool {
        self.channels.len() > 1
    }

    /// The mean over its elements, of which those of each channel have the value `of` it, and zeros 0.
    pub fn mean(&self, of: impl Fn(usize) -> f64) -> f64 {
        self.channels.iter().map(|&(channel, share)| share * of(channel)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two channels of 1×2 side by side with a zero, then the second one turned round with a zero.
    fn gather() -> Gather {
        let positions = [Some(0), Some(1), Some(2), None, Some(3), Some(2), Some(3), None];
        Gather::new(Shape::new(2, 1, 4), positions)
    }

    #[test]
    fn sources_say_where_channels_come_from() {
        let sources = gather().sources(Shape::new(2, 1, 2));
        assert_eq!(sources[0], Sources { channels: vec![(0, 0.5), (1, 0.25)], zeros: true });
        assert_eq!(sources[1], Sources { channels: vec![(1, 0.75)], zeros: true });
        assert_eq!([sources[0].sole(), sources[1].sole()], [None, Some(1)]);
        assert!((sources[0].mean(|channel| [1.0, 8.0][channel]) - 2.5).abs() < 1e-12);
    }

    #[test]
    fn gathers_compose_and_narrow() {
        let twice = Gather::new(Shape::new(1, 1, 3), [Some(7), Some(4), Some(1)]).after(&gather());
        assert_eq!(twice.map.positions().collect::<Vec<_>>(), [None, Some(3), Some(1)]);
        let narrow = gather().narrowed(Shape::new(2, 1, 2), &[1], &[1]);
        assert_eq!(narrow.shape, Shape::new(1, 1, 4));
        assert_eq!(narrow.map.positions().collect::<Vec<_>>(), [Some(1), Some(0), Some(1), None]);
        let same = Gather::new(Shape::vector(4), (0..4).map(Some));
        assert!(same.keeps_order(Shape::new(2, 1, 2)) && !gather().keeps_order(Shape::new(2, 2, 2)));
    }
}
