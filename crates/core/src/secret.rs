//! What nobody is to read again: passwords, keys and tokens among params.
//!
//! A secret is stored as it is given, since the body needs it, also after a restart and for another try. So that no
//! reader need know which params are secret (the kind may be gone from the program), it is stored under a mark of its
//! own, and whatever leaves the deck goes through [`redact`].

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::{ParamKind, ParamType};

/// What is shown in place of a secret.
pub const SECRET_MASK: &str = "••••••••";
/// The only field of a stored secret.
const MARK: &str = "$secret";

/// A text that is kept from all eyes but the body's: as a param its field is a password's, and no page, list, answer of
/// the API or `Debug` output shows it. It is stored in plain text with the task's params, and goes when the task is
/// removed.
///
/// ```
/// use taskdeck_core::Secret;
/// let key = Secret::new("sk-123");
/// assert_eq!(key.expose(), "sk-123");
/// assert_eq!(format!("{key:?}"), "Secret(••••••••)");
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({SECRET_MASK})")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        marked(&self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        // What was given is not told.
        secret_text(&value).map(Self::new).ok_or_else(|| D::Error::custom("a secret must be text"))
    }
}

impl ParamType for Secret {
    fn param_kind() -> ParamKind {
        ParamKind::Secret { min_len: None, max_len: None }
    }
}

/// A secret as it is stored.
pub(crate) fn marked(text: &str) -> Value {
    let mut fields = Map::new();
    fields.insert(MARK.to_owned(), Value::from(text));
    Value::Object(fields)
}

/// The text of a secret, as it is stored or as it was given.
pub(crate) fn secret_text(value: &Value) -> Option<&str> {
    match value {
        Value::String(text) => Some(text),
        Value::Object(fields) if fields.len() == 1 => fields.get(MARK)?.as_str(),
        _ => None,
    }
}

fn is_marked(value: &Value) -> bool {
    value.is_object() && secret_text(value).is_some()
}

/// Whether a stored text may hold secrets; most do not, and need not be looked through.
#[must_use]
pub fn may_hold_secrets(json: &str) -> bool {
    json.contains(MARK)
}

/// Puts a mask in the place of every secret in a stored value.
///
/// ```
/// use serde_json::json;
/// let mut params = json!({"user": "ann", "login": {"password": taskdeck_core::Secret::new("x")}});
/// taskdeck_core::redact(&mut params);
/// assert_eq!(params, json!({"user": "ann", "login": {"password": taskdeck_core::SECRET_MASK}}));
/// ```
pub fn redact(value: &mut Value) {
    match value {
        _ if is_marked(value) => *value = Value::from(SECRET_MASK),
        Value::Object(fields) => fields.values_mut().for_each(redact),
        Value::Array(values) => values.iter_mut().for_each(redact),
        _ => {}
    }
}

/// Puts the stored secrets back where a value has masks in their places: it was read, changed and is stored again.
pub fn keep_secrets(value: &mut Value, stored: &Value) {
    match (value, stored) {
        (value, stored) if *value == SECRET_MASK && is_marked(stored) => *value = stored.clone(),
        (Value::Object(fields), Value::Object(stored)) => {
            for (name, value) in fields {
                if let Some(stored) = stored.get(name) {
                    keep_secrets(value, stored);
                }
            }
        }
        (Value::Array(values), Value::Array(stored)) => {
            values.iter_mut().zip(stored).for_each(|(value, stored)| keep_secrets(value, stored));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_secret_is_read_as_it_was_given_and_as_it_is_stored() {
        let given: Secret = serde_json::from_value(json!("sk-1")).unwrap();
        let stored = serde_json::to_value(&given).unwrap();
        assert_eq!(stored, json!({"$secret": "sk-1"}));
        assert_eq!(serde_json::from_value::<Secret>(stored).unwrap(), given);
        let error = serde_json::from_value::<Secret>(json!(31_337)).unwrap_err().to_string();
        assert!(!error.contains("31337"), "{error}");
    }

    #[test]
    fn what_was_read_and_comes_back_keeps_its_secrets() {
        let stored = json!({"a": Secret::new("x"), "b": [{"c": Secret::new("y")}], "d": 1});
        let mut shown = stored.clone();
        redact(&mut shown);
        assert!(!may_hold_secrets(&shown.to_string()) && may_hold_secrets(&stored.to_string()));
        shown["d"] = json!(2);
        keep_secrets(&mut shown, &stored);
        assert_eq!(shown, json!({"a": Secret::new("x"), "b": [{"c": Secret::new("y")}], "d": 2}));
        let mut other = json!({"a": "new", "e": SECRET_MASK});
        keep_secrets(&mut other, &stored);
        assert_eq!(other, json!({"a": "new", "e": SECRET_MASK}), "there is nothing to be kept");
    }
}
