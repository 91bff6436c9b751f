use taskdeck::prelude::*;

#[task(concurrency = 0, partition_concurrency = "1", rate = 10, expires)]
async fn bad_values() -> Result<(), TaskError> {
    Ok(())
}

#[task(rate = "0/1s", concurrency = 2, concurrency = 3)]
async fn no_rate() -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
