use taskdeck::prelude::*;

#[task]
async fn importCsv() -> Result<(), TaskError> {
    Ok(())
}

#[task(kind = "Import CSV")]
async fn import_csv() -> Result<(), TaskError> {
    Ok(())
}

#[task(kind = "underscores")]
async fn __() -> Result<(), TaskError> {
    Ok(())
}

fn main() {}
