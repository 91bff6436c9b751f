//! What a page loads, with little code.
//!
//! A `Resource` of leptos is compiled anew for every type that it may hold, every source and every future: some
//! fifteen kilobytes of the browser's WASM each. Here there is one for all, which does not know what it holds.

use std::any::Any;
use std::fmt;
use std::future::IntoFuture;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use leptos::prelude::*;
use leptos::server::codee::{Decoder, Encoder};
use serde::Serialize;
use serde::de::DeserializeOwned;
use taskdeck_core::DeckError;

use crate::{ApiError, json};

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a page loads from a server function: on the server for the page's HTML, from where it goes to the browser
/// as JSON. Await it in a `Suspend`.
pub struct Loaded<T> {
    held: Resource<Held, Codec>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Loaded<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Loaded<T> {}

impl<T> fmt::Debug for Loaded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Loaded")
    }
}

/// Loads what a page shows, anew whenever `source` changes: as `Resource::new` does.
pub fn load<S, T, F>(
    source: impl Fn() -> S + Send + Sync + 'static,
    fetch: impl Fn(S) -> F + Send + Sync + 'static,
) -> Loaded<T>
where
    S: PartialEq + Clone + Send + Sync + 'static,
    T: Serialize + Clone + Send + Sync + 'static,
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
{
    // A resource asks anew when its source differs from before, and may look at it any number of times.
    let last = Arc::new(Mutex::new((0_u64, None::<S>)));
    let of_fetch = Arc::clone(&last);
    let changed: Box<dyn Fn() -> u64 + Send + Sync> = Box::new(move || {
        let now = source();
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.1.as_ref() != Some(&now) {
            *last = (last.0 + 1, Some(now));
        }
        last.0
    });
    let fetch: Box<dyn Fn(u64) -> Later<Held> + Send + Sync> = Box::new(move |_| {
        let source = of_fetch.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
        let fetched = source.map(&fetch);
        Box::pin(async move {
            match fetched {
                Some(fetched) => Held::new(fetched.await),
                // The source is always looked at first.
                None => std::future::pending().await,
            }
        })
    });
    Loaded { held: Resource::new_with_options(changed, fetch, false), of: PhantomData }
}

impl<T> Loaded<T> {
    /// Loads it again.
    pub fn refetch(&self) {
        self.held.refetch();
    }
}

impl<T: DeserializeOwned + Clone + Send + Sync + 'static> Loaded<T> {
    /// What was loaded, if it is here; whoever reads it hears of what comes next.
    #[must_use]
    pub fn get(&self) -> Option<Result<T, ApiError>> {
        self.held.get().map(Held::take)
    }
}

impl<T: DeserializeOwned + Clone + Send + Sync + 'static> IntoFuture for Loaded<T> {
    type Output = Result<T, ApiError>;
    type IntoFuture = Later<Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        // Where it is called, not where it is first polled: that is where the page notes what it waits for.
        let held = self.held.into_future();
        Box::pin(async move { held.await.take() })
    }
}

/// What was loaded: as it came, or as the server wrote it into the page.
#[derive(Clone)]
enum Held {
    Value { value: Arc<dyn Any + Send + Sync>, write: fn(&dyn Any) -> Option<String> },
    Text(Arc<str>),
}

impl Held {
    fn new<T: Serialize + Send + Sync + 'static>(loaded: Result<T, ApiError>) -> Self {
        Self::Value { value: Arc::new(loaded), write: write::<T> }
    }

    fn take<T: DeserializeOwned + Clone + 'static>(self) -> Result<T, ApiError> {
        let unreadable = |reason: String| Err(ApiError(DeckError::Internal { reason }));
        match self {
            Self::Value { value, .. } => match value.downcast_ref::<Result<T, ApiError>>() {
                Some(loaded) => loaded.clone(),
                None => unreadable("what was loaded is of another type".to_owned()),
            },
            Self::Text(text) => match json::from_str::<Result<T, ApiError>>(&text) {
                Ok(loaded) => loaded,
                Err(error) => unreadable(format!("what the page brought cannot be read: {error}")),
            },
        }
    }
}

/// Writes a value of this type. A browser only reads what is loaded; the code to write it would be there all the same.
fn write<T: Serialize + 'static>(value: &dyn Any) -> Option<String> {
    if cfg!(target_arch = "wasm32") {
        return None;
    }
    serde_json::to_string(value.downcast_ref::<Result<T, ApiError>>()?).ok()
}

struct Codec;

impl Encoder<Held> for Codec {
    type Error = fmt::Error;
    type Encoded = String;

    fn encode(held: &Held) -> Result<String, fmt::Error> {
        match held {
            Held::Value { value, write } => write(&**value).ok_or(fmt::Error),
            Held::Text(text) => Ok(text.to_string()),
        }
    }
}

impl Decoder<Held> for Codec {
    type Error = std::convert::Infallible;
    type Encoded = str;

    fn decode(text: &str) -> Result<Held, Self::Error> {
        Ok(Held::Text(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_writes_into_the_page_is_what_the_browser_reads() {
        for loaded in [Ok(vec![1, 2]), Err(ApiError(DeckError::StillRunning))] {
            let text = Codec::encode(&Held::new(loaded.clone())).unwrap();
            let Ok(held) = Codec::decode(&text);
            assert_eq!(held.clone().take::<Vec<u32>>(), loaded);
            assert_eq!(Codec::encode(&held).unwrap(), text);
            assert_eq!(Held::new(loaded.clone()).take::<Vec<u32>>(), loaded);
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_that_says_so() {
        let Ok(held) = Codec::decode("{");
        assert!(matches!(held.take::<u32>(), Err(ApiError(DeckError::Internal { .. }))));
    }
}
