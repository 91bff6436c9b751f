use taskdeck::prelude::*;

#[task(titel = "Import", title = "Import", title = "Import again")]
async fn unknown_and_twice() -> Result<(), TaskError> {
    Ok(())
}

#[task("Import")]
async fn no_key() -> Result<(), TaskError> {
    Ok(())
}

#[task(title = "Import" timeout = "10m")]
async fn no_comma() -> Result<(), TaskError> {
    Ok(())
}

#[task(title = 5, description = "", category = "stuff", tags(1, 2), requires(), expensive = true, version = 0)]
async fn bad_values() -> Result<(), TaskError> {
    Ok(())
}

#[task(queue = "My Queue", crate = 5, icon)]
async fn more_bad_values() -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
