//! A view without its type, for the server.

use leptos::attr::Attribute;
use leptos::attr::any_attribute::AnyAttribute;
use leptos::prelude::{AddAnyAttr, AnyView, IntoAny, Render, RenderHtml};
use leptos::tachys::hydration::Cursor;
use leptos::tachys::ssr::StreamBuilder;
use leptos::tachys::view::{Position, PositionState};

/// A view in which nothing is awaited.
pub(crate) fn still<T: RenderHtml + 'static>(view: T) -> AnyView {
    Still(view).into_any()
}

/// A view in which something may be awaited.
pub(crate) fn waiting<T: RenderHtml + 'static>(view: T) -> AnyView {
    Waiting(view).into_any()
}

/// A view in which nothing is awaited.
struct Still<T>(T);

/// A view in which something may be awaited.
struct Waiting<T>(T);

/// What is the same for both.
macro_rules! wrap {
    ($wrapper:ident) => {
        // On a server there is no page to build.
        impl<T: Render> Render for $wrapper<T> {
            type State = ();

            fn build(self) {}

            fn rebuild(self, (): &mut ()) {}
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

        fn hydrate<const FROM_SERVER: bool>(self, _: &Cursor, _: &PositionState) {}

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
