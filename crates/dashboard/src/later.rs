//! Parts of a page that come alive after it: the server shows them with the rest, and what their code does can wait
//! until the page is live. They are named `<when>_<page>_<name>`, where `part` comes when the page is live, `used` when it is
//! used, and `rare` when there is something to show; what the page's file has is not in theirs again.
//!
//! With the feature `split` the code of such a part is a file of its own. Hydration leaves alone what the server made of
//! the part, and the part is made anew in its place when its code is here. Nothing in it may be loaded by itself
//! (`load`): hydration counts what is.
//!
//! - What cannot wait (`later`) comes when the page is live. Until then it is inert, so that nothing that is done to it
//!   is lost.
//! - What the server made whole (`when_used`: links, forms and popovers work without any code) comes when somebody comes
//!   to it, by pointer, finger or focus, or when it has changed. Its times are told right until then. What was begun at it
//!   goes on: the text that was typed, the focus, an open menu, a button that was pressed.

use leptos::prelude::*;

/// Whether what `track` tracks has changed since it was first looked at.
pub(crate) fn changes(track: impl Fn() + Send + Sync + 'static) -> impl Fn() -> bool {
    let times = Memo::new(move |before: Option<&u32>| {
        track();
        before.map_or(0, |before| before + 1)
    });
    move || times.get() > 0
}

/// The code of a part, here or to come. Made by [`part!`](crate::part).
#[expect(missing_debug_implementations, reason = "functions say nothing")]
pub struct Part<P: 'static> {
    #[cfg(all(feature = "split", target_arch = "wasm32"))]
    code: split::Code<P>,
    #[cfg(not(all(feature = "split", target_arch = "wasm32")))]
    show: fn(P) -> AnyView,
}

/// Makes the [`Part`] of a function: a static, the name of the file (`<when>_<page>_<name>`), what the function takes, the
/// function. Apps may have parts so too.
///
/// The macro is there twice for the reason that [`page!`](crate::page) is.
#[cfg(all(feature = "split", target_arch = "wasm32"))]
#[macro_export]
macro_rules! part {
    ($constant:ident, $name:ident, $props:ty, $show:path) => {
        static $constant: $crate::Part<$props> = {
            #[leptos::wasm_split::wasm_split($name, wasm_split_path = leptos::wasm_split, fallible)]
            fn code() -> Result<$crate::PartCode<$props>, leptos::wasm_split::SplitLoaderError> {
                Ok($crate::PartCode::new($show))
            }
            $crate::Part::to_come(|| Box::pin(code()))
        };
    };
}

/// Makes the [`Part`] of a function: a static, the name of the file (`<when>_<page>_<name>`), what the function takes, the
/// function. Apps may have parts so too.
#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
#[macro_export]
macro_rules! part {
    ($constant:ident, $name:ident, $props:ty, $show:path) => {
        static $constant: $crate::Part<$props> = $crate::Part::at_hand($show);
    };
}

#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
impl<P> Part<P> {
    #[doc(hidden)]
    #[must_use]
    pub const fn at_hand(show: fn(P) -> AnyView) -> Self {
        Self { show }
    }

    /// The part.
    pub fn later(&'static self, props: P) -> AnyView {
        use taskdeck_ui::Erase;

        view! { <div class="dash-later">{(self.show)(props)}</div> }.erase_waiting()
    }

    /// The part, whose code comes when somebody comes to it, or when `changed` says that the server's is out of date.
    pub fn when_used(&'static self, props: P, changed: impl Fn() -> bool + 'static) -> AnyView {
        drop(changed);
        self.later(props)
    }
}

#[cfg(all(feature = "split", target_arch = "wasm32"))]
mod begun;

#[cfg(all(feature = "split", target_arch = "wasm32"))]
mod split;
#[cfg(all(feature = "split", target_arch = "wasm32"))]
mod watch;

#[cfg(all(feature = "split", target_arch = "wasm32"))]
#[doc(hidden)]
pub use split::PartCode;
