//! The style of the components, for pages that have none of Taskdeck's own.

/// The style sheet of all components: put it in the page's `<head>` (as `<style inner_html=STYLE>` in the shell, which the
/// server alone renders, or as a file that the app serves). Every rule is about the components' own classes, which begin
/// with `td-`; on `:root` it sets custom properties that begin with `--td-`, and nothing else. A page gives the components
/// other colours and sizes by setting those properties, later or nearer.
///
/// ```
/// assert!(taskdeck_ui::STYLE.contains("--td-accent:"));
/// ```
pub const STYLE: &str = concat!(
    include_str!("../style/tokens.css"),
    include_str!("../style/embedded.css"),
    include_str!("../style/icon.css"),
    include_str!("../style/buttons.css"),
    include_str!("../style/badge.css"),
    include_str!("../style/progress.css"),
    include_str!("../style/widgets.css"),
    include_str!("../style/form.css"),
    include_str!("../style/log.css"),
    include_str!("../style/question.css"),
    include_str!("../style/connection.css"),
    include_str!("../style/toast.css"),
);

#[cfg(test)]
mod tests {
    use super::*;

    /// Each rule of a sheet without comments: its selectors, and what it declares. Rules in `@media` and its like are
    /// rules; the steps of `@keyframes` are not.
    fn rules(mut sheet: &str) -> Vec<(String, String)> {
        let mut found = Vec::new();
        while let Some(open) = sheet.find('{') {
            let head = sheet[..open].trim();
            let mut depth = 0;
            let end = sheet[open..].find(|letter| {
                depth += i32::from(letter == '{') - i32::from(letter == '}');
                depth == 0
            });
            let end = open + end.expect("each brace is closed");
            let body = &sheet[open + 1..end];
            if head.starts_with("@keyframes") {
                assert!(head.starts_with("@keyframes td-"), "{head}");
            } else if head.starts_with('@') {
                found.extend(rules(body));
            } else {
                found.push((head.to_owned(), body.to_owned()));
            }
            sheet = &sheet[end + 1..];
        }
        found
    }

    fn without_comments(sheet: &str) -> String {
        let parts = sheet.split("/*").enumerate();
        parts.map(|(n, part)| if n == 0 { part } else { part.split_once("*/").expect("an end").1 }).collect()
    }

    #[test]
    fn nothing_but_the_components_is_styled() {
        let rules = rules(&without_comments(STYLE));
        assert!(rules.len() > 100, "{}", rules.len());
        for (selectors, body) in rules {
            let own = selectors
                .split(",\n")
                .all(|one| [".td-", "\"td-", "\" td-"].iter().any(|own| one.contains(own)));
            let named = body.split(';').map(str::trim).filter(|one| !one.is_empty());
            let harmless = named.clone().count() > 0 && named.clone().all(|one| one.starts_with("--td-"));
            assert!(own || harmless, "{selectors} {{{body}}}");
        }
    }

    #[test]
    fn each_sheet_of_the_crate_is_in_it() {
        let source = include_str!("style.rs");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/style");
        for file in std::fs::read_dir(folder).expect("the folder") {
            let name = file.expect("a file").file_name().into_string().expect("a name");
            assert!(source.contains(&format!("include_str!(\"../style/{name}\")")), "{name}");
        }
    }
}
