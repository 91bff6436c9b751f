//! Type-erased views at a fraction of the price.

use leptos::attr::Attribute;
use leptos::attr::any_attribute::AnyAttribute;
use leptos::prelude::{AddAnyAttr, AnyView, IntoAny, Render, RenderHtml};
use leptos::tachys::hydration::Cursor;
use leptos::tachys::ssr::StreamBuilder;
use leptos::tachys::view::{Position, PositionState};

/// Erases the type of a view, as `into_any` does, with less code.
///
/// `into_any` keeps every way of rendering that there is, for every type of view: on the server each is compiled
/// twice as a stream and once more for what it is when nothing is awaited in it any more (two minutes of the release
/// build of our pages); for the browser a second way to hydrate, as a state machine of the whole view, for pages
/// whose code is loaded in pieces.
pub trait Erase {
    /// The view without its type. Nothing may be awaited in it: no `Suspend`, no `<Suspense/>`, no children from
    /// elsewhere that may hold one. What is awaited would be left out of the server's HTML.
    fn erase(self) -> AnyView;

    /// The view without its type, where something may be awaited in it.
    fn erase_waiting(self) -> AnyView;
}

impl<T: RenderHtml + 'static> Erase for T {
    fn erase(self) -> AnyView {
        Still(self).into_any()
    }

    fn erase_waiting(self) -> AnyView {
        Waiting(self).into_any()
    }
}

/// A view in which nothing is awaited.
struct Still<T>(T);

/// A view in which something may be awaited.
struct Waiting<T>(T);

/// What is the same for both.
macro_rules! wrap {
    ($wrapper:ident) => {
        // On a server there is no page to build.
        #[cfg(feature = "ssr")]
        impl<T: Render> Render for $wrapper<T> {
            type State = ();

            fn build(self) {}

            fn rebuild(self, (): &mut ()) {}
        }

        #[cfg(not(feature = "ssr"))]
        impl<T: Render> Render for $wrapper<T> {
            type State = T::State;

            fn build(self) -> Self::State {
                self.0.build()
            }

            fn rebuild(self, state: &mut Self::State) {
                self.0.rebuild(state);
            }
        }

        impl<T: RenderHtml + 'static> AddAnyAttr for $wrapper<T> {
            type Output<A: Attribute> = $wrapper<<<T as AddAnyAttr>::Output<A> as RenderHtml>::Owned>;

            fn add_any_attr<A: Attribute>(self, attribute: A) -> Self::Output<A>
            where
                Self::Output<A>: RenderHtml,
            {
                $wrapper(self.0.add_any_attr(attribute).into_owned())
            }
        }
    };
}

wrap!(Still);
wrap!(Waiting);

/// What is the same of rendering; it cannot be in the macro above, since a trait is written in one piece.
macro_rules! wrapped_rendering {
    () => {
        type Owned = Self;

        const MIN_LENGTH: usize = T::MIN_LENGTH;
        const EXISTS: bool = T::EXISTS;

        fn dry_resolve(&mut self) {
            self.0.dry_resolve();
        }

        fn html_len(&self) -> usize {
            self.0.html_len()
        }

        fn to_html_with_buf(
            self,
            buf: &mut String,
            position: &mut Position,
            escape: bool,
            mark_branches: bool,
            extra_attrs: Vec<AnyAttribute>,
        ) {
            self.0.to_html_with_buf(buf, position, escape, mark_branches, extra_attrs);
        }

        #[cfg(feature = "ssr")]
        fn hydrate<const FROM_SERVER: bool>(self, _: &Cursor, _: &PositionState) {}

        #[cfg(not(feature = "ssr"))]
        fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Self::State {
            self.0.hydrate::<FROM_SERVER>(cursor, position)
        }

        fn into_owned(self) -> Self {
            self
        }
    };
}

impl<T: RenderHtml + 'static> RenderHtml for Still<T> {
    type AsyncOutput = Self;

    wrapped_rendering!();

    async fn resolve(self) -> Self {
        self
    }
}

impl<T: RenderHtml + 'static> RenderHtml for Waiting<T> {
    type AsyncOutput = T::AsyncOutput;

    wrapped_rendering!();

    async fn resolve(self) -> T::AsyncOutput {
        self.0.resolve().await
    }

    fn to_html_async_with_buf<const OUT_OF_ORDER: bool>(
        self,
        buf: &mut StreamBuilder,
        position: &mut Position,
        escape: bool,
        mark_branches: bool,
        extra_attrs: Vec<AnyAttribute>,
    ) {
        self.0.to_html_async_with_buf::<OUT_OF_ORDER>(buf, position, escape, mark_branches, extra_attrs);
    }
}
