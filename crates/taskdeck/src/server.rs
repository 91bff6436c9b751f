//! What is compiled only where there is an engine. The macros are defined twice, because a `cfg(feature = "engine")`
//! in what they expand to would ask for a feature of the user's crate.

/// Items that only task bodies need: imports, helpers, constants. Without the feature `engine` (in the browser) they
/// are left out.
///
/// ```
/// use taskdeck::prelude::*;
///
/// taskdeck::server! {
///     use std::fs;
///
///     fn size_of(path: &str) -> std::io::Result<u64> {
///         Ok(fs::metadata(path)?.len())
///     }
/// }
///
/// /// Measures a file of the server.
/// #[task]
/// pub async fn measure(path: String) -> Result<u64, TaskError> {
///     Ok(size_of(&path)?)
/// }
/// ```
///
/// Dependencies that are themselves left out in the browser need a feature of your own crate; put what uses them into a
/// `server` module under it: `#[cfg(feature = "ssr")] mod server { .. }`. rustfmt does format that.
#[cfg(feature = "engine")]
#[macro_export]
macro_rules! server {
    ($($item:tt)*) => { $($item)* };
}

/// Items that only task bodies need: imports, helpers, constants. Without the feature `engine`, as here, they are left
/// out.
#[cfg(not(feature = "engine"))]
#[macro_export]
macro_rules! server {
    ($($item:tt)*) => {};
}

#[cfg(feature = "engine")]
#[doc(hidden)]
#[macro_export]
macro_rules! __server {
    ($($item:tt)*) => { $($item)* };
}

#[cfg(not(feature = "engine"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __server {
    ($($item:tt)*) => {};
}
