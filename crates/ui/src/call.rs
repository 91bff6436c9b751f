//! How the browser calls server functions that take and return JSON.
//!
//! `server_fn`'s own way is compiled anew for each function, some two kilobytes of WASM each; here the sending is one
//! function, and only what is written and read is a function's own.

use std::future::Future;
use std::pin::Pin;

use http::Method;
use js_sys::{Object, Reflect};
use leptos::prelude::window;
use send_wrapper::SendWrapper;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use server_fn::client::Client;
use server_fn::error::FromServerFnError;
use server_fn::server::Server;
use server_fn::{Bytes, Http, Protocol};
use taskdeck_core::DeckError;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{RequestInit, Response};

use crate::json::{self, Json};
use crate::{ApiError, use_base};

/// JSON in and JSON out, by POST: on the server it is `server_fn`'s own way.
pub struct Call;

/// What `server_fn` does with such functions.
type Plain = Http<Json, Json>;

impl<I, O, C, S> Protocol<I, O, C, S, ApiError> for Call
where
    Plain: Protocol<I, O, C, S, ApiError>,
    I: Serialize + Send,
    O: DeserializeOwned + Send,
    C: Client<ApiError>,
    S: Server<ApiError>,
{
    const METHOD: Method = Method::POST;

    fn run_server<F, Fut>(
        request: S::Request,
        function: F,
    ) -> impl Future<Output = Result<S::Response, ApiError>> + Send
    where
        F: Fn(I) -> Fut + Send,
        Fut: Future<Output = Result<O, ApiError>> + Send,
    {
        Plain::run_server(request, function)
    }

    fn run_client(path: &str, input: I) -> impl Future<Output = Result<O, ApiError>> + Send {
        let answer = call(path, serde_json::to_string(&input).ok());
        async move { read(answer.await?) }
    }
}

fn read<O: DeserializeOwned>(answer: Value) -> Result<O, ApiError> {
    serde_json::from_value(answer).map_err(|error| {
        let reason = format!("the answer could not be read: {error}");
        ApiError(DeckError::BadRequest { reason })
    })
}

type Answer = Pin<Box<dyn Future<Output = Result<Value, ApiError>> + Send>>;

/// Calls the function at a path below the base path.
fn call(path: &str, input: Option<String>) -> Answer {
    let url = use_base().join(path);
    // It goes to the browser's only thread, where it came from.
    Box::pin(SendWrapper::new(async move {
        let input = input.ok_or_else(ApiError::unreachable)?;
        post(&url, &JsValue::from_str(&input), Some("application/json")).await
    }))
}

/// Posts to a server function, and reads what it answers.
pub(crate) async fn post(url: &str, body: &JsValue, content_type: Option<&str>) -> Result<Value, ApiError> {
    let answered = async {
        let headers = Object::new();
        let set = |name: &str, value: &str| Reflect::set(&headers, &name.into(), &value.into());
        set("Accept", "application/json")?;
        if let Some(content_type) = content_type {
            set("Content-Type", content_type)?;
        }
        let init = RequestInit::new();
        init.set_method("POST");
        init.set_headers(&headers);
        init.set_body(body);
        let response: Response =
            JsFuture::from(window().fetch_with_str_and_init(url, &init)).await?.dyn_into()?;
        let text = JsFuture::from(response.text()?).await?.as_string().unwrap_or_default();
        Ok::<_, JsValue>((response.ok(), text))
    };
    match answered.await {
        Ok((true, text)) => Ok(json::from_str(&text).unwrap_or_default()),
        Ok((false, text)) => Err(ApiError::de(Bytes::from(text))),
        Err(_) => Err(ApiError::unreachable()),
    }
}
