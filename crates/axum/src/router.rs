//! Which address is answered by which handler.

use axum::Router;
use axum::extract::{DefaultBodyLimit, State};
use axum::response::Response;
use axum::routing::{get, patch, post, put};
use http::header::CACHE_CONTROL;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};
use taskdeck_core::{Kind, QueueName};
use taskdeck_engine::Deck;

use crate::guard::MAX_BATCH;
use crate::problem::Failure;
use crate::{
    Config, about, artifacts, batches, bulk, embed, events, feed, inbox, kinds, lanes, schedules, stats,
    task_feed, tasks,
};

#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) deck: Deck,
    pub(crate) config: Config,
}

impl Served {
    /// Refuses when the WebSockets are switched off.
    pub(crate) fn require_websocket(&self) -> Result<(), Failure> {
        if self.config.websocket { Ok(()) } else { Err(Failure::not_found("WebSocket")) }
    }
}

/// All routes of the deck: `/api/*`, `/ws`, `/ws/task/{id}`, `/health` and `/ready`. Every error is
/// `application/problem+json`, also an unknown address below `/api`.
///
/// Put [`guard`](crate::guard()) around it: without it every route but `/health` and `/ready` answers 500.
pub fn router(deck: Deck, config: Config) -> Router {
    let api = Router::new()
        .route("/kinds", get(kinds::list))
        .route("/kinds/{kind}", get(kinds::one))
        .route("/kinds/{kind}/start", post(kinds::start))
        .route("/kinds/{kind}/run", post(kinds::run))
        .route("/kinds/{kind}/pause", post(lanes::pause::<Kind>))
        .route("/kinds/{kind}/resume", post(lanes::resume::<Kind>))
        .route("/kinds/{kind}/limits", put(lanes::limit::<Kind>))
        // Not below `/kinds`, where each name may be a kind's.
        .route("/lanes/kinds", get(lanes::kinds))
        .route("/queues", get(lanes::queues))
        .route("/queues/{name}/pause", post(lanes::pause::<QueueName>))
        .route("/queues/{name}/resume", post(lanes::resume::<QueueName>))
        .route("/queues/{name}/limits", put(lanes::limit::<QueueName>))
        .route("/stats", get(stats::stats))
        .route("/workers", get(stats::workers))
        .route("/tasks", get(tasks::list))
        .route("/tasks/batch", post(batches::start).layer(DefaultBodyLimit::max(MAX_BATCH)))
        .route("/tasks/bulk", post(bulk::start))
        .route("/tasks/bulk/preview", post(bulk::preview))
        .route("/batches/{id}", get(batches::one))
        .route("/tasks/{id}", get(tasks::one).delete(tasks::delete))
        .route("/tasks/{id}/detail", get(tasks::detail))
        .route("/tasks/{id}/attempts", get(tasks::attempts))
        .route("/tasks/{id}/log", get(tasks::log))
        .route("/tasks/{id}/log.txt", get(tasks::log_txt))
        .route("/tasks/{id}/result", get(tasks::result))
        .route("/tasks/{id}/result.json", get(tasks::result_json))
        .route("/tasks/{id}/result.csv", get(tasks::result_csv))
        .route("/tasks/{id}/cancel", post(tasks::cancel).delete(tasks::cancel))
        .route("/tasks/{id}/retry", post(tasks::retry))
        .route("/tasks/{id}/confirm", post(tasks::confirm))
        .route("/tasks/{id}/notices", get(embed::notices))
        .route("/tasks/{id}/embed", post(embed::issue))
        .route("/tasks/{id}/params", patch(tasks::change_params))
        .route("/tasks/{id}/events", get(events::events))
        .route("/tasks/{id}/artifacts/{name}", get(artifacts::download))
        .route("/schedules", get(schedules::list))
        .route("/schedules/{name}", get(schedules::one).put(schedules::put).delete(schedules::delete))
        .route("/schedules/{name}/pause", post(schedules::pause))
        .route("/schedules/{name}/resume", post(schedules::resume))
        .route("/schedules/{name}/run", post(schedules::run))
        .route("/inbox", get(inbox::show))
        .route("/inbox/look", post(inbox::look))
        .route("/about", get(about::show))
        .route("/next_times", get(schedules::next_times))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method)
        .layer(axum::middleware::map_response(fresh));
    Router::new()
        .nest("/api", api)
        .route("/api/", axum::routing::any(unknown))
        .route("/ws", get(feed::upgrade))
        .route("/ws/task/{id}", get(task_feed::upgrade))
        .route("/health", get(health))
        .route("/ready", get(ready))
        .method_not_allowed_fallback(wrong_method)
        .with_state(Served { deck, config })
}

async fn unknown() -> Failure {
    Failure::not_found("Address")
}

async fn wrong_method() -> Failure {
    let detail = "this address does not take this method".to_owned();
    Failure::Http(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

/// What the API says is true now: nothing may show it later without asking again.
async fn fresh(mut response: Response) -> Response {
    response.headers_mut().entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    response
}

/// The process answers.
async fn health() -> axum::Json<Value> {
    axum::Json(json!({ "status": "ok" }))
}

/// The store answers too, and takes what is written.
async fn ready(State(served): State<Served>) -> Result<axum::Json<Value>, Failure> {
    served.deck.ready().await?;
    Ok(axum::Json(json!({ "status": "ready" })))
}
