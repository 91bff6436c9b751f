//! What the server functions need of the server. Without the feature `ssr` only the hollow shells that the shared
//! code names are left.

#[cfg(feature = "ssr")]
pub use with_engine::*;

/// Sets the response's status to the error's, when a server function is being answered.
#[cfg(not(feature = "ssr"))]
pub(crate) fn answer_with_status(_error: &taskdeck_core::DeckError) {}

#[cfg(feature = "ssr")]
mod with_engine {
    use std::collections::BTreeMap;
    use std::time::{SystemTime, UNIX_EPOCH};

    use axum::http::header::{ACCEPT, LOCATION, REFERER};
    use axum::http::request::Parts;
    use axum::http::{HeaderValue, Method, StatusCode};
    use axum::routing::post;
    use axum::{Extension, Router};
    use leptos::prelude::{provide_context, use_context};
    use leptos_axum::{ResponseOptions, handle_server_fns};
    use multer::Multipart;
    use server_fn::error::ServerFnUrlError;
    use taskdeck_axum::Config;
    use taskdeck_axum::upload::FormParts;
    use taskdeck_core::{
        About, AnswerRequest, DeckError, Definition, FieldErrors, Kind, Param, QuestionOutcome, Started,
        TaskId, TaskState, Timestamp, form,
    };
    use taskdeck_engine::{Client, Deck};

    use crate::api::error_path;
    use crate::form::check::{CONFIRM, UNCONFIRMED};
    use crate::post::error_key;
    use crate::time::MadeAt;
    use crate::{ApiError, BasePath, FormDraft};

    /// All that widgets ask of a deck, below `base` (such as `/deck`): the API and the sockets of
    /// [`taskdeck_axum::router`], and the server functions of this crate. For an app that has pages and server functions
    /// of its own; merge it with those, and put [`taskdeck_axum::guard`] around both.
    ///
    /// The app's pages say the same `base`: a `<meta name="taskdeck-base" content="/deck">` in the shell, for the browser,
    /// and [`provide_base`](crate::provide_base) where Leptos's routes are given their context, for the server. Links to
    /// tasks, and forms that are sent without JavaScript, lead to `{base}/tasks/{id}`, which is a page of the app's or the
    /// dashboard's.
    pub fn router_at(base: &str, deck: Deck, config: Config) -> Router {
        let base = BasePath::new(base);
        let routes = taskdeck_axum::router(deck, config)
            .route("/_taskdeck/{function}", post(handle_server_fns))
            .layer(Extension(base.clone()));
        if base.as_str().is_empty() { routes } else { Router::new().nest(base.as_str(), routes) }
    }

    /// Asks whether it is meant that a task of this kind runs, where that is a danger and nobody said so yet: the page
    /// shows the question, and what says yes.
    pub(crate) fn ask_of_danger(
        client: &Client,
        kind: &str,
        confirm: Option<&String>,
    ) -> Result<(), DeckError> {
        // What is no kind is said by whoever needs it.
        let danger = client.kind(kind).ok().and_then(|definition| definition.danger);
        let Some(danger) = danger.filter(|_| confirm.is_none()) else { return Ok(()) };
        let mut question = FieldErrors::default();
        question.add(CONFIRM, danger);
        Err(question.into())
    }

    /// The client of the request's actor, which the guard of `taskdeck-axum` put into the request's extensions.
    ///
    /// # Errors
    /// When there is no request, or the guard is not around it.
    pub fn client() -> Result<Client, ApiError> {
        use_context::<Parts>().and_then(|parts| parts.extensions.get::<Client>().cloned()).ok_or_else(|| {
            let reason = "no deck: put taskdeck_axum::guard around Leptos's routes and server functions";
            ApiError(DeckError::Internal { reason: reason.to_owned() })
        })
    }

    /// What the page's `<meta name="taskdeck-now">` says: the moment at which it is made. Call it in the shell, around the
    /// app: times that are told by how long ago they are read the same in the HTML and in the browser then, and nothing
    /// moves when the page comes alive.
    #[must_use]
    pub fn page_clock() -> String {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        provide_context(MadeAt(now));
        now.to_string()
    }

    /// The error of a server function, after the response's status was set to it.
    pub(crate) fn refuse(error: DeckError) -> ApiError {
        answer_with_status(&error);
        ApiError(error)
    }

    /// Sets the response's status to the error's. Only where a server function itself is asked for by a program: a
    /// page that is rendered has its own status, and a plain form is redirected.
    pub(crate) fn answer_with_status(error: &DeckError) {
        if let Some(parts) = use_context::<Parts>()
            && parts.uri.path().contains("/_taskdeck/")
            && !is_plain_form(&parts)
            && let Ok(status) = StatusCode::from_u16(error.http_status())
            && let Some(response) = use_context::<ResponseOptions>()
        {
            response.set_status(status);
        }
    }

    /// Whether a form was sent without JavaScript.
    fn is_plain_form(parts: &Parts) -> bool {
        let accepts = parts.headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
        parts.method == Method::POST && accepts.is_some_and(|accept| accept.contains("text/html"))
    }

    /// Sends a plain form's sender to `path` under the base path; does nothing for a program.
    pub(crate) fn go_to(path: &str) {
        if let Some(parts) = use_context::<Parts>()
            && is_plain_form(&parts)
            && let Some(response) = use_context::<ResponseOptions>()
            && let Ok(location) = HeaderValue::from_str(&base(&parts).join(path))
        {
            response.insert_header(LOCATION, location);
            response.set_status(StatusCode::SEE_OTHER);
        }
    }

    /// Sends a plain form's sender back to where they came from, without an error that an earlier form left there.
    /// For server functions that plain forms post to.
    pub fn go_back() {
        if let Some(parts) = use_context::<Parts>()
            && is_plain_form(&parts)
            && let Some(response) = use_context::<ResponseOptions>()
            && let Some(back) = parts.headers.get(REFERER).and_then(|referer| referer.to_str().ok())
            && let Ok(location) = HeaderValue::from_str(without_error(back).trim_end_matches('?'))
        {
            response.insert_header(LOCATION, location);
            response.set_status(StatusCode::SEE_OTHER);
        }
    }

    /// An address without the error that an earlier form left there.
    fn without_error(address: &str) -> String {
        let mut address = address.to_owned();
        ServerFnUrlError::<ApiError>::strip_error_info(&mut address);
        address
    }

    fn base(parts: &Parts) -> BasePath {
        use_context().or_else(|| parts.extensions.get::<BasePath>().cloned()).unwrap_or_default()
    }

    /// The error of a form about one task: without JavaScript the sender goes back to where they came from, and the
    /// button of that task (and no other of its kind) shows the error.
    pub(crate) fn refuse_for(path: &str, id: TaskId, error: DeckError) -> ApiError {
        refuse_at(&error_path(path, id), error, None)
    }

    /// The same for what is no task; `about` tells the form from others that post to `path`.
    pub(crate) fn refuse_about(path: &str, about: &str, error: DeckError) -> ApiError {
        refuse_at(&error_key(path, about), error, None)
    }

    /// The error of a form that fills a page: without JavaScript the sender goes to `page` (under the base path), whose
    /// query says what was typed.
    pub(crate) fn refuse_to(path: &str, page: &str, query: &[(String, &str)], error: DeckError) -> ApiError {
        refuse_at(&error_key(path, ""), error, Some((page, query)))
    }

    fn refuse_at(key: &str, error: DeckError, page: Option<(&str, &[(String, &str)])>) -> ApiError {
        let error = refuse(error);
        if let Some(parts) = use_context::<Parts>()
            && is_plain_form(&parts)
            && let Some(response) = use_context::<ResponseOptions>()
            && let Some(back) = parts.headers.get(REFERER).and_then(|referer| referer.to_str().ok())
            && let Ok(mut back) = ServerFnUrlError::new(key, error.clone()).to_url(&without_error(back))
        {
            if let Some((page, query)) = page {
                let told: Vec<(String, String)> = back
                    .query_pairs()
                    .filter(|(name, _)| name.starts_with("__"))
                    .map(|(name, text)| (name.into_owned(), text.into_owned()))
                    .collect();
                back.set_path(&base(&parts).join(page));
                back.query_pairs_mut().clear().extend_pairs(query).extend_pairs(told);
            }
            if let Ok(location) = HeaderValue::from_str(back.as_str()) {
                response.insert_header(LOCATION, location);
            }
        }
        error
    }

    /// What the server runs with.
    pub(crate) fn facts() -> Result<About, DeckError> {
        let no_request = || DeckError::Internal { reason: "there is no request".to_owned() };
        let parts = use_context::<Parts>().ok_or_else(no_request)?;
        let client = client().map_err(|error| error.0)?;
        taskdeck_axum::about(&client, &parts.extensions)
    }

    /// Tries a task again, or at once.
    pub(crate) async fn retry_from_form(
        client: &Client,
        id: TaskId,
        confirm: Option<String>,
    ) -> Result<TaskState, DeckError> {
        let task = client.get(id).await?;
        // What is scheduled runs anyway.
        if task.status.can_retry() {
            ask_of_danger(client, task.kind.as_str(), confirm.as_ref())?;
        }
        client.retry(id).await
    }

    /// Answers the question of a task with what a form holds.
    ///
    /// # Errors
    /// Those of [`Client::answer`].
    pub async fn answer_from_form(
        client: &Client,
        id: TaskId,
        key: Option<String>,
        approved: bool,
        fields: BTreeMap<String, String>,
    ) -> Result<TaskState, DeckError> {
        let detail = client.detail(id).await?;
        let asked = detail.questions.into_iter().find(|asked| {
            asked.outcome == QuestionOutcome::Open
                && key.as_ref().is_none_or(|key| *key == asked.question.key)
        });
        let mut answer = AnswerRequest { key, approved, ..AnswerRequest::default() };
        // What is wrong with there being no question, the deck says itself.
        if let Some(asked) = asked {
            let wanted = asked.question.fields;
            // The fields of a question are read as those of a kind.
            let params = if approved { wanted } else { form::when_declined(&wanted) };
            let definition = Definition { params, ..Definition::new(detail.task.kind) };
            let fields: Vec<_> = fields.into_iter().collect();
            answer.fields = form::decode(&definition, &fields, &BTreeMap::new())?;
        }
        client.answer(id, answer).await
    }

    /// A start form that was refused.
    #[derive(Clone, Debug)]
    pub struct FormRejection {
        /// The kind that was to be started, if the form named one.
        pub kind: Option<Kind>,
        /// The task that was to be tried again, if the form named one.
        pub task: Option<TaskId>,
        /// Why it was refused.
        pub error: DeckError,
        /// What was typed, by field, so that the form can be shown again with it; without secrets.
        pub fields: Vec<(String, String)>,
    }

    impl FormRejection {
        fn new(error: DeckError) -> Self {
            Self { kind: None, task: None, error, fields: Vec::new() }
        }

        /// The form to show again; none when the form named no kind.
        #[must_use]
        pub fn draft(&self) -> Option<FormDraft> {
            let error = ApiError(self.error.clone());
            let errors = error.fields().cloned();
            let problem = errors.is_none().then(|| error.to_string());
            let kind = self.kind.clone()?;
            Some(FormDraft { kind, fields: self.fields.clone(), errors: errors.unwrap_or_default(), problem })
        }
    }

    /// Starts the task that a start form asks for: reads the form (files go to the deck as they come), checks it
    /// against the kind's definition, and starts. A kind with a danger needs the form's own `_confirm`.
    ///
    /// # Errors
    /// The refusal, with what was typed.
    pub async fn start_from_form(client: &Client, body: Multipart<'_>) -> Result<Started, FormRejection> {
        let form = taskdeck_axum::upload::read_form(client, None, body).await.map_err(FormRejection::new)?;
        let definition = definition_of(client, &form)?;
        let kind = &definition.kind;
        let rejected = |error: DeckError| FormRejection {
            kind: Some(kind.clone()),
            task: None,
            error,
            fields: without_secrets(&definition.params, form.fields.clone()),
        };
        let request = confirmed(&definition, &form, form.request(&definition)).map_err(rejected)?;
        client.start(kind.as_str(), request).await.map_err(rejected)
    }

    /// Gives the failed task that a form names (`_task`) the params that it holds, and tries it again. Files and secrets
    /// that it has stay where the form brings no others.
    ///
    /// # Errors
    /// The refusal, with what was typed.
    pub async fn edit_from_form(client: &Client, body: Multipart<'_>) -> Result<Started, FormRejection> {
        let form = taskdeck_axum::upload::read_form(client, None, body).await.map_err(FormRejection::new)?;
        let definition = definition_of(client, &form)?;
        let task = form.fields.iter().find(|(name, _)| name == "_task").and_then(|(_, id)| id.parse().ok());
        let rejected = |error: DeckError| FormRejection {
            kind: Some(definition.kind.clone()),
            task,
            error,
            fields: without_secrets(&definition.params, form.fields.clone()),
        };
        let edited = async {
            let id = task.ok_or_else(DeckError::task_not_found)?;
            let detail = client.detail(id).await?;
            if detail.task.kind != definition.kind {
                return Err(DeckError::BadRequest { reason: "the task is of another kind".to_owned() });
            }
            let params = form.params(&form::with_secrets_kept(definition.clone())).map_err(DeckError::from);
            let mut params = confirmed(&definition, &form, params)?;
            form::keep_typed_secrets(&definition, &mut params, &detail.params);
            client.set_params(id, params).await?;
            client.retry(id).await
        };
        let task = edited.await.map_err(rejected)?;
        Ok(Started { task, deduplicated: false })
    }

    /// The kind that a form names.
    fn definition_of(client: &Client, form: &FormParts) -> Result<Definition, FormRejection> {
        let Some(kind) = &form.kind else {
            let reason = "the form does not say which kind it is of (`_kind`)".to_owned();
            return Err(FormRejection::new(DeckError::BadRequest { reason }));
        };
        client.kind(kind).map_err(FormRejection::new)
    }

    /// What a form says, if a kind with a danger has the form's own `_confirm` too.
    fn confirmed<T>(
        definition: &Definition,
        form: &FormParts,
        read: Result<T, DeckError>,
    ) -> Result<T, DeckError> {
        if definition.danger.is_none() || form.fields.iter().any(|(name, _)| name == CONFIRM) {
            return read;
        }
        let mut errors = FieldErrors::default();
        errors.add(CONFIRM, UNCONFIRMED);
        if let Err(DeckError::InvalidParams { fields }) = read {
            errors.0.extend(fields.0);
        }
        Err(errors.into())
    }

    /// What was typed, as a page may show it again: a secret is typed anew.
    #[must_use]
    pub fn without_secrets(params: &[Param], mut fields: Vec<(String, String)>) -> Vec<(String, String)> {
        let is_secret =
            |name: &String| params.iter().any(|param| param.name == *name && param.kind.is_secret());
        fields.retain(|(name, _)| !is_secret(name));
        fields
    }
}
