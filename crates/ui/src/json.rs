//! JSON, read in one way.
//!
//! serde writes a reader of its own for each type and each kind of input (text, bytes, what it had to set aside): for
//! the wire's types that was a sixth of the WASM. Here every input first becomes a [`Value`], and types are read
//! from that alone.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use server_fn::codec::Post;
use server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};

/// Reads a value from text.
pub(crate) fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_value(serde_json::from_str::<Value>(text)?)
}

/// JSON as the input and output of the server functions.
pub type Json = Post<JsonEncoding>;

/// JSON as the encoding of the server functions.
pub struct JsonEncoding;

impl ContentType for JsonEncoding {
    const CONTENT_TYPE: &'static str = "application/json";
}

impl FormatType for JsonEncoding {
    const FORMAT_TYPE: Format = Format::Text;
}

impl<T: Serialize> Encodes<T> for JsonEncoding {
    type Error = serde_json::Error;

    fn encode(value: &T) -> Result<Bytes, Self::Error> {
        serde_json::to_vec(value).map(Bytes::from)
    }
}

impl<T: DeserializeOwned> Decodes<T> for JsonEncoding {
    type Error = String;

    fn decode(bytes: Bytes) -> Result<T, Self::Error> {
        let text = std::str::from_utf8(&bytes).map_err(|error| error.to_string())?;
        from_str(text).map_err(|error| error.to_string())
    }
}
