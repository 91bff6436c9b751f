//! Leptos's own components, as ours.

#![expect(unreachable_pub, reason = "`#[component]` writes public items into private modules")]

use std::hash::Hash;

use leptos::children::{self, ChildrenFn, ViewFn, ViewFnOnce};
use leptos::prelude::{ArcMemo, Get, SignalSetter, component};
use leptos::text_prop::TextProp;
use leptos_meta::Formatter;

use crate::foreign::adopt;
use crate::lazy_children::NodeChildren;
use crate::node::{IntoView, Node};

/// See leptos's own.
#[component]
pub fn Suspense(
    /// What is shown while something is loaded.
    #[prop(optional, into)]
    fallback: ViewFnOnce,
    /// What is shown.
    children: NodeChildren,
) -> impl IntoView {
    let children = children::ToChildren::to_children(children.into_inner());
    adopt(leptos::prelude::Suspense(leptos::prelude::SuspenseProps::<Node> { fallback, children }))
}

/// See leptos's own.
#[component]
pub fn Transition(
    /// What is shown until something is loaded for the first time.
    #[prop(optional, into)]
    fallback: ViewFnOnce,
    /// Whether something is loaded.
    #[prop(optional, into)]
    set_pending: Option<SignalSetter<bool>>,
    /// What is shown.
    children: NodeChildren,
) -> impl IntoView {
    let children = children::ToChildren::to_children(children.into_inner());
    adopt(leptos::prelude::Transition(leptos::prelude::TransitionProps::<Node> {
        fallback,
        set_pending,
        children,
    }))
}

/// See leptos's own.
#[component]
pub fn Show<W>(
    /// What is shown when it is true.
    children: ChildrenFn,
    /// Whether it is shown.
    when: W,
    /// What is shown otherwise.
    #[prop(optional, into)]
    fallback: ViewFn,
) -> impl IntoView
where
    W: Fn() -> bool + Send + Sync + 'static,
{
    let when = ArcMemo::new(move |_| when());
    move || if when.get() { children() } else { fallback.run() }
}

/// See leptos's own.
#[component]
pub fn For<IF, I, T, EF, N, KF, K>(
    /// The items.
    each: IF,
    /// What tells an item from others.
    key: KF,
    /// The view of an item.
    children: EF,
) -> impl IntoView
where
    IF: Fn() -> I + Send + 'static,
    I: IntoIterator<Item = T> + Send + 'static,
    EF: Fn(T) -> N + Send + Clone + 'static,
    N: IntoView,
    KF: Fn(&T) -> K + Send + Clone + 'static,
    K: Eq + Hash + 'static,
    T: Send + 'static,
{
    let props = leptos::prelude::ForProps::builder();
    let props = props.each(each).key(key).children(move |item| children(item).into_node());
    adopt(leptos::prelude::For(props.build()))
}

/// See leptos_meta's own.
#[component]
pub fn Title(
    /// What makes the title of the page's text.
    #[prop(optional, into)]
    formatter: Option<Formatter>,
    /// The page's text.
    #[prop(optional, into)]
    text: Option<TextProp>,
) -> impl IntoView {
    adopt(leptos_meta::Title(leptos_meta::TitleProps { formatter, text }))
}
