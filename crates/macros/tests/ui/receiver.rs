use taskdeck::prelude::*;

struct Importer;

impl Importer {
    #[task]
    async fn import(&self, name: String) -> Result<(), TaskError> {
        Ok(())
    }
}

fn main() {}
