//! What the macros' code refers to. No part of the public interface.

pub use serde;
pub use serde_json::Value;
pub use taskdeck_core::{
    Category, Choice, Choices, Definition, Param, ParamKind, ParamType, QueueName, Rate, Task, TaskError,
};
#[cfg(feature = "engine")]
pub use taskdeck_engine::{Deck, Linked, TaskBody, TaskContext, inventory};

/// A queue whose name the macro has checked.
#[must_use]
pub fn queue(name: &'static str) -> QueueName {
    #[expect(clippy::expect_used, reason = "`#[task]` refuses a bad name at compile time")]
    QueueName::new(name).expect("a queue is named with a-z, 0-9 and _")
}

/// The parameter of a type that is read from any JSON value.
#[must_use]
pub fn json_param(name: &str, required: bool) -> Param {
    Param { required, ..Param::new(name, ParamKind::Json) }
}

/// The parameter of a type that has choices and may be nothing else.
#[must_use]
pub fn choice_param<T: Choices>(name: &str, required: bool) -> Param {
    Param { required, ..Param::new(name, ParamKind::Choice { options: T::choices() }) }
}

/// The parameter of a list of a type that has choices and may be nothing else.
#[must_use]
pub fn choices_param<T: Choices>(name: &str, required: bool) -> Param {
    let kind = ParamKind::list(ParamKind::Choice { options: T::choices() });
    Param { required, ..Param::new(name, kind) }
}

/// The options of an enum: what serde writes for each variant, and its title.
///
/// # Panics
/// When serde writes a variant as something else than text.
#[must_use]
pub fn choices<T: serde::Serialize, const N: usize>(variants: [(T, &str); N]) -> Vec<Choice> {
    let option = |(variant, title): (T, &str)| match serde_json::to_value(variant) {
        Ok(Value::String(value)) => Some(Choice { value, title: title.to_owned() }),
        Ok(other) => panic!(
            "{} cannot be choices: serde writes \"{title}\" as {other}, and an option must be text",
            std::any::type_name::<T>()
        ),
        // A variant with #[serde(skip)].
        Err(_) => None,
    };
    variants.into_iter().filter_map(option).collect()
}
