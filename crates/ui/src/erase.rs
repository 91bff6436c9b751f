//! Type-erased views at a fraction of the price.

use leptos::prelude::AnyView;
#[cfg(feature = "ssr")]
use leptos::prelude::RenderHtml;

/// Erases the type of a view, as `into_any` does, with less code.
///
/// `into_any` keeps every way of rendering that there is, for every type of view: on the server each is compiled
/// twice as a stream and once more for what it is when nothing is awaited in it any more (two minutes of the release
/// build of our pages). In the browser it is data already (`taskdeck-view`), and there is but one type of it.
pub trait Erase {
    /// The view without its type. Nothing may be awaited in it: no `Suspend`, no `<Suspense/>`, no children from
    /// elsewhere that may hold one. What is awaited would be left out of the server's HTML.
    fn erase(self) -> AnyView;

    /// The view without its type, where something may be awaited in it.
    fn erase_waiting(self) -> AnyView;
}

#[cfg(feature = "ssr")]
impl<T: RenderHtml + 'static> Erase for T {
    fn erase(self) -> AnyView {
        crate::server_view::still(self)
    }

    fn erase_waiting(self) -> AnyView {
        crate::server_view::waiting(self)
    }
}

#[cfg(not(feature = "ssr"))]
impl<T: leptos::IntoView> Erase for T {
    fn erase(self) -> AnyView {
        leptos::erase(self)
    }

    fn erase_waiting(self) -> AnyView {
        leptos::erase(self)
    }
}
