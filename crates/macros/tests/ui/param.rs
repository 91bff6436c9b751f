use taskdeck::prelude::*;

#[task]
async fn unknown(
    #[param(minimum = 5)] rows: u8,
    #[param(min = 1)]
    #[param(min = 2)]
    columns: u8,
) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn bounds(
    #[param(min = "1")] text: u8,
    #[param(min = 0.5)] part: u8,
    #[param(max = 300)] beyond: Option<u8>,
    #[param(min = -1)] negative: u64,
    #[param(max = 9223372036854775807)] inexact: i64,
    #[param(min = 9, max = 1)] empty: i32,
    #[param(min_len = 9, max_len = 1)] none: String,
    #[param(max_len = 0)] nothing: String,
) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn files(
    #[param(accept = "csv")] ending: Upload,
    #[param(accept = ".csv,.tsv")] list: Upload,
    #[param(max_bytes = "50 megabytes")] words: Upload,
    #[param(max_bytes = 0.5)] half: Upload,
) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn others(
    #[param(pattern = "[a-z")] pattern: String,
    #[param(default = 5)] maybe: Option<u8>,
    #[param(default(5))] list: u8,
    #[param(json, choices)] both: u8,
    #[param(multiline = true)] flag: String,
) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn more(
    #[param(default = "x")] secret: taskdeck::Secret,
    #[param(pattern_help = "Enter a word.")] word: String,
    #[param(min_items = 9, max_items = 1)] items: Vec<String>,
    #[param(max = 300)] bytes: Vec<u8>,
) -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
