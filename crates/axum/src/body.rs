//! The bodies of requests.

use std::marker::PhantomData;

use axum::Json;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use http::header::CONTENT_TYPE;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use taskdeck_core::StartRequest;
use taskdeck_engine::Client;

use crate::problem::Failure;
use crate::upload;

/// What a JSON object says. A list is refused: what it holds would be taken for the fields by their order.
struct Object<T>(T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Fields<T> {
            type Value = T;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map))
            }
        }

        deserializer.deserialize_map(Fields(PhantomData)).map(Self)
    }
}

/// JSON that may be left out.
pub(crate) struct Optional<T>(pub(crate) T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for Optional<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        Required::from_request(request, state).await.map(|Required(value)| Self(value))
    }
}

/// JSON that must be there.
pub(crate) struct Required<T>(pub(crate) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Required<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let Json(Object(value)) = Json::<Object<T>>::from_request(request, state).await?;
        Ok(Self(value))
    }
}

/// A JSON object, or null.
pub(crate) struct OrNull<T>(pub(crate) Option<T>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for OrNull<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let Json(value) = Json::<Option<Object<T>>>::from_request(request, state).await?;
        Ok(Self(value.map(|Object(value)| value)))
    }
}

/// The body of start and run: JSON, or a form with the JSON and the files.
pub(crate) enum StartBody {
    Json(Box<StartRequest>),
    Form(multer::Multipart<'static>),
}

impl<S: Send + Sync> FromRequest<S> for StartBody {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &S) -> Result<Self, Failure> {
        let media_type = request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if let Some(media_type) = media_type
            && media_type.trim_start().to_ascii_lowercase().starts_with("multipart/")
        {
            let boundary = multer::parse_boundary(media_type)
                .map_err(|error| Failure::bad_request(format!("the form cannot be read: {error}")))?;
            let body: Body = request.into_body();
            return Ok(Self::Form(multer::Multipart::new(body.into_data_stream(), boundary)));
        }
        Ok(Self::Json(Box::new(Optional::from_request(request, state).await?.0)))
    }
}

impl StartBody {
    /// The request, with the files of a form stored.
    pub(crate) async fn into_request(self, client: &Client, kind: &str) -> Result<StartRequest, Failure> {
        match self {
            Self::Json(request) => Ok(*request),
            Self::Form(form) => {
                let definition = client.kind(kind)?;
                let parts = upload::read_form(client, Some(&definition), form).await?;
                Ok(parts.into_api_request(&definition)?)
            }
        }
    }
}
