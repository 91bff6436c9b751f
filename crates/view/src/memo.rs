//! Memos and effects that do not know what they hold.
//!
//! Leptos's are compiled anew for each type that they hold and each function that they call: more than a kilobyte each
//! time. Here one of each is.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::panic::Location;
use std::sync::Arc;

use leptos::prelude::{DefinedAt, Get, ReadUntracked, Signal, Track};

/// A value of whatever type.
type Held = Arc<dyn Any + Send + Sync>;

/// A value that follows from others. See leptos's own.
pub struct Memo<T> {
    held: leptos::prelude::Memo<Held>,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Memo<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Memo<T> {}

impl<T> fmt::Debug for Memo<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Memo")
    }
}

impl<T: PartialEq + Send + Sync + 'static> Memo<T> {
    /// A value that `follow` makes of the one before, anew when a signal that it reads changes.
    pub fn new(follow: impl Fn(Option<&T>) -> T + Send + Sync + 'static) -> Self {
        Self {
            held: memo(Box::new(move |old: Option<Held>| {
                let before = old.as_deref().and_then(|old| old.downcast_ref::<T>());
                let new = follow(before);
                match old {
                    Some(old) if before == Some(&new) => (old, false),
                    _ => (Arc::new(new), true),
                }
            })),
            of: PhantomData,
        }
    }
}

type Follow = Box<dyn Fn(Option<Held>) -> (Held, bool) + Send + Sync>;

/// The one memo that there is.
fn memo(follow: Follow) -> leptos::prelude::Memo<Held> {
    leptos::prelude::Memo::new_owning(follow)
}

impl<T> DefinedAt for Memo<T> {
    fn defined_at(&self) -> Option<&'static Location<'static>> {
        self.held.defined_at()
    }
}

impl<T> Track for Memo<T> {
    fn track(&self) {
        self.held.track();
    }
}

impl<T: 'static> ReadUntracked for Memo<T> {
    type Value = Value<T>;

    fn try_read_untracked(&self) -> Option<Value<T>> {
        let held = self.held.try_read_untracked()?;
        Some(Value { held: Arc::clone(&held), of: PhantomData })
    }
}

impl<T: Clone + Send + Sync + 'static> From<Memo<T>> for Signal<T> {
    fn from(memo: Memo<T>) -> Self {
        Self::derive(move || memo.get())
    }
}

/// What a memo holds.
pub struct Value<T> {
    held: Held,
    of: PhantomData<fn() -> T>,
}

impl<T: 'static> Deref for Value<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self.held.downcast_ref() {
            Some(value) => value,
            None => unreachable!("a memo holds what it was made for"),
        }
    }
}

/// What is done when a signal changes. See leptos's own.
#[derive(Debug)]
pub struct Effect;

impl Effect {
    /// Calls `run` with what it returned before, now and whenever a signal that it reads changes.
    #[expect(clippy::new_ret_no_self, reason = "it is leptos's own that one gets")]
    pub fn new<T: 'static>(
        run: impl FnMut(Option<T>) -> T + 'static,
    ) -> leptos::prelude::Effect<leptos::prelude::LocalStorage> {
        effect(Box::new(run))
    }
}

/// The one effect that there is for what is returned.
fn effect<T: 'static>(
    mut run: Box<dyn FnMut(Option<T>) -> T>,
) -> leptos::prelude::Effect<leptos::prelude::LocalStorage> {
    leptos::prelude::Effect::new(move |before: Option<T>| run(before))
}
