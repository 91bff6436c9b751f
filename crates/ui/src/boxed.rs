//! A view on the heap, for the browser.

use std::any::{Any, TypeId};

use leptos::attr::Attribute;
use leptos::attr::any_attribute::AnyAttribute;
use leptos::prelude::{AddAnyAttr, AnyView, IntoAny, Mountable, Render, RenderHtml};
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::Rndr;
use leptos::tachys::renderer::types::{Element, Node, Placeholder};
use leptos::tachys::view::{Position, PositionState};

/// A view whose type is gone. `AnyView` keeps a dozen functions for each type of view that it may hold; this one type
/// is all that it ever holds of ours, and keeps three.
struct Boxed(Box<dyn View>);

/// A view without its type.
pub(crate) fn boxed<T: RenderHtml + 'static>(view: T) -> AnyView {
    Boxed(Box::new(view)).into_any()
}

/// What is left of a type of view.
trait View: Send {
    fn build(self: Box<Self>) -> Shown;
    fn rebuild(self: Box<Self>, shown: &mut Shown);
    fn hydrate(self: Box<Self>, cursor: &Cursor, position: &PositionState) -> Shown;
}

/// What such a view is in the page.
trait State: Mountable + Any {}

impl<T: Mountable + Any> State for T {}

struct Shown {
    /// Which type of view it was: two may have one type of state and be different elements.
    view: TypeId,
    state: Box<dyn State>,
    /// A view that is nothing in the page has a comment as its place.
    placeholder: Option<Placeholder>,
}

impl<T: RenderHtml + 'static> View for T {
    fn build(self: Box<Self>) -> Shown {
        let state = Box::new((*self).build());
        Shown { view: TypeId::of::<T>(), state, placeholder: (!T::EXISTS).then(Rndr::create_placeholder) }
    }

    fn rebuild(self: Box<Self>, shown: &mut Shown) {
        let state: &mut dyn Any = &mut *shown.state;
        match state.downcast_mut::<T::State>() {
            Some(state) if shown.view == TypeId::of::<T>() => (*self).rebuild(state),
            _ => shown.replace(View::build(self)),
        }
    }

    fn hydrate(self: Box<Self>, cursor: &Cursor, position: &PositionState) -> Shown {
        let state = Box::new((*self).hydrate::<true>(cursor, position));
        let placeholder = (!T::EXISTS).then(|| cursor.next_placeholder(position));
        Shown { view: TypeId::of::<T>(), state, placeholder }
    }
}

impl Shown {
    /// Puts another view in the place of this one.
    fn replace(&mut self, mut other: Self) {
        self.insert_before_this(&mut other);
        self.unmount();
        *self = other;
    }
}

impl Mountable for Shown {
    fn unmount(&mut self) {
        self.state.unmount();
        if let Some(placeholder) = &mut self.placeholder {
            placeholder.unmount();
        }
    }

    fn mount(&mut self, parent: &Element, marker: Option<&Node>) {
        self.state.mount(parent, marker);
        if let Some(placeholder) = &mut self.placeholder {
            placeholder.mount(parent, marker);
        }
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.state.insert_before_this(child)
            || self.placeholder.as_ref().is_some_and(|placeholder| placeholder.insert_before_this(child))
    }

    fn elements(&self) -> Vec<Element> {
        self.state.elements()
    }
}

impl Render for Boxed {
    type State = Shown;

    fn build(self) -> Shown {
        self.0.build()
    }

    fn rebuild(self, shown: &mut Shown) {
        self.0.rebuild(shown);
    }
}

impl AddAnyAttr for Boxed {
    type Output<A: Attribute> = <AnyView as AddAnyAttr>::Output<A>;

    fn add_any_attr<A: Attribute>(self, attribute: A) -> Self::Output<A>
    where
        Self::Output<A>: RenderHtml,
    {
        self.into_any().add_any_attr(attribute)
    }
}

impl RenderHtml for Boxed {
    type AsyncOutput = Self;
    type Owned = Self;

    const MIN_LENGTH: usize = 0;

    fn dry_resolve(&mut self) {}

    async fn resolve(self) -> Self {
        self
    }

    fn html_len(&self) -> usize {
        0
    }

    /// A browser writes no HTML.
    fn to_html_with_buf(self, _: &mut String, _: &mut Position, _: bool, _: bool, _: Vec<AnyAttribute>) {}

    fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Shown {
        self.0.hydrate(cursor, position)
    }

    fn into_owned(self) -> Self {
        self
    }
}
