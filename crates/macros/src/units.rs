//! Durations and sizes as they are written in attributes.

/// The longest duration: a hundred years, so that no sum of times runs over.
const LONGEST_MS: u64 = 36_500 * 86_400_000;

fn unit_ms(unit: &str) -> Option<u64> {
    match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    }
}

/// The milliseconds that a duration such as `10m` says.
pub(crate) fn duration_ms(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "`{text}` is no duration: write a whole number and ms, s, m, h or d, such as \"500ms\", \"2s\", \
             \"10m\", \"1h\" or \"1d\""
        )
    };
    let (number, unit) = split(text);
    let unit_ms = unit_ms(unit).ok_or_else(wrong)?;
    // A number without digits, or with too many.
    let count: u64 = number.parse().map_err(|_| wrong())?;
    match count.checked_mul(unit_ms) {
        Some(millis) if millis <= LONGEST_MS => Ok(millis),
        _ => Err(format!("`{text}` is too long: at most \"36500d\"")),
    }
}

/// How many in how many milliseconds a rate such as `10/1m` says; `10/m` is the same.
pub(crate) fn rate(text: &str) -> Result<(u32, u64), String> {
    let wrong = || {
        format!(
            "`{text}` is no rate: write how many in which time, both at least 1, such as \"10/1s\" or \"100/5m\""
        )
    };
    let (count, time) = text.split_once('/').ok_or_else(wrong)?;
    let count: u32 = count.trim().parse().map_err(|_| wrong())?;
    let time = time.trim();
    let millis = match unit_ms(time) {
        Some(millis) => millis,
        None => duration_ms(time).map_err(|_| wrong())?,
    };
    if count == 0 || millis == 0 { Err(wrong()) } else { Ok((count, millis)) }
}

/// The bytes that a size such as `50MB` says.
pub(crate) fn size_bytes(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!(
            "`{text}` is no size: write a whole number and B, kB, MB, GB or TB (1000 each), or KiB, MiB, GiB or TiB \
             (1024 each), such as \"50MB\""
        )
    };
    let (number, unit) = split(text);
    let unit_bytes: u64 = match unit {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => return Err(wrong()),
    };
    let count: u64 = number.parse().map_err(|_| wrong())?;
    count.checked_mul(unit_bytes).ok_or_else(|| format!("`{text}` is too large"))
}

fn split(text: &str) -> (&str, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    (number, unit.trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_a_number_and_a_unit() {
        for (text, millis) in [
            ("500ms", 500),
            ("2s", 2_000),
            ("10m", 600_000),
            ("1h", 3_600_000),
            ("1d", 86_400_000),
            ("5 s", 5_000),
            ("0s", 0),
            ("36500d", LONGEST_MS),
        ] {
            assert_eq!(duration_ms(text), Ok(millis), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_is_refused_with_what_to_write() {
        for text in
            ["", "10", "m", "1.5h", "-1s", "10 minutes", "1h30m", "1M", " 1s", "99999999999999999999s"]
        {
            let said = duration_ms(text).unwrap_err();
            assert!(said.starts_with(&format!("`{text}` is no duration: write ")), "{said}");
        }
        for text in ["36501d", "18446744073709551615d"] {
            assert_eq!(duration_ms(text), Err(format!("`{text}` is too long: at most \"36500d\"")));
        }
    }

    #[test]
    fn rates_are_how_many_in_which_time() {
        for (text, rate_of) in [
            ("10/1m", (10, 60_000)),
            ("100/5m", (100, 300_000)),
            ("5/s", (5, 1_000)),
            ("3 / 250ms", (3, 250)),
            ("1/1d", (1, 86_400_000)),
        ] {
            assert_eq!(rate(text), Ok(rate_of), "{text}");
        }
        for text in ["", "10", "0/1s", "10/0s", "10/", "/1s", "ten/1s", "1.5/s", "-1/s", "10/1y"] {
            let said = rate(text).unwrap_err();
            assert!(said.starts_with(&format!("`{text}` is no rate: write ")), "{said}");
        }
    }

    #[test]
    fn sizes_are_decimal_or_binary() {
        for (text, bytes) in [
            ("50MB", 50_000_000),
            ("1GiB", 1_073_741_824),
            ("1 kB", 1_000),
            ("1KB", 1_000),
            ("2KiB", 2_048),
            ("3MiB", 3_145_728),
            ("4GB", 4_000_000_000),
            ("1TB", 1_000_000_000_000),
            ("1TiB", 1_099_511_627_776),
            ("7B", 7),
        ] {
            assert_eq!(size_bytes(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_refused_with_what_to_write() {
        for text in ["", "50", "MB", "50mb", "1.5GB", "50 megabytes", "-1MB"] {
            let said = size_bytes(text).unwrap_err();
            assert!(said.starts_with(&format!("`{text}` is no size: write ")), "{said}");
        }
        assert_eq!(
            size_bytes("18446744073709551615kB"),
            Err("`18446744073709551615kB` is too large".to_owned())
        );
    }
}
