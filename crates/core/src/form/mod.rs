//! Forms: from text fields to params, and the checks of params. The browser, the server functions and the REST API
//! use the same code, so that what the form says as you type is what the server says.

mod check;
mod decode;
mod encode;
mod file;

pub use check::{check_value, mark_secrets, validate, validate_fields, when_declined};
pub use decode::{check_field, decode, time_of};
pub use encode::{
    choice_name, clock_text, encode, field_text, field_value, keep_typed_secrets, kept_name, number, prefill,
    typed, visible, with_secrets_kept,
};
pub use file::{ONE_FILE, bytes, check_file};

pub(crate) use check::whole_pattern;

#[cfg(test)]
mod tests;
