//! Numbers as people read them.

/// `1,234,567`
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let first = digits.len() % 3;
    let (head, rest) = digits.split_at(first);
    let groups = rest.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let head = (!head.is_empty()).then(|| head.to_owned());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

/// In units of 10^3, 10^6 or 10^9 bytes, with three digits: `39.3 kB`.
pub(super) fn bytes(count: u64) -> String {
    let units = [(1e9, "GB"), (1e6, "MB"), (1e3, "kB")];
    let number = count as f64;
    // 999,500 bytes are 1.00 MB, not 1000 kB.
    let unit = units.into_iter().find(|(unit, _)| number >= 0.9995 * unit);
    unit.map_or_else(|| format!("{count} B"), |(unit, name)| format!("{} {name}", digits(number / unit)))
}

/// In hours, minutes, seconds, milliseconds or microseconds: `1.25 s`.
pub(super) fn seconds(seconds: f64) -> String {
    let units = [(3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs")];
    let least = |unit: f64| if unit >= 60.0 { 2.0 * unit } else { 0.9995 * unit };
    let unit = units.into_iter().find(|&(unit, _)| seconds >= least(unit));
    match unit {
        Some((unit, name)) => format!("{} {name}", digits(seconds / unit)),
        None if seconds > 0.0 => "< 1 µs".into(),
        None => "0 s".into(),
    }
}

/// With three digits where it is below 1000.
fn digits(number: f64) -> String {
    match number {
        _ if number < 9.995 => format!("{number:.2}"),
        _ if number < 99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

/// `12 %`, `0.4 %`, `< 0.1 %`, `0 %`, of the share of a whole.
pub(super) fn percent(share: f64) -> String {
    match 100.0 * share {
        percent if percent >= 9.95 => format!("{percent:.0} %"),
        percent if percent >= 0.1 => format!("{percent:.1} %"),
        percent if percent > 0.0 => "< 0.1 %".into(),
        _ => "0 %".into(),
    }
}

/// `part` of `whole`, 0 to 1; 0 of nothing.
pub(super) fn share(part: f64, whole: f64) -> f64 {
    let share = part / whole;
    if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_those_that_leave_three_digits() {
        assert_eq!([0, 7, 999, 1000, 1_234_567].map(grouped), ["0", "7", "999", "1,000", "1,234,567"]);
        assert_eq!(
            [0, 999, 1000, 999_499, 999_500, 39_302, 19_482_281_661].map(bytes),
            ["0 B", "999 B", "1.00 kB", "999 kB", "1.00 MB", "39.3 kB", "19.5 GB"]
        );
        assert_eq!(
            [0.0, 5e-9, 3e-6, 0.0124, 0.9999, 1.25, 90.0, 119.0, 600.0, 9000.0].map(seconds),
            [
                "0 s", "< 1 µs", "3.00 µs", "12.4 ms", "1.00 s", "1.25 s", "90.0 s", "119 s", "10.0 min",
                "2.50 h"
            ]
        );
        assert_eq!(
            [0.0, 0.0001, 0.004, 0.0999, 1.0].map(percent),
            ["0 %", "< 0.1 %", "0.4 %", "10 %", "100 %"]
        );
        assert_eq!(
            [share(1.0, 4.0), share(1.0, 0.0), share(0.0, 0.0), share(3.0, 2.0)],
            [0.25, 0.0, 0.0, 1.0]
        );
    }
}
