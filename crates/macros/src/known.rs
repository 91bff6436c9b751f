//! What core says too. The macro crate does not depend on core, so that the browser's build need not compile core
//! twice; the tests below keep the two the same.

/// The categories: name and variant.
pub(crate) const CATEGORIES: [(&str, &str); 5] = [
    ("data", "Data"),
    ("report", "Report"),
    ("maintenance", "Maintenance"),
    ("admin", "Admin"),
    ("other", "Other"),
];

/// The longest wait between tries unless said otherwise, in milliseconds.
pub(crate) const RETRY_MAX_MS: u64 = 300_000;

/// What the name of a kind or of a queue must be.
pub(crate) const IDENTIFIER_RULE: &str =
    "must start with a-z, hold only a-z, 0-9 and _, and have at most 64 characters";

/// Whether a text can name a kind or a queue.
pub(crate) fn is_identifier(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|b| b.is_ascii_lowercase())
        && text.len() <= 64
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// The pattern of a parameter as core matches it.
pub(crate) fn whole_pattern(expression: &str) -> Result<regex_lite::Regex, regex_lite::Error> {
    regex_lite::Regex::new(&format!("^(?:{expression})$"))
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Category, Kind, Param, Rate, RetryPolicy};

    use super::*;

    #[test]
    fn the_categories_are_those_of_core() {
        let known = CATEGORIES.map(|(name, variant)| (name.to_owned(), variant.to_owned()));
        assert_eq!(
            known,
            Category::ALL.map(|category| (category.name().to_owned(), format!("{category:?}")))
        );
    }

    #[test]
    fn the_longest_wait_is_that_of_core() {
        assert_eq!(RETRY_MAX_MS, RetryPolicy::default().max_ms);
    }

    #[test]
    fn rates_are_read_as_core_reads_them() {
        for text in
            ["10/1s", "100/5m", "5/s", "3 / 250ms", "", "10", "0/1s", "10/0s", "10/1y", "ten/1s", "1/"]
        {
            let known = text.parse::<Rate>().map(|rate| (rate.count, rate.per_ms));
            assert_eq!(crate::units::rate(text).ok(), known.ok(), "{text}");
        }
    }

    #[test]
    fn names_are_judged_as_core_judges_them() {
        let longest = "a".repeat(64);
        let too_long = "a".repeat(65);
        for name in ["import_csv", "a", "a1_", "", "1a", "_a", "A", "aB", "a-b", "ä", &longest, &too_long] {
            let judged = Kind::new(name.to_owned());
            assert_eq!(is_identifier(name), judged.is_ok(), "{name}");
            if let Err(error) = judged {
                assert_eq!(error.to_string(), format!("kind: {IDENTIFIER_RULE}"));
            }
        }
    }

    #[test]
    fn patterns_are_judged_as_core_judges_them() {
        for pattern in ["[a-z]+|[0-9]+", "(", ")", "a)(b", r"\d", r"\p{Greek}", "(?=a)"] {
            let faults = Param::of::<String>("text").pattern(pattern).faults;
            assert_eq!(whole_pattern(pattern).is_ok(), faults.is_empty(), "{pattern}");
        }
    }
}
