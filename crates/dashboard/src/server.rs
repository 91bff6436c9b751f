//! What makes the start form and the answer to a question work without JavaScript, and takes what is too long for an
//! address.
//!
//! A browser that runs no script posts the form to the server function (`start_task`, `edit_task`, `answer_task`), which
//! could only answer with JSON or a redirect: what was typed would be lost when it is refused. [`form_fallback`] stands
//! before them, and takes the posts of plain forms (those that accept `text/html`): what was done leads to the task's page
//! (303), a refusal to the form again, with what was typed and what is wrong with it (422, or what else is the error's
//! status). Whatever a script sends goes on to the server function.
//!
//! It also has the bell's number in the page's HTML ([`form_fallback`] asks for it before the page is made).
//!
//! The tasks that were chosen in a list are named by the address of the page that says what would be done to them, unless
//! they are too many: then they are posted to it, and the page is the answer.
//!
//! # Mounting
//!
//! Around the router that has Leptos's routes and server functions, and inside the guard of `taskdeck-axum`, which
//! puts the request's `Client` in its extensions. `context` and `app` are what `leptos_routes_with_context` was
//! given:
//!
//! ```ignore
//! let context = move || provide_context(assets.clone());
//! let app = move || shell(options.clone());
//! let pages = Router::new().leptos_routes_with_context(&options, routes, context.clone(), app.clone());
//! let pages = taskdeck_dashboard::server::form_fallback(pages, context, app);
//! let router = taskdeck_axum::router(deck.clone(), config.clone()).merge(pages).layer(taskdeck_axum::guard(deck, &config));
//! ```
//!
//! The shell must leave its hydration script out where [`PlainPage`] is in the context: the address of a form that
//! was posted is no page, and what was typed is not in the browser's state.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::header::{ACCEPT, CONTENT_TYPE, COOKIE, LOCATION};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Form, Router};
use leptos::prelude::*;
use leptos_router::location::RequestUrl;
use taskdeck_core::{DeckError, Param, TaskId};
use taskdeck_engine::Client;
use taskdeck_ui::server::{answer_from_form, edit_from_form, start_from_form, without_secrets};
use taskdeck_ui::{AnswerDraft, BasePath};

use crate::watched;

/// Tells a page where the deck is mounted, for the `context` of the module's documentation: below a router that takes that
/// path off (`Router::nest`), whose requests bring it as an extension too (`Extension(BasePath::new("/deck"))`).
pub fn provide_mount(base: &BasePath) {
    provide_context(base.clone());
    let Some(request) = use_context::<Parts>() else { return };
    let path = request.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    // That of a form's page is whole already.
    if !path.starts_with(&base.join("/")) {
        provide_context(RequestUrl::new(&format!("http://taskdeck{}", base.join(path))));
    }
}

/// A context that says: this page answers a posted form, and is shown without scripts.
#[derive(Clone, Copy, Debug)]
pub struct PlainPage;

const START_TASK: &str = "/_taskdeck/start_task";
const EDIT_TASK: &str = "/_taskdeck/edit_task";
const ANSWER_TASK: &str = "/_taskdeck/answer_task";
/// The page of what would be done to many tasks.
const BULK: &str = "/tasks/bulk";
/// A thousand ids and a filter. An address has at most 65,534 bytes, also one that never leaves the server.
const MOST_CHOSEN: usize = 60_000;

/// The same router, with the posts of plain start forms answered by pages. The module says how it is mounted.
///
/// `context` and `app` render a page, as `leptos_routes_with_context` takes them.
pub fn form_fallback<S, IV>(
    router: Router<S>,
    context: impl Fn() + Clone + Send + Sync + 'static,
    app: impl Fn() -> IV + Clone + Send + Sync + 'static,
) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
    IV: IntoView + 'static,
{
    router.layer(middleware::from_fn(move |request: Request, next: Next| {
        let (context, app) = (context.clone(), app.clone());
        async move {
            let request = with_news(request).await;
            if is_plain_form(&request, START_TASK) || is_plain_form(&request, EDIT_TASK) {
                start(request, context, app).await
            } else if is_plain_form(&request, ANSWER_TASK) {
                answer(request, context, app).await
            } else if is_plain_form(&request, BULK) {
                chosen(request, context, app).await
            } else {
                page_or_home(request, next).await
            }
        }
    }))
}

/// What answers else. Who loads the address of a form that was refused once more, by its name, has nothing to post: the
/// deck is where they can begin again.
async fn page_or_home(request: Request, next: Next) -> Response {
    let home = (request.uri().path().contains("/_taskdeck/") && wants_page(&request))
        .then(|| request.extensions().get::<BasePath>().cloned().unwrap_or_default().join("/"));
    let response = next.run(request).await;
    match home {
        Some(home) if response.status() == StatusCode::METHOD_NOT_ALLOWED => {
            Redirect::to(&home).into_response()
        }
        _ => response,
    }
}

fn is_plain_form(request: &Request, path: &str) -> bool {
    request.method() == Method::POST && request.uri().path().ends_with(path) && wants_page(request)
}

fn wants_page(request: &Request) -> bool {
    header(request.headers(), &ACCEPT).is_some_and(|accept| accept.contains("text/html"))
}

/// How much is new to the viewer of a page, among what its request brings: the frame, which waits for nothing, has the
/// number in its HTML so.
#[derive(Clone, Copy, Debug)]
struct News(usize);

/// The request of a page, with how much is new to its viewer. A page is shown without it, too.
async fn with_news(mut request: Request) -> Request {
    let client = request.extensions().get::<Client>().filter(|_| wants_page(&request)).cloned();
    if let Some(client) = client
        && let Ok(inbox) = client.inbox().await
    {
        let cookies = header(request.headers(), &COOKIE).unwrap_or_default();
        let news = News(watched::count_new(&inbox, cookies));
        request.extensions_mut().insert(news);
    }
    request
}

/// How much is new to the viewer of the page that is made.
pub(crate) fn news() -> usize {
    use_context::<Parts>()
        .and_then(|parts| parts.extensions.get::<News>().copied())
        .map_or(0, |News(new)| new)
}

fn header<'a>(headers: &'a HeaderMap, name: &axum::http::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

async fn start<IV>(
    request: Request,
    context: impl Fn() + Clone + Send + Sync + 'static,
    app: impl Fn() -> IV + Clone + Send + Sync + 'static,
) -> Response
where
    IV: IntoView + 'static,
{
    let (parts, body) = request.into_parts();
    let Some(client) = parts.extensions.get::<Client>() else {
        let reason = "no deck: put taskdeck_axum::guard around form_fallback".to_owned();
        return taskdeck_axum::problem(&DeckError::Internal { reason });
    };
    let boundary = header(&parts.headers, &CONTENT_TYPE).and_then(|kind| multer::parse_boundary(kind).ok());
    let Some(boundary) = boundary else {
        let reason = "a multipart form is needed".to_owned();
        return taskdeck_axum::problem(&DeckError::BadRequest { reason });
    };
    let form = multer::Multipart::new(body.into_data_stream(), boundary);
    let edits = parts.uri.path().ends_with(EDIT_TASK);
    let done = if edits { edit_from_form(client, form).await } else { start_from_form(client, form).await };
    match done {
        Ok(started) => see_other(&base(&parts).task(started.task.id)),
        Err(rejection) => match rejection.draft() {
            Some(draft) => {
                let retries = rejection.task.map(|id| format!("?retry={id}")).unwrap_or_default();
                let path = format!("/start/{}{retries}", draft.kind);
                let context = move || {
                    context();
                    provide_context(draft.clone());
                };
                page_again(parts, &path, Some(&rejection.error), context, app).await
            }
            None => taskdeck_axum::problem(&rejection.error),
        },
    }
}

/// The fields of an answer, as its form sends them.
struct AnswerForm {
    id: TaskId,
    key: Option<String>,
    approved: bool,
    fields: BTreeMap<String, String>,
}

impl AnswerForm {
    fn read(sent: Vec<(String, String)>) -> Option<Self> {
        let of = |name: &str| sent.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let (id, key, approved) = (of("id")?.parse().ok()?, of("key"), of("approved")? == "true");
        let named = |(name, value): (String, String)| {
            let name = name.strip_prefix("fields[")?.strip_suffix(']')?.to_owned();
            Some((name, value))
        };
        Some(Self { id, key, approved, fields: sent.into_iter().filter_map(named).collect() })
    }
}

async fn answer<IV>(
    request: Request,
    context: impl Fn() + Clone + Send + Sync + 'static,
    app: impl Fn() -> IV + Clone + Send + Sync + 'static,
) -> Response
where
    IV: IntoView + 'static,
{
    let (parts, body) = request.into_parts();
    let Some(client) = parts.extensions.get::<Client>().cloned() else {
        let reason = "no deck: put taskdeck_axum::guard around form_fallback".to_owned();
        return taskdeck_axum::problem(&DeckError::Internal { reason });
    };
    let sent =
        Form::<Vec<(String, String)>>::from_request(Request::from_parts(parts.clone(), body), &()).await;
    let Some(form) = sent.ok().and_then(|Form(sent)| AnswerForm::read(sent)) else {
        let reason = "the fields of an answer are needed: id, approved, fields[..]".to_owned();
        return taskdeck_axum::problem(&DeckError::BadRequest { reason });
    };
    let AnswerForm { id, key, approved, fields } = form;
    match answer_from_form(&client, id, key, approved, fields.clone()).await {
        Ok(_) => see_other(&base(&parts).task(id)),
        Err(error) => {
            let fields = without_secrets(&asked_for(&client, id).await, fields.into_iter().collect());
            let draft = AnswerDraft { task: id, fields, error: error.clone().into() };
            let context = move || {
                context();
                provide_context(draft.clone());
            };
            page_again(parts, &format!("/tasks/{id}"), Some(&error), context, app).await
        }
    }
}

/// The tasks that were chosen in a list, and what is to be done to them: the page is what it would be with them in its
/// address.
async fn chosen<IV>(
    request: Request,
    context: impl Fn() + Clone + Send + Sync + 'static,
    app: impl Fn() -> IV + Clone + Send + Sync + 'static,
) -> Response
where
    IV: IntoView + 'static,
{
    let (parts, body) = request.into_parts();
    let Ok(form) = axum::body::to_bytes(body, MOST_CHOSEN).await else {
        let what = "the form of chosen tasks".to_owned();
        return taskdeck_axum::problem(&DeckError::TooLarge { what, max_bytes: MOST_CHOSEN as u64 });
    };
    // A plain form is written as the query of an address is.
    let path = format!("{BULK}?{}", String::from_utf8_lossy(&form));
    page_again(parts, &path, None, context, app).await
}

/// The fields of the questions of a task.
async fn asked_for(client: &Client, id: TaskId) -> Vec<Param> {
    let questions = client.detail(id).await.map(|detail| detail.questions).unwrap_or_default();
    questions.into_iter().flat_map(|asked| asked.question.fields).collect()
}

fn base(parts: &Parts) -> BasePath {
    parts.extensions.get::<BasePath>().cloned().unwrap_or_default()
}

fn see_other(path: &str) -> Response {
    match HeaderValue::from_str(path) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The page of a form, rendered as if it had been asked for; the context has what was typed, where it was `refused`.
async fn page_again<IV>(
    mut parts: Parts,
    path: &str,
    refused: Option<&DeckError>,
    context: impl Fn() + Clone + Send + Sync + 'static,
    app: impl Fn() -> IV + Clone + Send + Sync + 'static,
) -> Response
where
    IV: IntoView + 'static,
{
    let page = base(&parts).join(path);
    let Ok(page) = page.parse::<PathAndQuery>() else {
        let reason = "the form cannot be read".to_owned();
        return taskdeck_axum::problem(refused.unwrap_or(&DeckError::BadRequest { reason }));
    };
    parts.method = Method::GET;
    parts.uri = Uri::from(page);
    parts.headers.remove(CONTENT_TYPE);
    let context = move || {
        context();
        provide_context(PlainPage);
    };
    let render = leptos_axum::render_app_async_with_context(context, app);
    let mut response = render(Request::from_parts(parts, Body::empty())).await;
    // The page itself may say something else, such as that the kind is gone.
    if let Some(error) = refused.filter(|_| response.status() == StatusCode::OK) {
        *response.status_mut() =
            StatusCode::from_u16(error.http_status()).unwrap_or(StatusCode::UNPROCESSABLE_ENTITY);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: Method, path: &str, accept: &'static str) -> Request {
        let request = Request::builder().method(method).uri(path).header(ACCEPT, accept).body(Body::empty());
        request.unwrap()
    }

    fn is_plain(request: &Request) -> bool {
        is_plain_form(request, START_TASK)
    }

    #[test]
    fn an_answer_is_read_from_its_form() {
        let id = "01a1ff18-0d13-7126-8ee7-b5689af5340a";
        let pairs =
            [("id", id), ("key", "delete"), ("fields[reason]", "old"), ("approved", "true"), ("other", "x")];
        let sent = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let form = AnswerForm::read(sent(&pairs)).unwrap();
        assert_eq!(
            (form.id.to_string(), form.key.as_deref(), form.approved),
            (id.to_owned(), Some("delete"), true)
        );
        assert_eq!(form.fields, BTreeMap::from([("reason".to_owned(), "old".to_owned())]));
        // A forgotten button is no answer.
        assert!(AnswerForm::read(sent(&pairs[..3])).is_none());
    }

    #[test]
    fn only_the_post_of_a_plain_form_is_taken() {
        let page = "text/html,application/xhtml+xml";
        assert!(is_plain(&request(Method::POST, "/_taskdeck/start_task", page)));
        assert!(is_plain(&request(Method::POST, "/deck/_taskdeck/start_task", page)));
        assert!(!is_plain(&request(Method::POST, "/_taskdeck/start_task", "application/json")));
        assert!(!is_plain(&request(Method::GET, "/_taskdeck/start_task", page)));
        assert!(!is_plain(&request(Method::POST, "/_taskdeck/cancel_task", page)));
        assert!(is_plain_form(&request(Method::POST, "/deck/tasks/bulk", page), BULK));
        assert!(!is_plain_form(&request(Method::GET, "/tasks/bulk?verb=retry", page), BULK));
    }
}
