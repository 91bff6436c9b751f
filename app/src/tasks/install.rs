//! Gives a deck what the built-in tasks need.

use std::path::Path;

use taskdeck::DeckBuilder;

use super::{DataDatabase, DataDatabaseError};

/// Gives the deck the data database in the file `data`, which is made if it is not there. The tasks themselves are
/// linked into the program: `DeckBuilder::register_linked` finds them.
///
/// # Errors
/// When the data database cannot be used.
pub fn install(builder: DeckBuilder, data: &Path) -> Result<DeckBuilder, DataDatabaseError> {
    Ok(builder.resource(DataDatabase::open(data)?))
}
