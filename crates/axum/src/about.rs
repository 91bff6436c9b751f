//! What the server runs with: what the deck says, and what is known here besides.

use std::sync::Arc;

use axum::Json;
use http::Extensions;
use taskdeck_core::{About, DeckError, Setting};
use taskdeck_engine::Client;

use crate::Config;
use crate::extract::Caller;
use crate::problem::Failure;

/// What the guard puts into the extensions of each request, for [`about`].
#[derive(Clone)]
pub(crate) struct Known(Arc<[Setting]>);

impl Known {
    pub(crate) fn of(config: &Config) -> Self {
        let websocket = if config.websocket { "on" } else { "off: pages ask every few seconds instead" };
        let mut all = vec![
            Setting::new("TASK_BIND", config.bind.to_string(), "Where the server listens."),
            Setting::new(
                "TASK_WEBSOCKET_ENABLED",
                websocket,
                "Whether pages hear of changes as they happen.",
            ),
        ];
        let origins = match &*config.embed_origins {
            [] => "none".to_owned(),
            origins => origins.join(", "),
        };
        all.push(Setting::new("TASK_EMBED_ORIGINS", origins, "The origins whose pages may show widgets."));
        all.extend(config.settings.iter().cloned());
        Self(all.into())
    }
}

/// What the server runs with, for a request that came through the [`guard`](crate::guard()).
///
/// # Errors
/// Those of [`Client::about`].
pub fn about(client: &Client, extensions: &Extensions) -> Result<About, DeckError> {
    let mut about = client.about()?;
    if let Some(Known(known)) = extensions.get() {
        about.settings.splice(..0, known.iter().cloned());
    }
    Ok(about)
}

pub(crate) async fn show(
    Caller(client): Caller,
    request: http::request::Parts,
) -> Result<Json<About>, Failure> {
    Ok(Json(about(&client, &request.extensions)?))
}
