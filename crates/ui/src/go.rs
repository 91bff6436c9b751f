//! Going to another page.

use std::sync::Arc;

use leptos::prelude::use_context;
use leptos_router::NavigateOptions;
use leptos_router::hooks::use_navigate;
use leptos_router::location::BrowserUrl;

use crate::browser;

/// Goes to a path (with the base path in it).
pub(crate) type Go = Arc<dyn Fn(&str) + Send + Sync>;

/// How to go to another page from here: through the router where there is one, else by loading the page. To be asked
/// for while the component is built, and used in event handlers.
pub(crate) fn use_go() -> Go {
    // Only a router in a browser provides this context.
    if use_context::<BrowserUrl>().is_none() {
        return Arc::new(browser::go_to);
    }
    let navigate = use_navigate();
    // The path is whole: the router must not put its own base before it.
    Arc::new(move |path| navigate(path, NavigateOptions { resolve: false, ..NavigateOptions::default() }))
}
