//! Parts whose code is a file of its own.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use leptos::html;
use leptos::prelude::*;
use leptos::task::spawn_local;
use leptos::wasm_split::SplitLoaderError;
use taskdeck_ui::{Connection, Erase, tell_times, use_live, use_toasts};

use super::Part;
use super::begun::{GoOn, Unpressed, begun, unpressed};
use super::watch::Watch;
use crate::code::missed;

/// Without a line, or without anything on the page that needs one.
const WAITS: Duration = Duration::from_millis(1_500);

type Loads<P> = fn() -> Pin<Box<dyn Future<Output = Result<PartCode<P>, SplitLoaderError>>>>;

/// The code of a part, in its own file: what makes it, and what goes on with what was begun at the server's.
#[expect(missing_debug_implementations, reason = "functions say nothing")]
pub struct PartCode<P> {
    show: fn(P) -> AnyView,
    by: Takeover,
}

/// How a part takes the place of the server's: in the part's file, since it is of no use before.
#[derive(Clone, Copy)]
struct Takeover {
    unpressed: Unpressed,
    go_on: GoOn,
}

impl<P> PartCode<P> {
    #[doc(hidden)]
    #[must_use]
    pub fn new(show: fn(P) -> AnyView) -> Self {
        Self { show, by: Takeover { unpressed, go_on: begun } }
    }
}

pub(crate) struct Code<P: 'static>(Loads<P>);

impl<P: Send + Sync + 'static> Part<P> {
    #[doc(hidden)]
    #[must_use]
    pub const fn to_come(load: Loads<P>) -> Self {
        Self { code: Code(load) }
    }

    /// The part: what the server made of it, or nothing, until its code is here.
    pub fn later(&'static self, props: P) -> AnyView {
        in_its_place(self.brings(props), None)
    }

    /// The part, whose code comes when somebody comes to it, or when `changed` says that the server's is out of date.
    pub fn when_used(&'static self, props: P, changed: impl Fn() -> bool + 'static) -> AnyView {
        in_its_place(self.brings(props), Some(Box::new(changed)))
    }

    fn brings(&'static self, props: P) -> Brings {
        let props = Rc::new(Cell::new(Some(props)));
        Box::new(move || {
            let (code, props) = ((self.code.0)(), Rc::clone(&props));
            Box::pin(async move {
                let PartCode { show, by } = code.await.ok()?;
                // They are taken when it is made: it may be there already, or the page be left.
                Some((Box::new(move || props.take().map(show)) as Makes, by))
            })
        })
    }
}

/// Makes a part, once.
type Makes = Box<dyn FnOnce() -> Option<AnyView>>;
/// Brings the code of a part. All parts are of this one type: what follows is in the WASM once.
type Brings = Box<dyn Fn() -> Pin<Box<dyn Future<Output = Option<(Makes, Takeover)>>>>>;

/// A part in the place of the server's; `changed` where that is of use until somebody comes to it.
fn in_its_place(bring: Brings, changed: Option<Box<dyn Fn() -> bool>>) -> AnyView {
    let place = NodeRef::<html::Div>::new();
    let owner = Owner::current();
    // They go with the effects, and those with their owner.
    let shown = Rc::new(RefCell::new(None::<<AnyView as Render>::State>));
    let watch = Rc::new(RefCell::new(None::<Watch>));
    let toasts = use_toasts();
    let on_its_way = Rc::new(Cell::new(false));
    let live = use_live();
    let connection = live.connection();
    // The page first: its line is open, or it has waited long enough for that.
    let waited = RwSignal::new(false);
    // What the server made is there only where the page is hydrated. A page that was come to from another may have a part of
    // that one in its place.
    let is_whole =
        changed.is_some() && Owner::current_shared_context().is_some_and(|page| page.during_hydration());
    let now = is_whole.then(|| live.now());
    let mut is_first = true;
    let watched = Rc::clone(&watch);
    Effect::new(move |_| {
        let Some(place) = place.get() else { return };
        match (std::mem::take(&mut is_first), now) {
            (true, Some(_)) => _ = watched.replace(Some(Watch::new((*place).clone().into(), waited))),
            (true, None) => {
                let _ = place.set_attribute("inert", "");
                set_timeout(move || _ = waited.try_set(true), WAITS);
            }
            (false, _) => {}
        }
        // Once it is alive it tells its times itself, and no tick is waited for here.
        if let Some(now) = now
            && watched.borrow().is_some()
            && let Some(now) = now.get()
        {
            tell_times(&place, now);
        }
    });
    Effect::new(move |_| {
        let is_up = matches!(connection.get(), Connection::Live | Connection::Polling { .. });
        let is_due = is_up && changed.as_ref().is_none_or(|changed| !is_whole || changed());
        // Read whether or not it is due: it is set again where the code could not be loaded.
        let is_wanted = waited.get() || is_due;
        if !is_wanted {
            return;
        }
        let Some((element, owner)) = place.get().zip(owner.clone()) else { return };
        // Who comes to it again and again brings it once.
        if on_its_way.replace(true) {
            return;
        }
        let (code, on_its_way) = (bring(), Rc::clone(&on_its_way));
        let (shown, watch) = (Rc::clone(&shown), Rc::clone(&watch));
        spawn_local(async move {
            let Some((make, by)) = code.await else {
                on_its_way.set(false);
                return missed(toasts, waited);
            };
            (by.unpressed)(element.clone()).await;
            if waited.is_disposed() {
                return;
            }
            let Some(mut view) = owner.with(|| untrack(make).map(Render::build)) else { return };
            let begun = watch.take().map(|watch| (by.go_on)(watch.end()));
            element.set_text_content(None);
            view.mount(&element, None);
            shown.replace(Some(view));
            let _ = element.remove_attribute("inert");
            if let Some(go_on) = begun {
                go_on(&element);
            }
        });
    });
    view! { <div class="dash-later" node_ref=place></div> }.erase()
}
