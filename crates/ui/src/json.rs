//! JSON, read in one way.
//!
//! serde writes a reader of its own for each type and each kind of input (text, bytes, what it had to set aside): for
//! the wire's types that was a sixth of the WASM. Here every input first becomes a [`Value`], and types are read
//! from that alone.

use leptos::prelude::Resource;
use leptos::server::codee::{Decoder, Encoder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use server_fn::codec::Post;
use server_fn::{Bytes, ContentType, Decodes, Encodes, Format, FormatType};

use crate::ApiError;

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

/// What a page loads from a server function: on the server for the page's HTML, from where it goes to the browser
/// as JSON.
pub type Loaded<T> = Resource<Result<T, ApiError>, JsonCodec>;

/// Loads what a page shows, anew whenever `source` changes: as `Resource::new` does, with less code in the browser.
pub fn load<S, T, F>(
    source: impl Fn() -> S + Send + Sync + 'static,
    fetch: impl Fn(S) -> F + Send + Sync + 'static,
) -> Loaded<T>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    Resource::new_with_options(source, fetch, false)
}

/// JSON as the encoding of resources.
pub struct JsonCodec;

impl<T: Serialize> Encoder<T> for JsonCodec {
    type Error = serde_json::Error;
    type Encoded = String;

    fn encode(value: &T) -> Result<String, Self::Error> {
        // A browser only reads resources; the code to write them would be there all the same.
        if cfg!(target_arch = "wasm32") { Ok(String::new()) } else { serde_json::to_string(value) }
    }
}

impl<T: DeserializeOwned> Decoder<T> for JsonCodec {
    type Error = serde_json::Error;
    type Encoded = str;

    fn decode(text: &str) -> Result<T, Self::Error> {
        from_str(text)
    }
}
