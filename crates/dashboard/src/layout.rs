//! The frame of every page: the rail with the pages and the counts, the bar above, the page itself.

use leptos::adopt;
use leptos::prelude::*;
use leptos_router::components::Outlet;
use leptos_router::hooks::use_location;
use taskdeck_ui::{ConnectionNotice, Erase, Icon, ToastList, provide_live, provide_toasts, use_base};

use crate::keys::Keys;
use crate::parts::bell::{Bell, NewCount};
use crate::parts::status_counts::{CountsSeed, StatusCounts};
use crate::paths;
use crate::routes::bring_what_is_pointed_at;
use crate::theme::ThemeSwitch;

/// The frame around the page of a route.
#[component]
pub(crate) fn Layout() -> impl IntoView {
    view! { <Frame>{adopt(Outlet())}</Frame> }
}

/// The frame around any page. It provides the live store.
#[component]
pub(crate) fn Frame(
    /// The page.
    children: Children,
) -> impl IntoView {
    provide_live();
    CountsSeed::provide();
    NewCount::provide();
    provide_toasts();
    bring_what_is_pointed_at();
    let location = use_location();
    // Read as a whole, so that what is typed into a search does not touch the frame.
    let path = Memo::new(move |_| location.pathname.get());
    view! {
        <a class="dash-skip" href="#content">"Skip to the content"</a>
        <div class="dash">
            <aside class="dash-rail" aria-label="Taskdeck">
                <a class="dash-brand" href=paths::at("/")>
                    <img src=paths::at("/favicon.svg") alt="" width="22" height="22"/>
                    "Taskdeck"
                </a>
                <nav class="dash-nav" aria-label="Pages">
                    <NavLink path href=paths::overview("") icon="activity">"Overview"</NavLink>
                    <NavLink path href=paths::tasks("") icon="list-checks">"Tasks"</NavLink>
                    <NavLink path href=paths::start() icon="play">"Start"</NavLink>
                    <NavLink path href=paths::queues() icon="layers">"Queues"</NavLink>
                    <NavLink path href=paths::schedules() icon="calendar-clock">"Schedules"</NavLink>
                    <NavLink path href=paths::workers() icon="cpu">"Workers"</NavLink>
                    <NavLink path href=paths::settings() icon="settings">"Settings"</NavLink>
                </nav>
                <StatusCounts/>
            </aside>
            <header class="dash-top">
                <Crumbs path/>
                <Keys/>
                <Bell/>
                <ConnectionNotice/>
                <ThemeSwitch/>
            </header>
            <main class="dash-main" id="content" tabindex="-1">
                // As text, since a browser that runs scripts does not parse what is inside.
                <noscript inner_html=no_script()></noscript>
                {children()}
            </main>
        </div>
        <ToastList/>
    }
    .erase_waiting()
}

/// The address is the page's own: that of a form that was refused is where it was posted to.
fn no_script() -> String {
    if cfg!(target_arch = "wasm32") {
        return String::new();
    }
    let address = escaped(&use_location().pathname.get_untracked());
    format!(
        "<p class=\"dash-noscript\">JavaScript is off: this page shows how things stood when it was loaded. \
         <a href=\"{address}\">Load it again</a> to see what is new.</p>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;")
}

#[component]
fn NavLink(
    /// Where the browser is.
    path: Memo<String>,
    /// Where the link leads.
    href: String,
    /// Its icon.
    icon: &'static str,
    /// Its text.
    children: Children,
) -> impl IntoView {
    let target = href.clone();
    let current = move || path.with(|path| is_within(path, &target)).then_some("page");
    view! {
        <a href=href aria-current=current>
            <Icon name=icon/>
            {children()}
        </a>
    }
    .erase()
}

fn is_within(path: &str, section: &str) -> bool {
    // The overview holds no other page, wherever the deck is mounted.
    if section.ends_with('/') {
        return path.trim_end_matches('/') == section.trim_end_matches('/');
    }
    path.strip_prefix(section).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Where this page is: its section, and what of it.
#[component]
fn Crumbs(
    /// Where the browser is.
    path: Memo<String>,
) -> impl IntoView {
    let base = use_base();
    let crumbs = move || {
        path.with(|path| {
            let below = path.strip_prefix(base.as_str()).unwrap_or(path);
            let mut segments = below.split('/').filter(|segment| !segment.is_empty());
            let section = match segments.next() {
                Some("tasks") => ("Tasks", base.join("/tasks")),
                Some("start") => ("Start", base.join("/start")),
                Some("queues") => ("Queues", base.join("/queues")),
                Some("schedules") => ("Schedules", base.join("/schedules")),
                Some("workers") => ("Workers", base.join("/workers")),
                Some("inbox") => ("Notifications", base.join("/inbox")),
                Some("settings") => ("Settings", base.join("/settings")),
                None => ("Overview", base.join("/")),
                Some(_) => return None,
            };
            let leaf = segments.next().map(|leaf| match leaf {
                "_new" => "new",
                "bulk" => "Many at once",
                leaf => leaf,
            });
            let leaf = leaf.map(ToOwned::to_owned);
            Some((section, leaf))
        })
    };
    move || {
        crumbs().map(|((title, href), leaf)| {
            let section = match &leaf {
                Some(_) => view! { <a href=href>{title}</a> }.erase(),
                None => view! { <span aria-current="page">{title}</span> }.erase(),
            };
            let leaf = leaf.map(|leaf| {
                view! {
                    <li>
                        <Icon name="chevron-right"/>
                        <code aria-current="page">{leaf}</code>
                    </li>
                }
            });
            view! {
                <nav class="dash-crumbs" aria-label="Where this is">
                    <ol><li>{section}</li>{leaf}</ol>
                </nav>
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_section_holds_its_pages_and_no_other() {
        assert!(is_within("/tasks", "/tasks") && is_within("/tasks/1", "/tasks"));
        assert!(!is_within("/tasksx", "/tasks") && !is_within("/start", "/tasks"));
        assert!(is_within("/", "/") && is_within("/deck", "/deck/"));
        assert!(!is_within("/tasks", "/") && !is_within("/deck/tasks", "/deck/"));
    }
}
