//! Multipart as the input of the server functions that take the form of a kind.

use http::Method;
use server_fn::ContentType;
use server_fn::codec::{self, Encoding, FromReq, IntoReq, MultipartData};
use server_fn::error::{FromServerFnError, IntoAppError, ServerFnErrorErr};
use server_fn::request::browser::BrowserFormData;
use server_fn::request::{ClientReq, Req};

use crate::api::{EditTask, StartTask};

/// `multipart/form-data`: `server_fn`'s codec of the same name (by which the `#[server]` macro knows it), but a
/// request that is not multipart is refused, where `server_fn`'s panics.
pub struct MultipartFormData;

impl ContentType for MultipartFormData {
    const CONTENT_TYPE: &'static str = codec::MultipartFormData::CONTENT_TYPE;
}

impl Encoding for MultipartFormData {
    const METHOD: Method = Method::POST;
}

macro_rules! takes_multipart {
    ($function:ty) => {
        impl<E, Request> IntoReq<MultipartFormData, Request, E> for $function
        where
            E: FromServerFnError,
            Request: ClientReq<E, FormData = BrowserFormData>,
        {
            fn into_req(self, path: &str, accepts: &str) -> Result<Request, E> {
                match MultipartData::from(self).into_client_data() {
                    Some(form) => Request::try_new_post_multipart(path, accepts, form),
                    None => Err(refused("a form of the browser is needed")),
                }
            }
        }

        impl<E, Request> FromReq<MultipartFormData, Request, E> for $function
        where
            E: FromServerFnError + Send + Sync,
            Request: Req<E> + Send + 'static,
        {
            async fn from_req(request: Request) -> Result<Self, E> {
                let is_multipart =
                    request.to_content_type().is_some_and(|content| multer::parse_boundary(content).is_ok());
                if !is_multipart {
                    return Err(refused("a multipart form is needed"));
                }
                <Self as FromReq<codec::MultipartFormData, Request, E>>::from_req(request).await
            }
        }
    };
}

takes_multipart!(StartTask);
takes_multipart!(EditTask);

fn refused<E: FromServerFnError>(why: &str) -> E {
    ServerFnErrorErr::Args(why.to_owned()).into_app_error()
}
