use taskdeck::prelude::*;

#[task(retry = 5)]
async fn no_list() -> Result<(), TaskError> {
    Ok(())
}

#[task(retry(tries = 5, max_tries = 0, base = "fast"))]
async fn bad() -> Result<(), TaskError> {
    Ok(())
}

#[task(retry(base = "10m"))]
async fn too_long() -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
