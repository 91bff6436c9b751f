//! Bundles the style sheets: `style/main.css` with all that it imports, as one minified text.

use std::fmt::Display;
use std::io;
use std::path::Path;

use anyhow::{Result, anyhow};
use lightningcss::bundler::{Bundler, FileProvider, ResolveResult, SourceProvider};
use lightningcss::error::Error;
use lightningcss::stylesheet::{MinifyOptions, ParserOptions, PrinterOptions};

/// Reads `entry`, puts each `@import` in its place (with its layer and its media query) and minifies.
///
/// No browser targets are named: what the sheets say is what is sent, only shorter. Addresses in
/// `url(..)` are kept as they are written, so they must begin with `/`.
///
/// # Errors
/// With the file, line and column of what does not parse or cannot be read.
pub(crate) fn bundle(entry: &Path) -> Result<String> {
    let files = Named(FileProvider::new());
    let mut bundler = Bundler::new(&files, None, ParserOptions::default());
    let mut sheet = bundler.bundle(entry).map_err(|error| describe(entry, &error))?;
    sheet.minify(MinifyOptions::default()).map_err(|error| describe(entry, &error))?;
    let printed = sheet
        .to_css(PrinterOptions { minify: true, ..PrinterOptions::default() })
        .map_err(|error| describe(entry, &error))?;
    Ok(printed.code)
}

/// The file system, with the name of the file in its errors.
struct Named(FileProvider);

impl SourceProvider for Named {
    type Error = io::Error;

    fn read<'a>(&'a self, file: &Path) -> io::Result<&'a str> {
        let named = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display()));
        self.0.read(file).map_err(named)
    }

    fn resolve(&self, specifier: &str, from: &Path) -> io::Result<ResolveResult> {
        self.0.resolve(specifier, from)
    }
}

/// `file:line:column: what`, as editors expect it.
fn describe<T: Display>(entry: &Path, error: &Error<T>) -> anyhow::Error {
    match &error.loc {
        // The library counts lines from 0.
        Some(at) => anyhow!("{}:{}:{}: {}", at.filename, at.line + 1, at.column, error.kind),
        None => anyhow!("{}: {}", entry.display(), error.kind),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn style(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            fs::write(folder.path().join(name), text).expect("a sheet");
        }
        folder
    }

    #[test]
    fn imports_are_put_in_their_layers_and_minified() {
        let folder = style(&[
            (
                "main.css",
                "@layer reset, page;\n@import \"reset.css\" layer(reset);\n@import \"./page.css\" layer(page);\n",
            ),
            ("reset.css", "/* gone */ * { margin: 0px; }\n"),
            ("page.css", ":root { --gap: .5rem }\n.a { color: #ffffff; & .b { gap: var(--gap) } }\n"),
        ]);
        let css = bundle(&folder.path().join("main.css")).expect("it bundles");
        assert_eq!(
            css,
            "@layer reset{*{margin:0}}@layer page{:root{--gap:.5rem}.a{color:#fff;& .b{gap:var(--gap)}}}"
        );
    }

    #[test]
    fn a_mistake_is_named_with_its_place() {
        let folder = style(&[("main.css", "@import \"bad.css\";"), ("bad.css", "a {\n  color red;\n}\n")]);
        let error = bundle(&folder.path().join("main.css")).expect_err("it does not parse").to_string();
        assert!(error.contains("bad.css:2:"), "{error}");
    }

    #[test]
    fn a_missing_import_is_named_with_the_place_that_asks_for_it() {
        let folder = style(&[("main.css", "/* . */\n@import \"nowhere.css\";")]);
        let error = bundle(&folder.path().join("main.css")).expect_err("it is not there").to_string();
        assert!(error.contains("main.css:2:") && error.contains("nowhere.css: No such file"), "{error}");
    }
}
