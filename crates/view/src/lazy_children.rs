//! The children of components.

use leptos::children::{self, Children, ChildrenFn, ChildrenOptContainer, TypedChildren};
use leptos_router::components::RouteChildren;

use crate::foreign::erase;
use crate::node::{IntoView, Node};

/// What `view!` calls to hand children to a component.
///
/// It stands where leptos has a trait of the same name: what is between the tags of a component becomes data before
/// its type is forgotten, so that there is one such type.
pub trait ToChildren<F> {
    /// The children as the component takes them.
    fn to_children(children: F) -> Self;
}

impl<F, V> ToChildren<F> for Children
where
    F: FnOnce() -> V + Send + 'static,
    V: IntoView,
{
    fn to_children(children: F) -> Self {
        Box::new(move || erase(children()))
    }
}

impl<V: IntoView> ToChildren<ChildrenOptContainer<V>> for Children {
    fn to_children(children: ChildrenOptContainer<V>) -> Self {
        Box::new(move || erase(children.0))
    }
}

impl<F, V> ToChildren<F> for ChildrenFn
where
    F: Fn() -> V + Send + Sync + 'static,
    V: IntoView,
{
    fn to_children(children: F) -> Self {
        std::sync::Arc::new(move || erase(children()))
    }
}

impl<F, V> ToChildren<F> for TypedChildren<V>
where
    Self: children::ToChildren<F>,
{
    fn to_children(children: F) -> Self {
        children::ToChildren::to_children(children)
    }
}

impl<F, V> ToChildren<F> for RouteChildren<V>
where
    Self: children::ToChildren<F>,
{
    fn to_children(children: F) -> Self {
        children::ToChildren::to_children(children)
    }
}

/// The children of a component that shows them once.
pub struct NodeChildren(Box<dyn FnOnce() -> Node + Send>);

impl NodeChildren {
    pub(crate) fn into_inner(self) -> Box<dyn FnOnce() -> Node + Send> {
        self.0
    }
}

impl<F, V> ToChildren<F> for NodeChildren
where
    F: FnOnce() -> V + Send + 'static,
    V: IntoView,
{
    fn to_children(children: F) -> Self {
        Self(Box::new(move || children().into_node()))
    }
}
