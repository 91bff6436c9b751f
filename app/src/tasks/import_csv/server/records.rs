//! Reads the records of a CSV file one by one, and knows by byte and line where each begins and ends.
//!
//! This is csv-core (the parser inside the csv crate) over a buffer of our own: only so can it be told where to go
//! on after a crash, that a quote never closes, and that a record is too long to be one.

use std::io::{self, Read, Seek, SeekFrom};

use csv_core::ReadRecordResult;

/// How much is read from the file at a time.
const BUFFER_BYTES: usize = 128 * 1024;

/// The longest record that is taken: more is a quote that was never closed, and would fill the memory.
const MAX_RECORD_BYTES: u64 = 16_000_000;

/// A place between two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The byte where the next record begins, or the line break before it.
    pub(crate) offset: u64,
    /// The line of that byte, from 1.
    pub(crate) line: u64,
}

/// What the next read found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// A record.
    Record,
    /// The end of the file.
    End,
    /// The end of the file inside a quoted field of the record that begins in this line.
    Unclosed { line: u64 },
    /// A record that begins in this line and is longer than any record should be.
    TooLong { line: u64 },
}

/// The records of a CSV file from some place on.
pub(crate) struct Records<R> {
    input: R,
    buffer: Box<[u8]>,
    start: usize,
    end: usize,
    at_end: bool,
    parser: csv_core::Reader,
    place: Place,
    /// The last byte was a carriage return, which a line feed may belong to.
    after_return: bool,
    max_record_bytes: u64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
    fields: usize,
    first_line: u64,
    last_line: u64,
    at_file_end: bool,
}

impl<R: Read + Seek> Records<R> {
    /// The records from a place on, which must be the start of a record or come from [`Records::place`].
    pub(crate) fn new(mut input: R, delimiter: u8, place: Place) -> io::Result<Self> {
        let mut after_return = false;
        if place.offset > 0 {
            let mut before = [0];
            input.seek(SeekFrom::Start(place.offset - 1))?;
            input.read_exact(&mut before)?;
            after_return = before == *b"\r";
        } else {
            input.rewind()?;
        }
        let mut records = Self {
            input,
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            start: 0,
            end: 0,
            at_end: false,
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter).build(),
            place,
            after_return,
            max_record_bytes: MAX_RECORD_BYTES,
            bytes: vec![0; 1024],
            ends: vec![0; 64],
            fields: 0,
            first_line: place.line,
            last_line: place.line,
            at_file_end: false,
        };
        // The parser drops a byte order mark from the first bytes it sees; those may be in the middle of the file.
        records.parser.read_record(b"\n", &mut records.bytes, &mut records.ends);
        Ok(records)
    }

    /// The same records, with another limit to the length of one.
    #[cfg(test)]
    fn with_max_record_bytes(mut self, most: u64) -> Self {
        self.max_record_bytes = most;
        self
    }

    /// Reads the next record. Blank lines are passed over.
    pub(crate) fn read(&mut self) -> io::Result<Found> {
        self.fields = 0;
        if !self.skip_line_breaks()? {
            return Ok(Found::End);
        }
        self.first_line = self.place.line;
        self.last_line = self.place.line;
        let begin = self.place.offset;
        let mut used = 0;
        loop {
            if self.start == self.end && !self.fill()? {
                return Ok(self.finish_at_file_end(used));
            }
            if self.place.offset - begin > self.max_record_bytes {
                return Ok(Found::TooLong { line: self.first_line });
            }
            let input = &self.buffer[self.start..self.end];
            let (result, consumed, written, ended) =
                self.parser.read_record(input, &mut self.bytes[used..], &mut self.ends[self.fields..]);
            self.consume(consumed);
            used += written;
            self.fields += ended;
            match result {
                ReadRecordResult::Record | ReadRecordResult::End => {
                    self.last_line = self.line_of_last_byte();
                    return Ok(Found::Record);
                }
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull => self.grow(),
            }
        }
    }

    /// The last record has no line break behind it. One is made up for it: if the parser takes that for a part of a
    /// field, a quote is open.
    fn finish_at_file_end(&mut self, mut used: usize) -> Found {
        self.at_file_end = true;
        loop {
            let (result, consumed, written, ended) =
                self.parser.read_record(b"\n", &mut self.bytes[used..], &mut self.ends[self.fields..]);
            used += written;
            self.fields += ended;
            match result {
                ReadRecordResult::OutputFull | ReadRecordResult::OutputEndsFull if consumed == 0 => {
                    self.grow();
                }
                ReadRecordResult::Record | ReadRecordResult::End => {
                    self.last_line = self.place.line;
                    return Found::Record;
                }
                _ => return Found::Unclosed { line: self.first_line },
            }
        }
    }

    /// Goes on to the first byte of a record; false at the end of the file.
    fn skip_line_breaks(&mut self) -> io::Result<bool> {
        loop {
            if self.start == self.end && !self.fill()? {
                return Ok(false);
            }
            if !matches!(self.buffer[self.start], b'\r' | b'\n') {
                return Ok(true);
            }
            self.consume(1);
        }
    }

    fn fill(&mut self) -> io::Result<bool> {
        while !self.at_end {
            match self.input.read(&mut self.buffer) {
                Ok(0) => self.at_end = true,
                Ok(count) => {
                    (self.start, self.end) = (0, count);
                    return Ok(true);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(false)
    }

    /// Goes on by so many bytes, counting lines that end with `\n`, `\r` or both.
    fn consume(&mut self, count: usize) {
        for &byte in &self.buffer[self.start..self.start + count] {
            if byte == b'\r' || (byte == b'\n' && !self.after_return) {
                self.place.line += 1;
            }
            self.after_return = byte == b'\r';
        }
        self.start += count;
        self.place.offset += count as u64;
    }

    /// The record ended with a line break, which belongs to the line before.
    fn line_of_last_byte(&self) -> u64 {
        self.place.line.saturating_sub(1).max(self.first_line)
    }

    fn grow(&mut self) {
        self.bytes.resize(self.bytes.len() * 2, 0);
        self.ends.resize(self.ends.len() * 2, 0);
    }

    /// How many fields the record has.
    pub(crate) fn len(&self) -> usize {
        self.fields
    }

    /// The fields of the record.
    pub(crate) fn fields(&self) -> impl Iterator<Item = &[u8]> {
        let mut from = 0;
        self.ends[..self.fields].iter().map(move |&end| {
            let field = &self.bytes[from..end];
            from = end;
            field
        })
    }

    /// The first and the last line of the record.
    pub(crate) fn lines(&self) -> (u64, u64) {
        (self.first_line, self.last_line)
    }

    /// Where to go on after the record.
    pub(crate) fn place(&self) -> Place {
        self.place
    }

    /// Whether the record is the last of the file and has no line break behind it.
    pub(crate) fn ends_without_line_break(&self) -> bool {
        self.at_file_end
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    const START: Place = Place { offset: 0, line: 1 };

    fn text(records: &Records<Cursor<&[u8]>>) -> Vec<String> {
        records.fields().map(|field| String::from_utf8_lossy(field).into_owned()).collect()
    }

    /// A record: its fields, its first and last line, and where to go on after it.
    type Seen = (Vec<String>, u64, u64, Place);

    fn all(input: &[u8], place: Place) -> (Vec<Seen>, Found) {
        let mut records = Records::new(Cursor::new(input), b',', place).unwrap();
        let mut found = Vec::new();
        loop {
            match records.read().unwrap() {
                Found::Record => {
                    let (first, last) = records.lines();
                    found.push((text(&records), first, last, records.place()));
                }
                end => return (found, end),
            }
        }
    }

    #[test]
    fn records_know_their_lines_whatever_the_line_breaks() {
        for breaks in ["\n", "\r\n", "\r"] {
            let input = ["a,b", "", "1,\"x", "y\"", "2,z"].join(breaks);
            let (records, end) = all(input.as_bytes(), START);
            let lines: Vec<_> = records.iter().map(|(_, first, last, _)| (*first, *last)).collect();
            assert_eq!(lines, [(1, 1), (3, 4), (5, 5)], "with {breaks:?}");
            assert_eq!(records[1].0, ["1".to_owned(), format!("x{breaks}y")]);
            assert_eq!(end, Found::End);
        }
    }

    #[test]
    fn reading_on_from_any_place_finds_the_same_rest() {
        let samples: [&[u8]; 4] = [
            b"a,b\r\n1,\"x\r\n\"\"y\"\r\n\r\n2,z\r\n",
            b"a\n\xEF\xBB\xBFb,c\n,\n\n\"\"\n",
            b"a,b\r\r1,2\r3,4",
            b"\n\n\"a\"b,\"c\"\"\",d\ne",
        ];
        for input in samples {
            let (whole, end) = all(input, START);
            for (index, (.., place)) in whole.iter().enumerate() {
                let (rest, rest_end) = all(input, *place);
                assert_eq!(rest, whole[index + 1..], "after record {index} of {input:?}");
                assert_eq!(rest_end, end);
            }
        }
    }

    #[test]
    fn a_quote_that_never_closes_is_told_with_the_line_it_begins_in() {
        for input in ["a,b\n1,2\n3,\"x", "a,b\n1,2\n3,\"x\n4,5\n", "a,b\n1,2\n3,\"x\"\"\n"] {
            let (records, end) = all(input.as_bytes(), START);
            assert_eq!((records.len(), end), (2, Found::Unclosed { line: 3 }), "{input:?}");
        }
        for input in ["a,b\n3,\"x\"", "a,b\n3,\"x\n\"", "a,b\n3,x\"", "a,b\n3,"] {
            let (records, end) = all(input.as_bytes(), START);
            assert_eq!((records.len(), records[1].0.len(), end), (2, 2, Found::End), "{input:?}");
        }
    }

    #[test]
    fn a_record_that_does_not_end_does_not_fill_the_memory() {
        let mut input = b"a,b\n1,\"".to_vec();
        input.resize(1_000_000, b'x');
        let records = Records::new(Cursor::new(&input), b',', START).unwrap();
        let mut records = records.with_max_record_bytes(300_000);
        assert_eq!(records.read().unwrap(), Found::Record);
        assert_eq!(records.read().unwrap(), Found::TooLong { line: 2 });
        assert!(records.bytes.len() < 1_000_000);
    }

    #[test]
    fn long_fields_and_many_fields_are_read_whole() {
        let long = "x".repeat(300_000);
        let many = vec!["1"; 1_000].join(",");
        let input = format!("{long}\n{many}\n");
        let (records, _) = all(input.as_bytes(), START);
        assert_eq!(records[0].0, [long]);
        assert_eq!(records[1].0.len(), 1_000);
    }
}
