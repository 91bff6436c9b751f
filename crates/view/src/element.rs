//! An element as data.

use std::borrow::Cow;

use leptos::ev::EventDescriptor;
use leptos::html::ElementType;
use leptos::prelude::{Mountable, NodeRef, Owner};
use leptos::tachys::html::node_ref::NodeRefContainer;
use leptos::tachys::hydration::Cursor;
use leptos::tachys::renderer::{RemoveEventHandler, Rndr};
use leptos::tachys::view::{Position, PositionState};
use send_wrapper::SendWrapper;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::Element;

use crate::attribute::{Attribute, IntoAttributeValue, IntoClass, Of, ShownAttribute};
use crate::node::{IntoNodes, IntoView, Node};
use crate::shown::Shown;

/// What is inside these is text to the browser, also where it looks like elements.
const RAW: [&str; 4] = ["noscript", "script", "style", "textarea"];

/// An element.
pub struct El(Box<Parts>);

struct Parts {
    tag: &'static str,
    namespace: Option<&'static str>,
    attributes: Vec<Attribute>,
    listeners: Vec<Listener>,
    wanted: Option<SendWrapper<Wanted>>,
    children: Vec<Node>,
}

/// Is given the element, once it is in the page.
type Wanted = Box<dyn FnOnce(&Element)>;

struct Listener {
    event: Cow<'static, str>,
    captures: bool,
    owner: Owner,
    run: SendWrapper<Box<dyn FnMut(JsValue)>>,
}

/// Makes the function of each element.
macro_rules! elements {
    ($namespace:expr; $($tag:ident)*) => {
        $(
            /// The element of this name.
            #[expect(clippy::allow_attributes, reason = "some of these are written as SVG writes them")]
            #[allow(non_snake_case, reason = "some of these are written as SVG writes them")]
            #[must_use]
            pub fn $tag() -> $crate::view::El {
                $crate::view::El::new(stringify!($tag), $namespace)
            }
        )*
    };
}
pub(crate) use elements;

/// An element of a name that HTML does not know.
#[must_use]
pub fn custom(tag: &'static str) -> El {
    El::new(tag, None)
}

/// Makes the method of each attribute.
macro_rules! attributes {
    ($($name:ident)* ; $($method:ident $text:literal)*) => {
        impl El {
            $(
                /// The attribute of this name.
                #[must_use]
                pub fn $name(self, value: impl IntoAttributeValue) -> Self {
                    self.attr(stringify!($name), value)
                }
            )*
            $(
                /// The attribute of this name.
                #[must_use]
                pub fn $method(self, value: impl IntoAttributeValue) -> Self {
                    self.attr($text, value)
                }
            )*
        }
    };
}

attributes! {
    abbr accept accesskey action align allow allowfullscreen allowpaymentrequest alt attributionsrc autocapitalize
    autocomplete autofocus autoplay background bgcolor blocking border buffered capture challenge closedby charset
    checked cite code color cols colspan command commandfor content contenteditable contextmenu controls
    controlslist coords crossorigin csp data datetime decoding default defer dir dirname disabled
    disablepictureinpicture disableremoteplayback download draggable elementtiming enctype enterkeyhint exportparts
    fetchpriority form formaction formenctype formmethod formnovalidate formtarget headers height hidden high href
    hreflang icon id imagesizes imagesrcset importance inert inputmode integrity intrinsicsize is ismap itemid
    itemprop itemref itemscope itemtype keytype kind label lang language list loading low manifest max maxlength
    media method min minlength multiple muted name nomodule nonce novalidate open optimum part pattern ping
    placeholder playsinline popover popovertarget popovertargetaction poster preload radiogroup readonly
    referrerpolicy rel required reversed role rows rowspan sandbox scope scoped selected shape size sizes slot span
    spellcheck src srcdoc srclang srcset start step summary tabindex target title translate usemap value
    virtualkeyboardpolicy width wrap
    ;
    accept_charset "accept-charset" aria_activedescendant "aria-activedescendant" aria_atomic "aria-atomic"
    aria_autocomplete "aria-autocomplete" aria_busy "aria-busy" aria_checked "aria-checked"
    aria_colcount "aria-colcount" aria_colindex "aria-colindex" aria_colspan "aria-colspan"
    aria_controls "aria-controls" aria_current "aria-current" aria_describedby "aria-describedby"
    aria_description "aria-description" aria_details "aria-details" aria_disabled "aria-disabled"
    aria_dropeffect "aria-dropeffect" aria_errormessage "aria-errormessage" aria_expanded "aria-expanded"
    aria_flowto "aria-flowto" aria_grabbed "aria-grabbed" aria_haspopup "aria-haspopup" aria_hidden "aria-hidden"
    aria_invalid "aria-invalid" aria_keyshortcuts "aria-keyshortcuts" aria_label "aria-label"
    aria_labelledby "aria-labelledby" aria_live "aria-live" aria_modal "aria-modal" aria_multiline "aria-multiline"
    aria_multiselectable "aria-multiselectable" aria_orientation "aria-orientation" aria_owns "aria-owns"
    aria_placeholder "aria-placeholder" aria_posinset "aria-posinset" aria_pressed "aria-pressed"
    aria_readonly "aria-readonly" aria_relevant "aria-relevant" aria_required "aria-required"
    aria_roledescription "aria-roledescription" aria_rowcount "aria-rowcount" aria_rowindex "aria-rowindex"
    aria_rowspan "aria-rowspan" aria_selected "aria-selected" aria_setsize "aria-setsize" aria_sort "aria-sort"
    aria_valuemax "aria-valuemax" aria_valuemin "aria-valuemin" aria_valuenow "aria-valuenow"
    aria_valuetext "aria-valuetext" http_equiv "http-equiv" r#as "as" r#async "async" r#for "for" r#loop "loop"
    r#type "type"
}

impl El {
    /// An element of this name.
    #[must_use]
    pub fn new(tag: &'static str, namespace: Option<&'static str>) -> Self {
        Self(Box::new(Parts {
            tag,
            namespace,
            attributes: Vec::new(),
            listeners: Vec::new(),
            wanted: None,
            children: Vec::new(),
        }))
    }

    /// Adds what stands between its tags.
    #[must_use]
    pub fn child(mut self, children: impl IntoNodes) -> Self {
        children.add_to(&mut self.0.children);
        self
    }

    /// An attribute.
    #[must_use]
    pub fn attr(self, name: &'static str, value: impl IntoAttributeValue) -> Self {
        self.with(Attribute { of: Of::Attribute, name, source: value.into_attribute_value() })
    }

    /// Its class, or one of its classes.
    #[must_use]
    pub fn class(self, class: impl IntoClass) -> Self {
        self.with(class.into_class())
    }

    /// A property, which is in no HTML.
    #[must_use]
    pub fn prop(self, name: &'static str, value: impl IntoAttributeValue) -> Self {
        self.with(Attribute { of: Of::Property, name, source: value.into_attribute_value() })
    }

    /// What stands between its tags, as HTML.
    #[must_use]
    pub fn inner_html(self, html: impl IntoAttributeValue) -> Self {
        self.with(Attribute { of: Of::InnerHtml, name: "", source: html.into_attribute_value() })
    }

    /// Calls a function for each event.
    #[must_use]
    #[expect(clippy::needless_pass_by_value, reason = "as `view!` hands it over")]
    pub fn on<E, F>(self, event: E, mut run: F) -> Self
    where
        E: EventDescriptor,
        E::EventType: From<JsValue>,
        F: FnMut(E::EventType) + 'static,
    {
        self.listen(event.name(), E::CAPTURE, Box::new(move |event| run(event.into())))
    }

    /// Where the element is to be found.
    #[must_use]
    pub fn node_ref<E>(mut self, place: NodeRef<E>) -> Self
    where
        E: ElementType,
        E::Output: JsCast + 'static,
    {
        self.0.wanted = Some(SendWrapper::new(Box::new(move |element| place.load(element))));
        self
    }

    fn listen(mut self, event: Cow<'static, str>, captures: bool, run: Box<dyn FnMut(JsValue)>) -> Self {
        let owner = Owner::current().unwrap_or_default();
        self.0.listeners.push(Listener { event, captures, owner, run: SendWrapper::new(run) });
        self
    }

    fn with(mut self, attribute: Attribute) -> Self {
        self.0.attributes.push(attribute);
        self
    }
}

/// An element in the page.
pub(crate) struct ShownElement {
    pub(crate) element: Element,
    tag: &'static str,
    attributes: Vec<ShownAttribute>,
    /// What takes the listeners away when it is dropped.
    listeners: Vec<RemoveEventHandler<Element>>,
    children: Vec<Shown>,
}

impl ShownElement {
    /// Makes an element.
    pub(crate) fn of(El(parts): El) -> Self {
        let element = Rndr::create_element(parts.tag, parts.namespace);
        let (mut shown, children) = Self::without_children(*parts, element, false);
        for child in children {
            let mut child = Shown::of(child);
            child.mount(&shown.element, None);
            shown.children.push(child);
        }
        shown
    }

    /// Finds an element in what the server made.
    pub(crate) fn found(El(parts): El, cursor: &Cursor, position: &PositionState) -> Self {
        match position.get() {
            Position::FirstChild => cursor.child(),
            Position::Current => {}
            _ => cursor.sibling(),
        }
        let element: Element = match cursor.current().dyn_into() {
            Ok(element) => element,
            Err(found) => panic!("hydration: <{}> is expected, not {}", parts.tag, found.node_name()),
        };
        let (mut shown, children) = Self::without_children(*parts, element, true);
        if !children.is_empty() && !RAW.contains(&shown.tag) {
            position.set(Position::FirstChild);
            shown.children =
                children.into_iter().map(|child| Shown::found(child, cursor, position)).collect();
        }
        cursor.set(shown.element.clone().into());
        position.set(Position::NextChild);
        shown
    }

    fn without_children(parts: Parts, element: Element, is_there: bool) -> (Self, Vec<Node>) {
        let attributes = parts.attributes.into_iter();
        let attributes =
            attributes.map(|attribute| ShownAttribute::of(attribute, &element, is_there)).collect();
        let listeners = listen(parts.listeners, &element);
        if let Some(wanted) = parts.wanted {
            wanted.take()(&element);
        }
        (Self { element, tag: parts.tag, attributes, listeners, children: Vec::new() }, parts.children)
    }

    /// Becomes another element, if the two are alike; else the other is given back.
    pub(crate) fn become_element(&mut self, other: El) -> Result<(), El> {
        let is_like = self.tag == other.0.tag
            && self.children.len() == other.0.children.len()
            && self.attributes.len() == other.0.attributes.len()
            && self.attributes.iter().zip(&other.0.attributes).all(|(old, new)| old.is_like(new));
        if !is_like {
            return Err(other);
        }
        let parts = *other.0;
        for (old, new) in self.attributes.iter_mut().zip(parts.attributes) {
            old.become_attribute(new, &self.element);
        }
        // The old ones go first.
        self.listeners.clear();
        self.listeners = listen(parts.listeners, &self.element);
        if let Some(wanted) = parts.wanted {
            wanted.take()(&self.element);
        }
        for (old, new) in self.children.iter_mut().zip(parts.children) {
            old.become_node(new);
        }
        Ok(())
    }
}

fn listen(listeners: Vec<Listener>, element: &Element) -> Vec<RemoveEventHandler<Element>> {
    let listeners = listeners.into_iter().map(|Listener { event, captures, owner, run }| {
        let mut run = run.take();
        let run: Box<dyn FnMut(JsValue)> = Box::new(move |event| owner.with(|| run(event)));
        if captures {
            Rndr::add_event_listener_use_capture(element, &event, run)
        } else {
            Rndr::add_event_listener(element, &event, run)
        }
    });
    listeners.collect()
}

impl IntoView for El {
    fn into_node(self) -> Node {
        Node::Element(self)
    }
}
