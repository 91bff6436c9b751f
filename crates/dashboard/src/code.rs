//! Pages whose code comes when they are first shown.
//!
//! With the feature `split` each page is a file of its own beside the WASM: the first load brings what every page
//! needs and the page that was asked for, no more. It takes a build that splits the WASM (`cargo xtask`, or
//! `cargo leptos` with `--split`); without the feature all pages are in one file, and nothing here waits.
//!
//! A page is still hydrated in one go: `load_page` brings the code of the page that the browser is at, and is awaited
//! before hydration. So a page whose code is not there yet is only met later, on the way to it.

use leptos::prelude::*;

/// Renders a page.
pub type PageView = fn() -> AnyView;

/// A page's code, here or to come. Made by [`page!`](crate::page).
#[expect(missing_debug_implementations, reason = "functions say nothing")]
pub struct PageCode {
    name: &'static str,
    #[cfg(all(feature = "split", target_arch = "wasm32"))]
    code: split::Code,
    #[cfg(not(all(feature = "split", target_arch = "wasm32")))]
    view: PageView,
}

impl PageCode {
    /// What the build calls its file.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }
}

/// Makes the [`PageCode`] of a page: a static, the name of its file, its component. Apps may have pages so too.
///
/// The macro is there twice, since it is this crate's feature that counts, and not the one of the same name of the
/// crate that calls it.
#[cfg(all(feature = "split", target_arch = "wasm32"))]
#[macro_export]
macro_rules! page {
    ($visible:vis $constant:ident, $name:ident, $page:path) => {
        $visible static $constant: $crate::PageCode = {
            fn view() -> leptos::prelude::AnyView {
                $crate::__Erase::erase_waiting($page())
            }

            #[leptos::wasm_split::wasm_split($name, wasm_split_path = leptos::wasm_split, fallible)]
            fn code() -> Result<$crate::PageView, leptos::wasm_split::SplitLoaderError> {
                Ok(view)
            }
            $crate::PageCode::to_come(stringify!($name), || Box::pin(code()))
        };
    };
}

/// Makes the [`PageCode`] of a page: a static, the name of its file, its component. Apps may have pages so too.
#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
#[macro_export]
macro_rules! page {
    ($visible:vis $constant:ident, $name:ident, $page:path) => {
        $visible static $constant: $crate::PageCode = {
            fn view() -> leptos::prelude::AnyView {
                $crate::__Erase::erase_waiting($page())
            }

            $crate::PageCode::at_hand(stringify!($name), view)
        };
    };
}

#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
impl PageCode {
    #[doc(hidden)]
    #[must_use]
    pub const fn at_hand(name: &'static str, view: PageView) -> Self {
        Self { name, view }
    }

    /// The page, or what stands for it until its code is here.
    pub fn show(&'static self) -> AnyView {
        (self.view)()
    }

    /// A part of a page that is not there at first: nothing stands for it until its code is here.
    pub(crate) fn show_part(&'static self) -> AnyView {
        self.show()
    }

    /// Brings the code; whether it is here now.
    #[expect(clippy::unused_async, reason = "with the feature `split` there is something to wait for")]
    pub async fn load(&'static self) -> bool {
        true
    }
}

#[cfg(all(feature = "split", target_arch = "wasm32"))]
pub(crate) use split::missed;

#[cfg(all(feature = "split", target_arch = "wasm32"))]
mod split {
    use std::pin::Pin;
    use std::sync::OnceLock;
    use std::time::Duration;

    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use leptos::wasm_split::SplitLoaderError;
    use taskdeck_ui::{Connection, Erase, Toasts, use_live, use_toasts};

    use super::{PageCode, PageView};
    use crate::parts::notice::{EmptyState, Loading};

    /// How soon code that could not be loaded is asked for again.
    const AGAIN: Duration = Duration::from_secs(10);

    type Loads = fn() -> Pin<Box<dyn Future<Output = Result<PageView, SplitLoaderError>>>>;

    /// Code that is not a page's could not be had: says so, and asks `again` later.
    pub(crate) fn missed(toasts: Option<Toasts>, again: RwSignal<bool>) {
        if let Some(toasts) = toasts {
            toasts.say("A part of this page could not be loaded. It is tried again.".to_owned());
        }
        set_timeout(move || _ = again.try_set(true), AGAIN);
    }

    pub(crate) struct Code {
        here: OnceLock<PageView>,
        load: Loads,
    }

    impl PageCode {
        #[doc(hidden)]
        #[must_use]
        pub const fn to_come(name: &'static str, load: Loads) -> Self {
            Self { name, code: Code { here: OnceLock::new(), load } }
        }

        /// The page, or what stands for it until its code is here.
        pub fn show(&'static self) -> AnyView {
            match self.code.here.get() {
                Some(view) => view(),
                None => self.bring(),
            }
        }

        /// A part of a page that is not there at first: nothing stands for it until its code is here.
        pub(crate) fn show_part(&'static self) -> AnyView {
            let came = RwSignal::new(false);
            let asked = RwSignal::new(true);
            let toasts = use_toasts();
            Effect::new(move |_| {
                asked.track();
                spawn_local(async move {
                    match self.load().await {
                        true => _ = came.try_set(true),
                        false => missed(toasts, asked),
                    }
                });
            });
            (move || match (came.get(), self.code.here.get()) {
                (true, Some(view)) => Some(untrack(view)),
                _ => None,
            })
            .erase_waiting()
        }

        /// Brings the code; whether it is here now.
        pub async fn load(&'static self) -> bool {
            if self.code.here.get().is_none()
                && let Ok(view) = (self.code.load)().await
            {
                let _ = self.code.here.set(view);
            }
            self.code.here.get().is_some()
        }

        fn bring(&'static self) -> AnyView {
            // What is provided here (the page's own address) is the page's, though it is made later and elsewhere.
            let owner = Owner::current();
            // None: on its way. A page that was left meanwhile has no signal any more, and nothing to show.
            let came = RwSignal::new(None::<bool>);
            let ask = move || {
                spawn_local(async move {
                    let here = self.load().await;
                    let _ = came.try_set(Some(here));
                });
            };
            ask();
            // The server is back: the page knows that sooner than its reader.
            let connection = use_live().connection();
            Effect::new(move |was_live: Option<bool>| {
                let is_live = connection.get() == Connection::Live;
                if is_live && was_live == Some(false) && came.get_untracked() == Some(false) {
                    came.set(None);
                    ask();
                }
                is_live
            });
            (move || match (came.get(), self.code.here.get()) {
                // What the page reads while it is made must not make it again.
                (Some(true), Some(view)) => match &owner {
                    Some(owner) => owner.with(|| untrack(view)),
                    None => untrack(view),
                },
                (None, _) => view! { <div class="dash-page"><Loading lines=8/></div> }.erase(),
                _ => {
                    let again = move |_| {
                        came.set(None);
                        ask();
                    };
                    view! {
                        <EmptyState
                            icon="triangle-alert"
                            title="This page could not be loaded"
                            text="The server cannot be reached, or was replaced by a newer one: then load the whole page again."
                        >
                            <button type="button" class="td-button td-button-primary" on:click=again>"Try again"</button>
                            <a class="td-button" href="" rel="external">"Load the whole page"</a>
                        </EmptyState>
                    }
                    .erase()
                }
            })
            .erase_waiting()
        }
    }
}
