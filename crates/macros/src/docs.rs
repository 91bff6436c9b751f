//! Doc comments as text for people.

use syn::{Attribute, Expr, ExprLit, Lit, Meta};

/// The lines of the doc comments among these attributes.
fn lines(attributes: &[Attribute]) -> Vec<String> {
    let mut lines = Vec::new();
    for attribute in attributes {
        if let Meta::NameValue(doc) = &attribute.meta
            && doc.path.is_ident("doc")
            && let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &doc.value
        {
            // A block comment is one attribute with many lines, each of which may begin with a star.
            let text = text.value();
            let is_block = text.contains('\n');
            let strip = |line: &str| {
                let line = line.trim();
                if is_block {
                    line.strip_prefix('*').unwrap_or(line).trim().to_owned()
                } else {
                    line.to_owned()
                }
            };
            // Not `lines()`, which gives none for an empty comment: the end of a paragraph.
            lines.extend(text.split('\n').map(strip));
        }
    }
    lines
}

/// The doc comment as plain paragraphs, up to its first heading or code block: what follows is for programmers.
pub(crate) fn text(attributes: &[Attribute]) -> String {
    let mut text = String::new();
    let mut paragraph_ends = false;
    let is_heading = |line: &str| line.starts_with('#') && line.trim_start_matches('#').starts_with(' ');
    let is_for_programmers = |line: &String| is_heading(line) || line.starts_with("```");
    for line in lines(attributes).iter().take_while(|line| !is_for_programmers(line)) {
        if line.is_empty() {
            paragraph_ends = true;
            continue;
        }
        if !text.is_empty() {
            let is_listed = line.starts_with("- ") || line.starts_with("* ");
            text.push_str(if paragraph_ends {
                "\n\n"
            } else if is_listed {
                "\n"
            } else {
                " "
            });
        }
        text.push_str(line);
        paragraph_ends = false;
    }
    text
}

/// The first paragraph without its full stop, as a title.
pub(crate) fn title(attributes: &[Attribute]) -> Option<String> {
    let text = text(attributes);
    let first = text.split("\n\n").next().unwrap_or_default();
    let title = if first.ends_with("..") { first } else { first.strip_suffix('.').unwrap_or(first) };
    (!title.is_empty()).then(|| title.to_owned())
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn lines_are_joined_to_paragraphs() {
        let attributes = vec![
            parse_quote!(#[doc = " Imports the rows"]),
            parse_quote!(#[doc = " of a file:"]),
            parse_quote!(#[doc = " - all of them"]),
            parse_quote!(#[doc = ""]),
            parse_quote!(#[expect(unused)]),
            parse_quote!(#[doc = " Bad rows are left out."]),
            parse_quote!(#[doc = ""]),
            parse_quote!(#[doc = " # Errors"]),
            parse_quote!(#[doc = " None."]),
        ];
        assert_eq!(text(&attributes), "Imports the rows of a file:\n- all of them\n\nBad rows are left out.");
    }

    #[test]
    fn a_block_comment_reads_as_lines_do() {
        let attributes = vec![parse_quote!(#[doc = "\n * Imports rows\n * of a file.\n "])];
        assert_eq!(text(&attributes), "Imports rows of a file.");
    }

    #[test]
    fn a_title_is_the_first_paragraph() {
        let of = |doc: &str| title(&[parse_quote!(#[doc = #doc])]);
        assert_eq!(of("Replace the table.").as_deref(), Some("Replace the table"));
        assert_eq!(of("And so on...").as_deref(), Some("And so on..."));
        assert_eq!(of("SQL\n\nA script of statements.").as_deref(), Some("SQL"));
        assert_eq!(of(""), None);
    }
}
