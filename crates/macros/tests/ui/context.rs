use taskdeck::prelude::*;

#[task]
async fn late(name: String, ctx: TaskContext) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn two(ctx: TaskContext, again: TaskContext) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn borrowed(ctx: &TaskContext) -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
