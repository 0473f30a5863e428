//! Canonical text.

/// The literal of a duration.
#[must_use]
pub fn duration(nanos: i64) -> String {
    const UNITS: [(u64, &str); 7] = [
        (86_400_000_000_000, "d"),
        (3_600_000_000_000, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
        (1_000_000, "ms"),
        (1_000, "us"),
        (1, "ns"),
    ];
    let mut rest = nanos.unsigned_abs();
    if rest == 0 {
        return "0s".to_owned();
    }
    let mut text = if nanos < 0 { "-".to_owned() } else { String::new() };
    for (size, unit) in UNITS {
        let share = rest / size;
        if share > 0 {
            text.push_str(&format!("{share}{unit}"));
        }
        rest %= size;
    }
    text
}
