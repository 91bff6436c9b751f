use taskdeck::prelude::*;

#[task]
async fn wait(duration: std::time::Duration) -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
