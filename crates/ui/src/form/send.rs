//! Sends a form. `fetch` cannot tell how much of the body was sent; `XMLHttpRequest` can.

use leptos::prelude::*;
use serde_json::Value;
use server_fn::Bytes;
use server_fn::error::FromServerFnError;
use taskdeck_core::{DeckError, Started};
use wasm_bindgen::JsCast;
use wasm_bindgen::closure::Closure;
use web_sys::{FormData, ProgressEvent, XmlHttpRequest};

use crate::ApiError;

/// A bar for what is sent in a moment would only flicker.
const SMALL: f64 = 200_000.0;

/// Where a form stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Sending {
    /// It is being filled in.
    No,
    /// Its files are on their way.
    Uploading { sent: f64, total: f64 },
    /// It was sent, or is too small for a bar.
    Waiting,
}

impl Sending {
    pub(crate) fn is_on(&self) -> bool {
        !matches!(self, Self::No)
    }

    pub(super) fn is_uploading(&self) -> bool {
        matches!(self, Self::Uploading { .. })
    }
}

/// A form on its way. Dropping it stops it.
pub(crate) struct Transfer {
    request: XmlHttpRequest,
    _on_progress: Closure<dyn FnMut(ProgressEvent)>,
    _on_end: Closure<dyn FnMut()>,
}

impl Drop for Transfer {
    fn drop(&mut self) {
        self.request.set_onloadend(None);
        if let Ok(upload) = self.request.upload() {
            upload.set_onprogress(None);
        }
        // One that has ended takes no notice.
        let _ = self.request.abort();
    }
}

impl Transfer {
    pub(crate) fn start(
        url: &str,
        data: &FormData,
        on_progress: impl Fn(f64, f64) + 'static,
        on_done: impl Fn(Result<Started, ApiError>) + Clone + 'static,
    ) -> Result<Self, ApiError> {
        let request = XmlHttpRequest::new().map_err(|_| ApiError::unreachable())?;
        let on_progress = Closure::<dyn FnMut(ProgressEvent)>::new(move |event: ProgressEvent| {
            if event.length_computable() && event.total() >= SMALL {
                on_progress(event.loaded(), event.total());
            }
        });
        let answered = request.clone();
        let on_end = Closure::<dyn FnMut()>::new(move || {
            let answer = answer_of(&answered);
            // After this turn, since the callback may end what it runs in.
            queue_microtask({
                let on_done = on_done.clone();
                move || on_done(answer)
            });
        });
        let sent = (|| {
            request.open("POST", url)?;
            request.set_request_header("Accept", "application/json")?;
            request.upload()?.set_onprogress(Some(on_progress.as_ref().unchecked_ref()));
            request.set_onloadend(Some(on_end.as_ref().unchecked_ref()));
            request.send_with_opt_form_data(Some(data))
        })();
        sent.map_err(|_| ApiError::unreachable())?;
        Ok(Self { request, _on_progress: on_progress, _on_end: on_end })
    }
}

fn answer_of(request: &XmlHttpRequest) -> Result<Started, ApiError> {
    let status = request.status().unwrap_or(0);
    let text = request.response_text().ok().flatten().unwrap_or_default();
    match status {
        // No answer at all: the network, or a server that went away.
        0 => Err(ApiError::unreachable()),
        200..=299 => started(&text).map_err(|error| {
            ApiError(DeckError::Internal { reason: format!("the answer could not be read: {error}") })
        }),
        _ => Err(ApiError::de(Bytes::from(text))),
    }
}

/// The answer to a start. Read by hand: the flattened struct would bring a second reader of every type in it.
fn started(text: &str) -> Result<Started, serde_json::Error> {
    let answer: Value = serde_json::from_str(text)?;
    let deduplicated = answer.get("deduplicated").and_then(Value::as_bool).unwrap_or_default();
    Ok(Started { task: serde_json::from_value(answer)?, deduplicated })
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Status;

    use super::*;
    use crate::sample;

    #[test]
    fn the_answer_to_a_start_is_read_as_it_was_written() {
        let answer = Started { task: sample::task(Status::Queued), deduplicated: true };
        assert_eq!(started(&serde_json::to_string(&answer).unwrap()).unwrap(), answer);
    }
}
