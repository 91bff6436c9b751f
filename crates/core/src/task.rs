//! The trait that `#[task]` implements on both sides.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Definition, Kind};

/// A kind as a type: the value holds the params. `#[task]` writes the implementation.
///
/// The body, which needs the engine, is the engine's trait `TaskBody`.
pub trait Task: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The stable name.
    const KIND: &'static str;

    /// What the body returns when all goes well.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// What is known of the kind.
    fn definition() -> Definition;

    /// The stable name, checked.
    ///
    /// # Panics
    /// When [`Task::KIND`] is no valid name, which `#[task]` refuses at compile time.
    #[must_use]
    fn kind() -> Kind {
        #[expect(
            clippy::expect_used,
            reason = "checked by the macro, and by the registry for tasks made by hand"
        )]
        Kind::new(Self::KIND).expect("a kind is named with a-z, 0-9 and _")
    }
}
