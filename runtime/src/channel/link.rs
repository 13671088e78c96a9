//! What a network between two parties can do.

use std::fmt;
use std::str::FromStr;

/// A speed, which each direction has for itself, and a delay.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Link {
    megabits_per_second: f64,
    round_trip_ms: f64,
}

/// Text that describes no link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no link: give megabits per second and milliseconds of round trip, as in 100/20")]
pub struct NotALink(String);

/// A bit a second.
const SLOWEST: f64 = 1e-6;

/// A quarter of an hour and more.
const LONGEST_MS: f64 = 1e6;

impl Link {
    /// The customer's link that plans are compiled for: 40 Mbit/s, 20 ms. [`UnitCosts::typical`](crate::plan::UnitCosts::typical) has the
    /// same.
    pub const TYPICAL: Self = Self { megabits_per_second: 40.0, round_trip_ms: 20.0 };

    /// Seconds that a byte takes.
    pub fn byte(self) -> f64 {
        8e-6 / self.megabits_per_second
    }

    /// Seconds of a round trip.
    pub fn round_trip(self) -> f64 {
        self.round_trip_ms / 1000.0
    }
}

impl FromStr for Link {
    type Err = NotALink;

    fn from_str(text: &str) -> Result<Self, NotALink> {
        let number = |text: &str| text.trim().parse().ok().filter(|number: &f64| number.is_finite());
        let numbers = text.split_once('/').and_then(|(speed, time)| Some((number(speed)?, number(time)?)));
        match numbers {
            Some((megabits_per_second, round_trip_ms))
                if megabits_per_second >= SLOWEST && (0.0..=LONGEST_MS).contains(&round_trip_ms) =>
            {
                Ok(Self { megabits_per_second, round_trip_ms })
            }
            _ => Err(NotALink(text.into())),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} Mbit/s, {} ms round trip", self.megabits_per_second, self.round_trip_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_a_speed_and_a_delay() {
        let link: Link = "100/20".parse().unwrap();
        assert_eq!(link.to_string(), "100 Mbit/s, 20 ms round trip");
        assert_eq!((link.byte(), link.round_trip()), (8e-8, 0.02));
        let senseless = [
            "", "100", "100/", "/20", "0/20", "-1/20", "100/-1", "inf/1", "1/nan", "1/2/3", "1e-7/1", "1/1e7",
        ];
        for text in senseless {
            assert_eq!(text.parse::<Link>(), Err(NotALink(text.into())));
        }
    }
}
