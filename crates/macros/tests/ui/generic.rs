use taskdeck::prelude::*;

#[task]
async fn store<T: serde::Serialize>(value: T) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn keep(value: impl serde::Serialize) -> Result<(), TaskError> {
    Ok(())
}

#[task]
async fn hold() -> Result<(), TaskError>
where
    u8: Copy,
{
    Ok(())
}

fn main() {}
