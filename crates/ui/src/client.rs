//! How the browser calls the server functions: as Leptos does, with the base path before the path.

use std::future::Future;

use futures::sink::Drain;
use futures::stream::Empty;
use futures::{Sink, Stream};
use http::Method;
use server_fn::Bytes;
use server_fn::client::Client;
use server_fn::client::browser::BrowserClient;
use server_fn::request::ClientReq;
use server_fn::request::browser::{BrowserFormData, BrowserRequest};
use server_fn::response::browser::BrowserResponse;
use taskdeck_core::DeckError;

use crate::{ApiError, browser};

/// The client of the server functions. It adds the deck's base path to each request, so that nothing process-wide
/// (`set_server_url`) has to be set and two decks can be on one page.
pub struct BaseClient;

/// The two ends of a socket that is never opened.
type NoSocket = (Empty<Result<Bytes, Bytes>>, Drain<Bytes>);

/// A request under the base path.
pub struct BaseRequest(BrowserRequest);

impl Client<ApiError> for BaseClient {
    type Request = BaseRequest;
    type Response = BrowserResponse;

    fn send(request: BaseRequest) -> impl Future<Output = Result<BrowserResponse, ApiError>> + Send {
        <BrowserClient as Client<ApiError>>::send(request.0)
    }

    fn open_websocket(
        path: &str,
    ) -> impl Future<
        Output = Result<
            (impl Stream<Item = Result<Bytes, Bytes>> + Send + 'static, impl Sink<Bytes> + Send + 'static),
            ApiError,
        >,
    > + Send {
        // The feed is a route of its own: server_fn's sockets know neither origin checks nor reconnects.
        let reason = format!("{path}: server functions over a WebSocket are not used here");
        std::future::ready(Err::<NoSocket, _>(ApiError(DeckError::BadRequest { reason })))
    }

    fn spawn(future: impl Future<Output = ()> + Send + 'static) {
        <BrowserClient as Client<ApiError>>::spawn(future);
    }
}

fn under_base(path: &str) -> String {
    browser::base_path().join(path)
}

type Built = Result<BaseRequest, ApiError>;

impl ClientReq<ApiError> for BaseRequest {
    type FormData = BrowserFormData;

    fn try_new_req_query(path: &str, kind: &str, accepts: &str, query: &str, method: Method) -> Built {
        BrowserRequest::try_new_req_query(&under_base(path), kind, accepts, query, method).map(Self)
    }

    fn try_new_req_text(path: &str, kind: &str, accepts: &str, body: String, method: Method) -> Built {
        BrowserRequest::try_new_req_text(&under_base(path), kind, accepts, body, method).map(Self)
    }

    fn try_new_req_bytes(path: &str, kind: &str, accepts: &str, body: Bytes, method: Method) -> Built {
        BrowserRequest::try_new_req_bytes(&under_base(path), kind, accepts, body, method).map(Self)
    }

    fn try_new_req_form_data(
        path: &str,
        accepts: &str,
        kind: &str,
        body: BrowserFormData,
        method: Method,
    ) -> Built {
        BrowserRequest::try_new_req_form_data(&under_base(path), accepts, kind, body, method).map(Self)
    }

    fn try_new_req_multipart(path: &str, accepts: &str, body: BrowserFormData, method: Method) -> Built {
        BrowserRequest::try_new_req_multipart(&under_base(path), accepts, body, method).map(Self)
    }

    fn try_new_req_streaming(
        path: &str,
        accepts: &str,
        kind: &str,
        body: impl Stream<Item = Bytes> + Send + 'static,
        method: Method,
    ) -> Built {
        let path = under_base(path);
        <BrowserRequest as ClientReq<ApiError>>::try_new_req_streaming(&path, accepts, kind, body, method)
            .map(Self)
    }
}
