//! Which page is shown, in a browser that need not know of routes.
//!
//! `leptos_router`'s `<Routes>` is made for routes of any shape, with a type for each: that is a twentieth of what a
//! page loads. On the server, which must know all routes beforehand, it has the dashboard's; in the browser these pages
//! can be found by their path just as well.

use leptos::prelude::*;
use leptos::reactive::transition::AsyncTransition;
use leptos::task::spawn_local;
use leptos_router::hooks::use_url;
use leptos_router::location::{BrowserUrl, LocationProvider, Url};
use leptos_router::params::ParamsMap;
use taskdeck_ui::{Erase, use_base};

use crate::NotFoundPage;
use crate::code::PageCode;
use crate::layout::Frame;
use crate::routes::{page_at, params_at};

/// What is to be shown.
#[derive(Clone, Copy)]
enum Place {
    /// A page of the dashboard, in its frame.
    Ours(&'static PageCode),
    /// A page of the app.
    Other(&'static PageCode),
    /// There is no such page.
    Missing,
}

impl Place {
    fn page(self) -> Option<&'static PageCode> {
        match self {
            Self::Ours(page) | Self::Other(page) => Some(page),
            Self::Missing => None,
        }
    }

    /// Whether this page is framed as the other is: then the frame stays.
    fn is_framed_as(self, other: Self) -> bool {
        matches!((self, other), (Self::Ours(_), Self::Ours(_)) | (Self::Missing, Self::Missing))
            || matches!((self, other), (Self::Other(one), Self::Other(two)) if std::ptr::eq(one, two))
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        match (self.page(), other.page()) {
            (Some(one), Some(other)) => std::ptr::eq(one, other),
            (one, other) => one.is_none() && other.is_none(),
        }
    }
}

/// The pages of the dashboard, and others of the app, by the path that the browser is at: in a browser, in the place
/// of `<Routes>` with [`DashboardRoutes`](crate::DashboardRoutes) and one route for each other page.
#[component]
pub fn Browse(
    /// The app's own page at a path below the base path.
    #[prop(optional)]
    others: Option<fn(&str) -> Option<&'static PageCode>>,
) -> impl IntoView {
    let url = use_url();
    let place = Memo::new(move |_| {
        url.with(|url| {
            let path = below_base(url.path());
            let other = others.and_then(|others| others(&path)).map(Place::Other);
            other.or_else(|| page_at(&path).map(Place::Ours)).unwrap_or(Place::Missing)
        })
    });
    let framed = Memo::new(move |before: Option<&Place>| {
        let now = place.get();
        before.copied().filter(|before| before.is_framed_as(now)).unwrap_or(now)
    });
    let location = use_context::<BrowserUrl>();
    Effect::new(move |_| {
        framed.track();
        if let Some(location) = &location {
            location.ready_to_complete();
        }
    });
    move || match framed.get() {
        Place::Ours(_) => view! { <Framed url place/> }.erase_waiting(),
        Place::Other(page) => page.show(),
        Place::Missing => view! { <NotFoundPage/> }.erase_waiting(),
    }
}

fn below_base(path: &str) -> String {
    path.strip_prefix(use_base().as_str()).unwrap_or(path).to_owned()
}

/// A page that is shown, with what it owns.
struct Shown {
    page: &'static PageCode,
    owner: Owner,
    url: ArcRwSignal<Url>,
    view: Option<AnyView>,
}

impl Shown {
    /// Makes a page. It has an address of its own, which does not change any more when the browser goes to another.
    fn of(page: &'static PageCode, parent: &Owner, url: Url) -> Self {
        let owner = parent.with(Owner::new);
        let url = ArcRwSignal::new(url);
        let view = owner.with(|| {
            provide_context(url.clone());
            let of_url = url.clone();
            provide_context(ArcMemo::<ParamsMap>::new(move |_| {
                of_url.with(|url| params_at(&below_base(url.path())))
            }));
            untrack(|| page.show())
        });
        Self { page, owner, url, view: Some(view) }
    }
}

/// The frame, and in it the page; the one before stays until the new one has loaded what it shows.
#[component]
fn Framed(
    /// Where the browser is.
    url: ReadSignal<Url>,
    /// Which page is there.
    place: Memo<Place>,
) -> impl IntoView {
    let Some(parent) = Owner::current() else { return ().erase() };
    let of_first = parent.clone();
    let shown = StoredValue::new_local(None::<Shown>);
    let came = RwSignal::new(());
    let at = StoredValue::new(place.get_untracked());
    let location = use_context::<BrowserUrl>();
    Effect::new(move |_| {
        let (now, there) = (place.get(), url.get());
        let Place::Ours(page) = now else { return };
        if at.get_value() == now {
            // One that is on its way is told when it is there.
            let is_here = |shown: &&Shown| std::ptr::eq(shown.page, page);
            let of_page =
                shown.with_value(|shown| shown.as_ref().filter(is_here).map(|shown| shown.url.clone()));
            if let Some(of_page) = of_page {
                tell(&of_page, there);
            }
            return;
        }
        at.set_value(now);
        let (parent, location) = (parent.clone(), location.clone());
        spawn_local(async move {
            page.load().await;
            let made = AsyncTransition::run(|| async { Shown::of(page, &parent, there) }).await;
            // The reader may have gone elsewhere meanwhile.
            if at.try_get_value() != Some(now) {
                made.owner.cleanup();
                return;
            }
            tell(&made.url, url.get_untracked());
            let before = shown.try_update_value(|shown| shown.replace(made)).flatten();
            came.try_set(());
            if let Some(before) = before {
                before.owner.cleanup();
            }
            if let Some(location) = location {
                location.ready_to_complete();
            }
        });
    });
    // The first page is made in the frame, which provides what pages ask for.
    let page = move || {
        came.track();
        if let Some(page) = place.get_untracked().page().filter(|_| shown.with_value(Option::is_none)) {
            shown.set_value(Some(Shown::of(page, &of_first, url.get_untracked())));
        }
        shown.try_update_value(|shown| shown.as_mut().and_then(|shown| shown.view.take())).flatten()
    };
    view! { <Frame>{page}</Frame> }.erase_waiting()
}

/// Tells a page its address, if it is another.
fn tell(of_page: &ArcRwSignal<Url>, url: Url) {
    if of_page.with_untracked(|old| *old != url) {
        of_page.set(url);
    }
}
