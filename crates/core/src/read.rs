//! Reading objects of the wire, with little code.
//!
//! For each struct serde's derive writes a visitor that takes its fields as they come, by name or by number, from any
//! format: some five kilobytes of the browser's WASM a struct, forty for an enum with a tag. Here the object is taken
//! whole, and each field is taken from it by its name.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _};
use serde_json::{Error, Map, Value};

/// The fields of an object that is being read.
pub(crate) struct Fields(Map<String, Value>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Map::deserialize(deserializer).map(Self)
    }
}

impl Fields {
    /// What is given for a field. Its place stays: to remove it brings the balancing of a tree, 3 KB.
    fn given(&mut self, name: &str) -> Option<Value> {
        self.0.get_mut(name).map(Value::take)
    }

    /// A field; one that is not there reads as `null`.
    #[inline(never)]
    pub(crate) fn take<T: DeserializeOwned>(&mut self, name: &str) -> Result<T, Error> {
        let value = self.given(name);
        let is_there = value.is_some();
        T::deserialize(value.unwrap_or(Value::Null)).map_err(|error| faulty(name, is_there, &error))
    }

    /// A field; the default where it is not there.
    #[inline(never)]
    pub(crate) fn take_or_default<T: DeserializeOwned + Default>(&mut self, name: &str) -> Result<T, Error> {
        match self.given(name) {
            None => Ok(T::default()),
            Some(value) => T::deserialize(value).map_err(|error| faulty(name, true, &error)),
        }
    }
}

fn faulty(name: &str, is_there: bool, error: &Error) -> Error {
    if is_there { Error::custom(format_args!("{name}: {error}")) } else { missing(name) }
}

fn missing(name: &str) -> Error {
    Error::custom(format_args!("missing field `{name}`"))
}

/// Reads a struct: its fields, then after `default` those that may be left out. (A field that is an `Option` may
/// always be left out.)
macro_rules! read {
    ($type:ident { $($field:ident),* $(,)? $(; default $($other:ident),* $(,)?)? }) => {
        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut fields = <$crate::read::Fields as serde::Deserialize>::deserialize(deserializer)?;
                let mut read = || -> Result<Self, serde_json::Error> {
                    Ok(Self {
                        $($field: fields.take(stringify!($field))?,)*
                        $($($other: fields.take_or_default(stringify!($other))?,)*)?
                    })
                };
                read().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use read;

/// Reads an enum whose variants are objects with a tag: what `read` makes of the tag and the other fields.
pub(crate) fn tagged<'de, T, D: Deserializer<'de>>(
    deserializer: D,
    tag: &str,
    read: impl FnOnce(&str, &mut Fields) -> Result<Option<T>, Error>,
) -> Result<T, D::Error> {
    let mut fields = Fields::deserialize(deserializer)?;
    let whole = || {
        let name: String = fields.take(tag)?;
        read(&name, &mut fields)?.ok_or_else(|| Error::custom(format_args!("unknown {tag} `{name}`")))
    };
    whole().map_err(D::Error::custom)
}
