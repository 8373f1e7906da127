//! Numbers of bytes as people say them.

/// `812 B`, `1.2 GB`, `36 GB`: in powers of ten, as disks are sold.
pub(crate) fn words(bytes: u64) -> String {
    let mut value = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        // What would be rounded up to a thousand is one of the next.
        if value < 999.5 {
            return shown(value, unit);
        }
        value /= 1000.0;
    }
    shown(value, "TB")
}

fn shown(value: f64, unit: &str) -> String {
    if value < 9.95 && unit != "B" { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (bytes, expected) in [
            (0, "0 B"),
            (999, "999 B"),
            (1000, "1.0 kB"),
            (9_949, "9.9 kB"),
            (9_950, "10 kB"),
            (999_499, "999 kB"),
            (999_500, "1.0 MB"),
            (1_234_000_000, "1.2 GB"),
            (36_400_000_000, "36 GB"),
            (u64::MAX, "18446744 TB"),
        ] {
            assert_eq!(words(bytes), expected, "{bytes}");
        }
    }
}
