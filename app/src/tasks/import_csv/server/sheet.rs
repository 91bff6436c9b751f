//! What is known of a CSV file before its rows are imported: that it is text, its columns, their types. All that
//! can be told to be wrong is told here, before any table is touched.

use std::fs::File;
use std::io::{Read, Seek};

use taskdeck::ui::format::thousands;

use super::Delimiter;
use super::affinity::{Affinity, is_missing};
use super::error::{ImportError, refused};
use super::names::{columns_of_header, numbered_columns};
use super::records::{Found, Place, Records};
use crate::tasks::text::count_of;

/// How much of the file is looked at to tell what it is.
const HEAD_BYTES: u64 = 64 * 1024;

/// How many rows, and how many bytes of them, are looked at for the types of the columns.
const SAMPLE_ROWS: u64 = 10_000;
const SAMPLE_BYTES: u64 = 4_000_000;

/// How many records must look like a table with another delimiter for that delimiter to be proposed.
const SUGGESTION_RECORDS: usize = 20;

/// SQLite's own limit.
const MAX_COLUMNS: usize = 2_000;

/// What is known of a CSV file before its rows are imported.
#[derive(Debug)]
pub(crate) struct Sheet {
    /// The columns' names, each there once.
    pub(crate) names: Vec<String>,
    /// Their types, in the same order.
    pub(crate) affinities: Vec<Affinity>,
    /// What of the header had to be changed, in words.
    pub(crate) changes: Vec<String>,
    /// Where the rows begin.
    pub(crate) rows_at: Place,
}

impl Sheet {
    /// Looks at the beginning of a file.
    pub(crate) fn of(file: &mut File, delimiter: Delimiter, header: bool) -> Result<Self, ImportError> {
        let mut head = Vec::new();
        file.rewind()?;
        file.take(HEAD_BYTES).read_to_end(&mut head)?;
        refuse_what_is_no_text(&head)?;
        let mark = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let head = &head[mark..];
        let start = Place { offset: mark as u64, line: 1 };

        let mut records = Records::new(&mut *file, delimiter.byte(), start)?;
        match records.read()? {
            Found::Record => {}
            Found::End => {
                return Err(refused("empty_file", "The file has no rows: there are only blank lines in it."));
            }
            other => return Err(cut_off(other, "Nothing was imported.")),
        }
        let width = records.len();
        if width == 1
            && let Some(better) = better_delimiter(head, delimiter)
        {
            return Err(wrong_delimiter(delimiter, better));
        }
        if width > MAX_COLUMNS {
            let found = thousands(width as u64);
            return Err(refused(
                "too_many_columns",
                format!("The file has {found} columns; a table can have {}.", thousands(MAX_COLUMNS as u64)),
            ));
        }
        let (names, changes, rows_at) = if header {
            let (names, changes) = columns_of_header(header_texts(&records)?);
            (names, changes, records.place())
        } else {
            (numbered_columns(width), Vec::new(), start)
        };
        let affinities = sample(file, delimiter, &names, rows_at)?;
        Ok(Self { names, affinities, changes, rows_at })
    }
}

fn header_texts<R: Read + Seek>(records: &Records<R>) -> Result<Vec<&str>, ImportError> {
    let mut texts = Vec::with_capacity(records.len());
    for (index, field) in records.fields().enumerate() {
        texts.push(std::str::from_utf8(field).map_err(|_| {
            let shown = String::from_utf8_lossy(field);
            let message = format!(
                "The header is not valid UTF-8: the name of column {} reads {shown:?}. Save the file as UTF-8 and import it again.",
                index + 1
            );
            refused("not_utf8", message)
        })?);
    }
    Ok(texts)
}

/// The types that the first rows suggest. When no row of them fits the columns, none of the file is imported.
fn sample(
    file: &mut File,
    delimiter: Delimiter,
    names: &[String],
    rows_at: Place,
) -> Result<Vec<Affinity>, ImportError> {
    let mut affinities = vec![Affinity::Numeric; names.len()];
    let mut records = Records::new(file, delimiter.byte(), rows_at)?;
    let mut rows = 0;
    let mut first_fault = None;
    while rows < SAMPLE_ROWS && records.place().offset - rows_at.offset < SAMPLE_BYTES {
        match records.read()? {
            Found::Record => {}
            // Found again, and told with the rows before it, when the rows are imported.
            Found::End | Found::Unclosed { .. } | Found::TooLong { .. } => break,
        }
        if let Some(fault) = fault(&records, names) {
            first_fault.get_or_insert_with(|| format!("{}: {fault}", capitalised(&part(records.lines()))));
            continue;
        }
        rows += 1;
        for (field, affinity) in records.fields().zip(&mut affinities) {
            if let Ok(value) = std::str::from_utf8(field)
                && !is_missing(value)
            {
                *affinity = affinity.with(value.trim_ascii());
            }
        }
    }
    match first_fault {
        Some(fault) if rows == 0 => Err(no_row_fits(&fault)),
        _ => Ok(affinities),
    }
}

/// What keeps a record from being a row of these columns, if anything.
pub(crate) fn fault<R: Read + Seek>(records: &Records<R>, names: &[String]) -> Option<String> {
    if records.len() != names.len() {
        let found = count_of(records.len() as u64, "field");
        let cut_off = if records.ends_without_line_break() && records.len() < names.len() {
            "; the file ends in this line, so it may be cut off"
        } else {
            ""
        };
        return Some(format!("{found} instead of {}{cut_off}", names.len()));
    }
    let bad = records.fields().position(|field| std::str::from_utf8(field).is_err())?;
    Some(format!("the text in column {} is not valid UTF-8", names[bad]))
}

/// How a record is called in messages: by its line or lines.
pub(crate) fn part((first, last): (u64, u64)) -> String {
    if first == last { format!("line {first}") } else { format!("lines {first} to {last}") }
}

pub(crate) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

pub(crate) fn no_row_fits(first_fault: &str) -> ImportError {
    let advice =
        "Check the delimiter, whether the first line is a header, and that the file is saved as UTF-8.";
    refused("no_row_fits", format!("Not one row fits. {first_fault}. {advice}"))
}

/// The file ends inside a quote, or a record does not end where it should.
pub(crate) fn cut_off(found: Found, so_far: &str) -> ImportError {
    let (line, what) = match found {
        Found::TooLong { line } => (line, "goes on for more than 16 MB"),
        Found::Unclosed { line } => (line, "never ends"),
        // Both are no faults; there is nothing better to say of them than that.
        Found::Record | Found::End => return refused("cut_off", so_far),
    };
    refused(
        "cut_off",
        format!(
            "The file is cut off, or a quote in it is missing: the quoted text in the row that begins in line {line} {what}. {so_far}"
        ),
    )
}

fn wrong_delimiter(chosen: Delimiter, (better, columns): (Delimiter, usize)) -> ImportError {
    refused(
        "wrong_delimiter",
        format!(
            "The delimiter seems to be wrong: with {} the file has 1 column, with {} it has {columns}. Choose {} and import it again.",
            chosen.name(),
            better.name(),
            better.name()
        ),
    )
}

/// Another delimiter with which the file looks like a table of several columns, and how many.
fn better_delimiter(head: &[u8], chosen: Delimiter) -> Option<(Delimiter, usize)> {
    let others = Delimiter::ALL.into_iter().filter(|other| *other != chosen);
    others.filter_map(|other| Some((other, steady_width(head, other)?))).max_by_key(|(_, width)| *width)
}

/// How many columns the first records all have, if that is more than one.
fn steady_width(head: &[u8], delimiter: Delimiter) -> Option<usize> {
    let start = Place { offset: 0, line: 1 };
    let mut records = Records::new(std::io::Cursor::new(head), delimiter.byte(), start).ok()?;
    let mut width = None;
    for _ in 0..SUGGESTION_RECORDS {
        // What the head cuts in two says nothing, unless it is all there is.
        match records.read().ok()? {
            Found::Record if records.ends_without_line_break() && width.is_some() => break,
            Found::Record => {}
            _ => break,
        }
        if *width.get_or_insert(records.len()) != records.len() {
            return None;
        }
    }
    width.filter(|width| *width > 1)
}

fn refuse_what_is_no_text(head: &[u8]) -> Result<(), ImportError> {
    if head.is_empty() {
        return Err(refused("empty_file", "The file is empty: it has no header and no rows."));
    }
    let utf16 =
        "The file is saved as UTF-16. Save it as UTF-8 (in Excel: \"CSV UTF-8\") and import it again.";
    let kinds: [(&[u8], &str); 5] = [
        (b"\xFF\xFE", utf16),
        (b"\xFE\xFF", utf16),
        (b"\x1F\x8B", "The file is packed with gzip. Unpack it and import the CSV file that is in it."),
        (
            b"PK\x03\x04",
            "The file is an Excel workbook or a ZIP archive. Save the sheet as CSV and import that.",
        ),
        (b"%PDF-", "The file is a PDF, not CSV. Export the table in it as CSV and import that."),
    ];
    if let Some((_, message)) = kinds.iter().find(|(start, _)| head.starts_with(start)) {
        return Err(refused("not_text", *message));
    }
    let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|byte| **byte == 0).count();
    let (even, odd) = (zeros(0), zeros(1));
    if even + odd == 0 {
        return Ok(());
    }
    // Text of most languages in UTF-16 has a zero in every other byte, and none in the rest.
    let message = if even.min(odd) == 0 && even.max(odd) * 4 > head.len() {
        utf16
    } else {
        "The file is not text: there are zero bytes in it. Only CSV files in UTF-8 can be imported."
    };
    Err(refused("not_text", message))
}
