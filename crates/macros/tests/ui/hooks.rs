use taskdeck::prelude::*;

#[task(check, upgrade = |_, params| Ok(params), version = 2)]
async fn no_paths() -> Result<(), TaskError> {
    Ok(())
}

#[task(check = ready(), upgrade = upgraded)]
async fn no_older_version() -> Result<(), TaskError> {
    Ok(())
}

#[task(version = 1, upgrade = upgraded)]
async fn the_first_version() -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
