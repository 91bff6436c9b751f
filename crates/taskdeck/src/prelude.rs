//! What a file with tasks needs: `use taskdeck::prelude::*;`

#[doc(no_inline)]
pub use crate::{Choices, Secret, Task, TaskContext, TaskError, TaskId, Timestamp, Upload, task};
#[cfg(feature = "engine")]
#[doc(no_inline)]
pub use crate::{Deck, TaskBody};
