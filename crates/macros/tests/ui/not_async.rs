use taskdeck::prelude::*;

#[task]
pub fn import(name: String) -> Result<(), TaskError> {
    Ok(())
}

#[task]
pub async unsafe fn clean() -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
