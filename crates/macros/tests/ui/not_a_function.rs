use taskdeck::prelude::*;

#[task]
pub struct Import {
    name: String,
}

fn main() {}
