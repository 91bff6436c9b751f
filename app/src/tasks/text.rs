//! Numbers in sentences.

use taskdeck::ui::format::thousands;

/// So many of something: `1 row`, `336,776 rows`.
pub(crate) fn count_of(number: u64, noun: &str) -> String {
    let ending = if number == 1 { "" } else { "s" };
    format!("{} {noun}{ending}", thousands(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_one_and_all_else_are_many() {
        assert_eq!(count_of(1, "row"), "1 row");
        assert_eq!(count_of(0, "row"), "0 rows");
        assert_eq!(count_of(336_776, "row"), "336,776 rows");
    }
}
