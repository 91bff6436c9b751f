//! A view as data.

use std::borrow::Cow;

use leptos::attr::Attribute;
use leptos::attr::any_attribute::AnyAttribute;
use leptos::either::Either;
use leptos::prelude::{
    AddAnyAttr, AnyView, Get, IntoAny, ReadSignal, Render, RenderHtml, RwSignal, Signal, Suspend, View,
};
use leptos::tachys::html::InertElement;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::view::{Position, PositionState};

use crate::element::El;
use crate::foreign::Foreign;
use crate::memo::Memo;
use crate::shown::Shown;

/// A view.
pub enum Node {
    /// Nothing, but its place.
    Nothing,
    /// A text.
    Text(Cow<'static, str>),
    /// An element.
    Element(El),
    /// These one after the other.
    Several(Vec<Node>),
    /// These one after the other, however many there are when it changes.
    List(Vec<Node>),
    /// What this returns, anew whenever a signal that it reads changes.
    Changing(Box<dyn FnMut() -> Node + Send>),
    /// A view of leptos's own kind.
    Other(Box<dyn Foreign>),
}

/// What can be shown.
///
/// It stands where leptos has a trait of the same name. Other than there, what is behind an `impl IntoView` can be
/// turned into data.
pub trait IntoView: RenderHtml + Sized + 'static {
    /// The view as data.
    fn into_node(self) -> Node;
}

/// What stands between the tags of an element.
pub trait IntoNodes {
    /// Adds the nodes.
    fn add_to(self, nodes: &mut Vec<Node>);
}

impl<T: IntoView> IntoNodes for T {
    fn add_to(self, nodes: &mut Vec<Node>) {
        let exists = |node: &Node| T::EXISTS || !matches!(node, Node::Nothing);
        match self.into_node() {
            Node::Several(several) => nodes.extend(several.into_iter().filter(exists)),
            // Where there is nothing else between two tags, nothing has no place either.
            node => nodes.extend(Some(node).filter(exists)),
        }
    }
}

/// What stands in braces in a view.
pub trait IntoRender {
    /// The view as data.
    fn into_render(self) -> Node;
}

impl<T: IntoView> IntoRender for T {
    fn into_render(self) -> Node {
        self.into_node()
    }
}

impl IntoView for Node {
    fn into_node(self) -> Node {
        self
    }
}

impl<T: IntoView> IntoView for View<T> {
    fn into_node(self) -> Node {
        self.into_inner().into_node()
    }
}

impl IntoView for () {
    fn into_node(self) -> Node {
        Node::Nothing
    }
}

impl IntoView for &'static str {
    fn into_node(self) -> Node {
        Node::Text(Cow::Borrowed(self))
    }
}

impl IntoView for String {
    fn into_node(self) -> Node {
        Node::Text(Cow::Owned(self))
    }
}

impl IntoView for Cow<'static, str> {
    fn into_node(self) -> Node {
        Node::Text(self)
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {
        $(
            impl IntoView for $type {
                fn into_node(self) -> Node {
                    Node::Text(Cow::Owned(self.to_string()))
                }
            }
        )*
    };
}

numbers!(u8 u16 u32 u64 usize i32 i64 isize f64 char);

impl<T: IntoView> IntoView for Option<T> {
    fn into_node(self) -> Node {
        self.map_or(Node::Nothing, T::into_node)
    }
}

impl<A: IntoView, B: IntoView> IntoView for Either<A, B> {
    fn into_node(self) -> Node {
        match self {
            Self::Left(view) => view.into_node(),
            Self::Right(view) => view.into_node(),
        }
    }
}

impl<T: IntoView> IntoView for Vec<T> {
    fn into_node(self) -> Node {
        Node::List(self.into_iter().map(T::into_node).collect())
    }
}

impl<F, V> IntoView for F
where
    F: FnMut() -> V + Send + 'static,
    V: IntoView,
    V::State: 'static,
{
    fn into_node(mut self) -> Node {
        Node::Changing(Box::new(move || self().into_node()))
    }
}

impl<T: IntoView, const N: usize> IntoView for [T; N] {
    fn into_node(self) -> Node {
        Node::Several(self.into_iter().map(T::into_node).collect())
    }
}

macro_rules! signals {
    ($($type:ident)*) => {
        $(
            impl<T> IntoView for $type<T>
            where
                T: IntoView + Send + Sync,
                Self: RenderHtml + Get<Value = T>,
            {
                fn into_node(self) -> Node {
                    Node::Changing(Box::new(move || self.get().into_node()))
                }
            }
        )*
    };
}

signals!(ReadSignal RwSignal Signal);

impl<T: IntoView + Clone> IntoView for Memo<T> {
    fn into_node(self) -> Node {
        Node::Changing(Box::new(move || self.get().into_node()))
    }
}

macro_rules! tuples {
    ($(($($name:ident)*))*) => {
        $(
            impl<$($name: IntoView),*> IntoView for ($($name,)*) {
                #[expect(non_snake_case, reason = "each is named after its type")]
                fn into_node(self) -> Node {
                    let ($($name,)*) = self;
                    Node::Several(vec![$($name.into_node()),*])
                }
            }
        )*
    };
}

tuples! {
    (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) (A B C D E F G H I)
    (A B C D E F G H I J) (A B C D E F G H I J K) (A B C D E F G H I J K L) (A B C D E F G H I J K L M)
    (A B C D E F G H I J K L M N) (A B C D E F G H I J K L M N O) (A B C D E F G H I J K L M N O P)
}

impl IntoView for AnyView {
    fn into_node(self) -> Node {
        Node::Other(Box::new(self))
    }
}

impl IntoView for leptos::tachys::svg::InertElement {
    fn into_node(self) -> Node {
        Node::Other(Box::new(self))
    }
}

impl IntoView for InertElement {
    fn into_node(self) -> Node {
        Node::Other(Box::new(self))
    }
}

impl<T: RenderHtml + 'static> IntoView for Suspend<T> {
    fn into_node(self) -> Node {
        Node::Other(Box::new(self))
    }
}

/// Lets leptos render what is data here.
macro_rules! rendered {
    ($({ $($bound:tt)* })? $type:ty) => {
        impl<$($($bound)*)?> Render for $type {
            type State = Shown;

            fn build(self) -> Shown {
                Shown::of(self.into_node())
            }

            fn rebuild(self, shown: &mut Shown) {
                shown.become_node(self.into_node());
            }
        }

        impl<$($($bound)*)?> AddAnyAttr for $type {
            type Output<A: Attribute> = <AnyView as AddAnyAttr>::Output<A>;

            fn add_any_attr<A: Attribute>(self, attribute: A) -> Self::Output<A>
            where
                Self::Output<A>: RenderHtml,
            {
                self.into_node().into_any().add_any_attr(attribute)
            }
        }

        impl<$($($bound)*)?> RenderHtml for $type {
            type AsyncOutput = Self;
            type Owned = Self;

            const MIN_LENGTH: usize = 0;

            fn dry_resolve(&mut self) {}

            async fn resolve(self) -> Self {
                self
            }

            /// A browser writes no HTML.
            fn to_html_with_buf(
                self,
                _: &mut String,
                _: &mut Position,
                _: bool,
                _: bool,
                _: Vec<AnyAttribute>,
            ) {
            }

            fn hydrate<const FROM_SERVER: bool>(self, cursor: &Cursor, position: &PositionState) -> Shown {
                Shown::found(self.into_node(), cursor, position)
            }

            fn into_owned(self) -> Self {
                self
            }
        }
    };
}

rendered!(Node);
rendered!(El);
rendered!({ T: IntoView + Clone } Memo<T>);
