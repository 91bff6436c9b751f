//! A view in the page.

use std::borrow::Cow;

use leptos::prelude::Mountable;
use leptos::reactive::effect::RenderEffect;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::reactive_graph::RenderEffectState;
use leptos::tachys::renderer::Rndr;
use leptos::tachys::view::{Position, PositionState};
use wasm_bindgen::JsCast;
use web_sys::{Comment, Element, Text};

use crate::element::ShownElement;
use crate::foreign::ShownForeign;
use crate::node::Node;

/// What a [`Node`] is in the page.
pub struct Shown(Kind);

enum Kind {
    /// Nothing has a comment as its place.
    Nothing(Comment),
    Text(Text, Cow<'static, str>),
    Element(Box<ShownElement>),
    Several(Vec<Shown>),
    /// Its end is marked by a comment, before which more can be put.
    List(Vec<Shown>, Comment),
    Changing(RenderEffectState<Shown>),
    Other(ShownForeign),
}

impl Shown {
    /// Makes a view.
    pub(crate) fn of(node: Node) -> Self {
        Self(match node {
            Node::Nothing => Kind::Nothing(Rndr::create_placeholder()),
            Node::Text(text) => Kind::Text(Rndr::create_text_node(&text), text),
            Node::Element(element) => Kind::Element(Box::new(ShownElement::of(element))),
            Node::Several(nodes) => Kind::Several(nodes.into_iter().map(Self::of).collect()),
            Node::List(nodes) => {
                Kind::List(nodes.into_iter().map(Self::of).collect(), Rndr::create_placeholder())
            }
            Node::Changing(view) => Kind::Changing(changing(view, None)),
            Node::Other(view) => Kind::Other(view.build()),
        })
    }

    /// Finds a view in what the server made.
    pub(crate) fn found(node: Node, cursor: &Cursor, position: &PositionState) -> Self {
        let all = |nodes: Vec<Node>| -> Vec<Self> {
            nodes.into_iter().map(|node| Self::found(node, cursor, position)).collect()
        };
        Self(match node {
            Node::Nothing => Kind::Nothing(cursor.next_placeholder(position)),
            Node::Text(text) => Kind::Text(find_text(cursor, position), text),
            Node::Element(element) => Kind::Element(Box::new(ShownElement::found(element, cursor, position))),
            Node::Several(nodes) => Kind::Several(all(nodes)),
            Node::List(nodes) => {
                let shown = all(nodes);
                Kind::List(shown, cursor.next_placeholder(position))
            }
            Node::Changing(view) => Kind::Changing(changing(view, Some((cursor.clone(), position.clone())))),
            Node::Other(view) => Kind::Other(view.hydrate(cursor, position)),
        })
    }

    /// Shows another view in the place of this one; where the two are alike, only what differs is touched.
    pub(crate) fn become_node(&mut self, node: Node) {
        let other = match (node, &mut self.0) {
            (Node::Nothing, Kind::Nothing(_)) => return,
            (Node::Text(new), Kind::Text(place, old)) => {
                if new != *old {
                    Rndr::set_text(place, &new);
                    *old = new;
                }
                return;
            }
            (Node::Element(new), Kind::Element(old)) => match old.become_element(new) {
                Ok(()) => return,
                Err(new) => Node::Element(new),
            },
            (Node::Several(new), Kind::Several(old)) if new.len() == old.len() => {
                for (new, old) in new.into_iter().zip(old) {
                    old.become_node(new);
                }
                return;
            }
            (Node::List(new), Kind::List(old, end)) => {
                become_list(new, old, end);
                return;
            }
            (Node::Other(new), Kind::Other(old)) => {
                new.rebuild(old);
                return;
            }
            (other, _) => other,
        };
        let mut other = Self::of(other);
        self.insert_before_this(&mut other);
        self.unmount();
        *self = other;
    }
}

/// Shows a list in the place of another.
fn become_list(new: Vec<Node>, old: &mut Vec<Shown>, end: &Comment) {
    for gone in old.iter_mut().skip(new.len()) {
        gone.unmount();
    }
    old.truncate(new.len());
    for (place, node) in new.into_iter().enumerate() {
        match old.get_mut(place) {
            Some(old) => old.become_node(node),
            None => {
                let mut shown = Shown::of(node);
                end.insert_before_this(&mut shown);
                old.push(shown);
            }
        }
    }
}

/// Shows what `view` returns, where the server showed it if it did, and keeps it so.
fn changing(
    mut view: Box<dyn FnMut() -> Node + Send>,
    mut place: Option<(Cursor, PositionState)>,
) -> RenderEffectState<Shown> {
    let effect = RenderEffect::new(move |shown: Option<Shown>| {
        let node = view();
        match (shown, place.take()) {
            (Some(mut shown), _) => {
                shown.become_node(node);
                shown
            }
            (None, Some((cursor, position))) => Shown::found(node, &cursor, &position),
            (None, None) => Shown::of(node),
        }
    });
    effect.into()
}

/// The next text. Two texts that follow each other have a comment between them, or they would be one.
fn find_text(cursor: &Cursor, position: &PositionState) -> Text {
    if position.get() == Position::FirstChild {
        cursor.child();
    } else {
        cursor.sibling();
    }
    if position.get() == Position::NextChildAfterText {
        cursor.sibling();
    }
    position.set(Position::NextChildAfterText);
    match cursor.current().dyn_into() {
        Ok(text) => text,
        Err(found) => panic!("hydration: a text is expected, not {}", found.node_name()),
    }
}

impl Mountable for Shown {
    fn unmount(&mut self) {
        match &mut self.0 {
            Kind::Nothing(place) => place.unmount(),
            Kind::Text(text, _) => text.unmount(),
            Kind::Element(element) => element.element.unmount(),
            Kind::Several(all) => all.iter_mut().for_each(Mountable::unmount),
            Kind::List(all, end) => {
                all.iter_mut().for_each(Mountable::unmount);
                end.unmount();
            }
            Kind::Changing(view) => view.unmount(),
            Kind::Other(view) => view.unmount(),
        }
    }

    fn mount(&mut self, parent: &Element, before: Option<&web_sys::Node>) {
        match &mut self.0 {
            Kind::Nothing(place) => place.mount(parent, before),
            Kind::Text(text, _) => text.mount(parent, before),
            Kind::Element(element) => element.element.mount(parent, before),
            Kind::Several(all) => all.iter_mut().for_each(|shown| shown.mount(parent, before)),
            Kind::List(all, end) => {
                all.iter_mut().for_each(|shown| shown.mount(parent, before));
                end.mount(parent, before);
            }
            Kind::Changing(view) => view.mount(parent, before),
            Kind::Other(view) => view.mount(parent, before),
        }
    }

    fn insert_before_this(&self, child: &mut dyn Mountable) -> bool {
        match &self.0 {
            Kind::Nothing(place) => place.insert_before_this(child),
            Kind::Text(text, _) => text.insert_before_this(child),
            Kind::Element(element) => element.element.insert_before_this(child),
            Kind::Several(all) => all.iter().any(|shown| shown.insert_before_this(child)),
            Kind::List(all, end) => {
                all.iter().any(|shown| shown.insert_before_this(child)) || end.insert_before_this(child)
            }
            Kind::Changing(view) => view.insert_before_this(child),
            Kind::Other(view) => view.insert_before_this(child),
        }
    }

    fn elements(&self) -> Vec<Element> {
        match &self.0 {
            Kind::Nothing(_) | Kind::Text(..) => Vec::new(),
            Kind::Element(element) => vec![element.element.clone()],
            Kind::Several(all) | Kind::List(all, _) => all.iter().flat_map(Mountable::elements).collect(),
            Kind::Changing(view) => view.elements(),
            Kind::Other(view) => view.elements(),
        }
    }
}
