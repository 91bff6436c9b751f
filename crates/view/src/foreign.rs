//! Views of leptos's own kind among ours, and ours among them.

use std::any::{Any, TypeId};

use leptos::prelude::{AnyView, IntoAny, Mountable, RenderHtml};
use leptos::tachys::hydration::Cursor;
use leptos::tachys::view::PositionState;
use web_sys::{Element, Node as DomNode};

use crate::node::{IntoView, Node};

/// Takes in a view that another crate made with leptos itself.
pub fn adopt<T: RenderHtml + 'static>(view: T) -> Node {
    Node::Other(Box::new(view))
}

/// The view as leptos's own view without a type.
pub fn erase<T: IntoView>(view: T) -> AnyView {
    let node = view.into_node();
    // Where leptos forgets the type of a view that is nothing in the page, it adds a comment as its place.
    let node = if T::EXISTS { node } else { Node::Several(vec![node, Node::Nothing]) };
    node.into_any()
}

/// What is left of a type of view.
pub trait Foreign: Send {
    /// Makes the view.
    fn build(self: Box<Self>) -> ShownForeign;
    /// Shows the view in the place of another.
    fn rebuild(self: Box<Self>, shown: &mut ShownForeign);
    /// Finds the view in what the server made.
    fn hydrate(self: Box<Self>, cursor: &Cursor, position: &PositionState) -> ShownForeign;
}

/// What such a view is in the page.
trait State: Mountable + Any {}

impl<T: Mountable + Any> State for T {}

/// A view of leptos's own kind in the page.
pub struct ShownForeign {
    /// Which type of view it was: two may have one type of state and be different elements.
    view: TypeId,
    state: Box<dyn State>,
}

impl<T: RenderHtml + 'static> Foreign for T {
    fn build(self: Box<Self>) -> ShownForeign {
        ShownForeign { view: TypeId::of::<T>(), state: Box::new((*self).build()) }
    }

    fn rebuild(self: Box<Self>, shown: &mut ShownForeign) {
        let state: &mut dyn Any = &mut *shown.state;
        match state.downcast_mut::<T::State>() {
            Some(state) if shown.view == TypeId::of::<T>() => (*self).rebuild(state),
            _ => {
                let mut other = Foreign::build(self);
                shown.insert_before_this(&mut other);
                shown.unmount();
                *shown = other;
            }
        }
    }

    fn hydrate(self: Box<Self>, cursor: &Cursor, position: &PositionState) -> ShownForeign {
        ShownForeign { view: TypeId::of::<T>(), state: Box::new((*self).hydrate::<true>(cursor, position)) }
    }
}

impl Mountable for ShownForeign {
    fn unmount(&mut self) {
        self.state.unmount();
    }

    fn mount(&mut self, parent: &Element, marker: Option<&DomNode>) {
        self.state.mount(parent, marker);
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        self.state.insert_before_this(child)
    }

    fn elements(&self) -> Vec<Element> {
        self.state.elements()
    }
}
