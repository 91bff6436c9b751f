//! What the host of the components tells them by context.

use std::collections::BTreeSet;
use std::sync::Arc;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use taskdeck_core::{FieldErrors, Kind, TaskId};

use crate::{ApiError, browser};

/// Where the deck is mounted: empty for `/`, else like `/deck`. Every link, form action and request begins with it.
///
/// On the server it is a context, or in the request's extensions (for server functions). In the browser it is the
/// context, else what the page's `<meta name="taskdeck-base">` says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BasePath(Arc<str>);

impl BasePath {
    /// The base path; slashes at its end are left out.
    #[must_use]
    pub fn new(path: &str) -> Self {
        Self(path.trim_end_matches('/').into())
    }

    /// The path under the deck: `join("/tasks")` is `/deck/tasks`.
    #[must_use]
    pub fn join(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }

    /// The path of a task's page.
    #[must_use]
    pub fn task(&self, id: TaskId) -> String {
        self.join(&format!("/tasks/{id}"))
    }

    /// The base path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Tells the components where the deck is mounted.
pub fn provide_base(path: &str) {
    provide_context(BasePath::new(path));
}

/// Where the deck is mounted.
#[must_use]
pub fn use_base() -> BasePath {
    use_context().unwrap_or_else(browser::base_path)
}

/// What the viewer may do, so that buttons they may not use are not shown. The server decides; this only hides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether they may start, cancel, retry and delete tasks.
    pub operate: bool,
    /// The permissions that they have; none: all that there are.
    pub permissions: Option<BTreeSet<String>>,
}

impl Access {
    /// Whether the viewer has all of these permissions.
    #[must_use]
    pub fn has(&self, required: impl IntoIterator<Item = impl AsRef<str>>) -> bool {
        let Some(own) = &self.permissions else { return true };
        required.into_iter().all(|one| own.contains(one.as_ref()))
    }
}

/// What the viewer may do; everything where nobody said otherwise.
#[must_use]
pub fn use_access() -> Access {
    use_context().unwrap_or(Access { operate: true, permissions: None })
}

/// A start form that the server refused: provide it as a context when the page is rendered again, and the form shows
/// what was typed and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormDraft {
    /// The kind that was to be started; the form of another kind takes no notice.
    pub kind: Kind,
    /// What was typed, by field. (Browsers do not let a page fill in a file again.)
    pub fields: Vec<(String, String)>,
    /// What is wrong with each field.
    pub errors: FieldErrors,
    /// What is wrong besides, if anything.
    pub problem: Option<String>,
}

/// An answer that the server refused: provide it as a context when the task's page is rendered again, and the question
/// shows what was typed and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnswerDraft {
    /// The task that asks.
    pub task: TaskId,
    /// What was typed, by field.
    pub fields: Vec<(String, String)>,
    /// Why it was refused.
    pub error: ApiError,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_viewer_without_a_permission_lacks_it_and_one_of_whom_nothing_is_said_does_not() {
        let required = ["money".to_owned()];
        let viewer = |own: &[&str]| Access {
            operate: true,
            permissions: Some(own.iter().map(|name| (*name).to_owned()).collect()),
        };
        assert!(viewer(&["money", "more"]).has(&required));
        assert!(!viewer(&["more"]).has(&required));
        assert!(viewer(&[]).has(&[] as &[String]));
        assert!(Access { operate: true, permissions: None }.has(&required));
    }

    #[test]
    fn paths_begin_with_the_base() {
        assert_eq!(BasePath::default().join("/tasks"), "/tasks");
        assert_eq!(BasePath::new("/deck/").join("/tasks"), "/deck/tasks");
    }
}
