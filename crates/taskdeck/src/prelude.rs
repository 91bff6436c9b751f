//! What a file with tasks needs: `use taskdeck::prelude::*;`

#[doc(no_inline)]
pub use crate::{Choices, Task, TaskContext, TaskError, TaskId, Upload, task};
#[cfg(feature = "engine")]
#[doc(no_inline)]
pub use crate::{Deck, TaskBody};
