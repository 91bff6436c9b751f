use taskdeck::prelude::*;

#[task(timeout = "10 minutes", grace = 5)]
async fn bad() -> Result<(), TaskError> {
    Ok(())
}

#[task(timeout = "0s", grace = "100000d")]
async fn out_of_range() -> Result<(), TaskError> {
    Ok(())
}

#[task(expires = "0s", retention = "a week", rate = "10 a minute")]
async fn new_ones() -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
