use taskdeck::prelude::*;

#[task]
async fn pattern((left, right): (u8, u8)) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn nameless(_: u8, _unused: u8) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn borrowed(name: &str, rows: &[u8], value: &'static u8) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn twice(name: String, name: String) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn decorated(#[serde(skip)] name: String, #[param] rows: u8) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn machine(rows: usize, more: Option<i128>) -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
