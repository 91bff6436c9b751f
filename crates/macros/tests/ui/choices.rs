use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

#[derive(Serialize, Deserialize, Choices)]
enum Format {
    Sql,
    Tar { level: u8 },
    Zip(u8),
}

#[derive(Serialize, Deserialize, Choices)]
struct Options {
    level: u8,
}

#[derive(Choices)]
enum Empty {}

#[derive(Serialize, Deserialize, Choices)]
enum Generic<T> {
    Nothing,
    Something(T),
}

#[derive(Serialize, Deserialize, Choices)]
#[choices(path = taskdeck)]
enum Elsewhere {
    Here,
}

fn main() {}
