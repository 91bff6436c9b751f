use taskdeck::prelude::*;

#[task(timeout = "10 minutes", grace = 5)]
async fn bad() -> Result<(), TaskError> {
    Ok(())
}

#[task(timeout = "0s", grace = "100000d")]
async fn out_of_range() -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
