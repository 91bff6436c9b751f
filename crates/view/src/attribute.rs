//! Attributes, classes and properties of elements.

use std::borrow::Cow;

use leptos::prelude::{Get, Oco, ReadSignal, RwSignal, Signal};
use leptos::reactive::effect::RenderEffect;
use leptos::tachys::renderer::Rndr;
use wasm_bindgen::JsValue;
use web_sys::Element;

use crate::memo::Memo;

/// The value of an attribute, a class or a property.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// None: the attribute is not there.
    None,
    /// Whether it is there.
    Flag(bool),
    /// This.
    Text(Cow<'static, str>),
}

/// Where a value comes from.
pub enum Source {
    /// It stays as it is.
    Fixed(Value),
    /// What this returns, anew whenever a signal that it reads changes.
    Changing(Box<dyn FnMut() -> Value + Send>),
}

/// What the value of an attribute may be.
pub trait IntoValue {
    /// The value as data.
    fn into_value(self) -> Value;
}

impl IntoValue for Value {
    fn into_value(self) -> Value {
        self
    }
}

impl IntoValue for bool {
    fn into_value(self) -> Value {
        Value::Flag(self)
    }
}

impl IntoValue for &'static str {
    fn into_value(self) -> Value {
        Value::Text(Cow::Borrowed(self))
    }
}

impl IntoValue for String {
    fn into_value(self) -> Value {
        Value::Text(Cow::Owned(self))
    }
}

impl IntoValue for &String {
    fn into_value(self) -> Value {
        Value::Text(Cow::Owned(self.clone()))
    }
}

impl IntoValue for Cow<'static, str> {
    fn into_value(self) -> Value {
        Value::Text(self)
    }
}

impl IntoValue for Oco<'static, str> {
    fn into_value(self) -> Value {
        Value::Text(Cow::Owned(self.into_owned()))
    }
}

impl<T: IntoValue> IntoValue for Option<T> {
    fn into_value(self) -> Value {
        self.map_or(Value::None, T::into_value)
    }
}

/// What may stand for the value of an attribute: a value, or a function or signal that returns one.
pub trait IntoAttributeValue {
    /// Where the value comes from.
    fn into_attribute_value(self) -> Source;
}

impl IntoAttributeValue for Source {
    fn into_attribute_value(self) -> Source {
        self
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {
        $(
            impl IntoValue for $type {
                fn into_value(self) -> Value {
                    Value::Text(Cow::Owned(self.to_string()))
                }
            }
        )*
    };
}

numbers!(u8 u16 u32 u64 usize i32 i64 isize f64);

macro_rules! fixed {
    ($($type:ty)*) => {
        $(
            impl IntoAttributeValue for $type {
                fn into_attribute_value(self) -> Source {
                    Source::Fixed(self.into_value())
                }
            }
        )*
    };
}

fixed!(
    Value bool &'static str String &String Cow<'static, str> Oco<'static, str>
    u8 u16 u32 u64 usize i32 i64 isize f64
);

impl<T: IntoValue> IntoAttributeValue for Option<T> {
    fn into_attribute_value(self) -> Source {
        Source::Fixed(self.into_value())
    }
}

impl<F, V> IntoAttributeValue for F
where
    F: FnMut() -> V + Send + 'static,
    V: IntoValue,
{
    fn into_attribute_value(mut self) -> Source {
        Source::Changing(Box::new(move || self().into_value()))
    }
}

macro_rules! signals {
    ($($type:ident)*) => {
        $(
            impl<T> IntoAttributeValue for $type<T>
            where
                T: IntoValue + Send + Sync + 'static,
                Self: Get<Value = T> + Send + 'static,
            {
                fn into_attribute_value(self) -> Source {
                    Source::Changing(Box::new(move || self.get().into_value()))
                }
            }
        )*
    };
}

signals!(ReadSignal RwSignal Signal);

impl<T: IntoValue + Clone + 'static> IntoAttributeValue for Memo<T> {
    fn into_attribute_value(self) -> Source {
        Source::Changing(Box::new(move || self.get().into_value()))
    }
}

/// What may stand for a class: the whole text, or a name and whether the element has it.
pub trait IntoClass {
    /// The class as data.
    fn into_class(self) -> Attribute;
}

impl<T: IntoAttributeValue> IntoClass for T {
    fn into_class(self) -> Attribute {
        Attribute { of: Of::Attribute, name: "class", source: self.into_attribute_value() }
    }
}

impl<T: IntoAttributeValue> IntoClass for (&'static str, T) {
    fn into_class(self) -> Attribute {
        Attribute { of: Of::Class, name: self.0, source: self.1.into_attribute_value() }
    }
}

/// What of an element has a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Attribute,
    Class,
    Property,
    InnerHtml,
}

/// An attribute, a class or a property.
pub struct Attribute {
    pub(crate) of: Of,
    pub(crate) name: &'static str,
    pub(crate) source: Source,
}

/// Such a thing of an element in the page.
pub(crate) struct ShownAttribute {
    pub(crate) of: Of,
    pub(crate) name: &'static str,
    value: ShownValue,
}

enum ShownValue {
    Fixed(Value),
    Changing(RenderEffect<Value>),
}

impl ShownAttribute {
    /// Sets it; with `is_there` if the server has already.
    pub(crate) fn of(attribute: Attribute, element: &Element, is_there: bool) -> Self {
        let Attribute { of, name, source } = attribute;
        // Properties are in no HTML.
        let is_there = is_there && of != Of::Property;
        let value = match source {
            Source::Fixed(value) => {
                if !is_there && value != Value::None && value != Value::Flag(false) {
                    set(element, of, name, &value);
                }
                ShownValue::Fixed(value)
            }
            Source::Changing(value) => {
                ShownValue::Changing(changing(element, of, name, value, is_there, None))
            }
        };
        Self { of, name, value }
    }

    /// Whether another could take the place of this one.
    pub(crate) fn is_like(&self, other: &Attribute) -> bool {
        self.of == other.of
            && self.name == other.name
            && matches!(self.value, ShownValue::Fixed(_)) == matches!(other.source, Source::Fixed(_))
    }

    /// Sets another value in the place of this one.
    pub(crate) fn become_attribute(&mut self, other: Attribute, element: &Element) {
        match (&mut self.value, other.source) {
            (ShownValue::Fixed(old), Source::Fixed(new)) => {
                if new != *old {
                    set(element, self.of, self.name, &new);
                    *old = new;
                }
            }
            (ShownValue::Changing(effect), Source::Changing(value)) => {
                let old = effect.take_value();
                *effect = changing(element, self.of, self.name, value, false, old);
            }
            (_, source) => *self = Self::of(Attribute { source, ..other }, element, false),
        }
    }
}

/// Keeps what `value` returns set.
fn changing(
    element: &Element,
    of: Of,
    name: &'static str,
    mut value: Box<dyn FnMut() -> Value + Send>,
    mut is_there: bool,
    old: Option<Value>,
) -> RenderEffect<Value> {
    let element = element.clone();
    let set_new = move |old: Option<Value>| {
        let new = value();
        let is_new = match &old {
            // What a person typed or checked is in a property too.
            Some(_) if of == Of::Property => true,
            Some(old) => *old != new,
            None => !is_there && new != Value::None && new != Value::Flag(false) || of == Of::Property,
        };
        is_there = false;
        if is_new {
            set(&element, of, name, &new);
        }
        new
    };
    RenderEffect::new_with_value(set_new, old)
}

fn set(element: &Element, of: Of, name: &str, value: &Value) {
    match (of, value) {
        (Of::Attribute, Value::None | Value::Flag(false)) => Rndr::remove_attribute(element, name),
        (Of::Attribute, Value::Flag(true)) => Rndr::set_attribute(element, name, ""),
        (Of::Attribute, Value::Text(text)) => Rndr::set_attribute(element, name, text),
        (Of::Class, Value::Flag(true)) => Rndr::add_class(&Rndr::class_list(element), name),
        (Of::Class, _) => Rndr::remove_class(&Rndr::class_list(element), name),
        (Of::Property, value) => {
            let value = match value {
                Value::None => JsValue::UNDEFINED,
                Value::Flag(flag) => JsValue::from_bool(*flag),
                Value::Text(text) => JsValue::from_str(text),
            };
            Rndr::set_property_or_value(element, name, &value);
        }
        (Of::InnerHtml, Value::Text(text)) => element.set_inner_html(text),
        (Of::InnerHtml, _) => element.set_inner_html(""),
    }
}
