//! Elements under windows, window after window: two flat lists, since there may be millions of windows of one element.

/// Positions of elements, window by window.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Windows {
    places: Vec<usize>,
    sizes: Vec<usize>,
}

impl Windows {
    /// How many elements each window holds.
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// All positions, those of the first window first.
    pub fn places(&self) -> &[usize] {
        &self.places
    }

    /// The positions of each window.
    pub fn iter(&self) -> impl Iterator<Item = &[usize]> {
        in_windows(&self.places, &self.sizes)
    }

    /// The same windows at each of `starts`, which is added to all positions, one after the other.
    pub fn repeated(&self, starts: impl ExactSizeIterator<Item = usize>) -> Self {
        let sizes = self.sizes.repeat(starts.len());
        let places = starts.flat_map(|start| self.places.iter().map(move |place| start + place)).collect();
        Self { places, sizes }
    }
}

impl<W: IntoIterator<Item = usize>> FromIterator<W> for Windows {
    fn from_iter<I: IntoIterator<Item = W>>(windows: I) -> Self {
        let mut all = Self::default();
        for window in windows {
            let before = all.places.len();
            all.places.extend(window);
            all.sizes.push(all.places.len() - before);
        }
        all
    }
}

/// What belongs to each window, of `all` that belongs to windows of these sizes, one after the other.
///
/// # Panics
/// If there is less.
pub fn in_windows<'a, T>(all: &'a [T], sizes: &'a [usize]) -> impl Iterator<Item = &'a [T]> {
    let mut rest = all;
    sizes.iter().map(move |&size| {
        let (window, after) = rest.split_at(size);
        rest = after;
        window
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_come_back_one_by_one() {
        let windows: Windows = [vec![3, 1], vec![], vec![2]].into_iter().collect();
        assert_eq!((windows.sizes(), windows.places()), (&[2, 0, 1][..], &[3, 1, 2][..]));
        assert_eq!(windows.iter().collect::<Vec<_>>(), [&[3, 1][..], &[], &[2]]);
        let twice: Windows =
            [vec![3, 1], vec![], vec![2], vec![13, 11], vec![], vec![12]].into_iter().collect();
        assert_eq!(windows.repeated([0, 10].into_iter()), twice);
    }
}
