//! What stands for the engine where there is none.

/// What a task's body is given. Without the feature `engine` there are no bodies, and this type has no values: it is
/// here so that the signature of a task, and the imports it needs, mean the same on both sides.
#[derive(Clone, Debug)]
pub enum TaskContext {}
