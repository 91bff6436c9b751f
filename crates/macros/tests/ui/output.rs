use taskdeck::prelude::*;

#[task]
async fn nothing() {}

#[task]
async fn number() -> u64 {
    1
}

#[task]
async fn other_error() -> Result<u64, std::io::Error> {
    Ok(1)
}

fn main() {}
