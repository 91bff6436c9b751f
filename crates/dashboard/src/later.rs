//! Parts of a page that come alive after it: the server shows them with the rest, and what their code does can wait
//! until the page is there.
//!
//! With the feature `split` the code of such a part is a file of its own. Hydration leaves alone what the server made of
//! the part, and the part is made anew in its place when its code is here. Until then it is inert, so that nothing that
//! is done to it is lost. Nothing in it may be loaded by itself (`load`): hydration counts what is.

#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
use leptos::prelude::*;

/// The code of a part, here or to come. Made by [`part!`].
pub(crate) struct Part<P: 'static> {
    #[cfg(all(feature = "split", target_arch = "wasm32"))]
    code: split::Code<P>,
    #[cfg(not(all(feature = "split", target_arch = "wasm32")))]
    show: fn(P) -> AnyView,
}

/// Makes the [`Part`] of a function: a static, the name of the file, what the function takes, the function.
macro_rules! part {
    ($constant:ident, $name:ident, $props:ty, $show:path) => {
        static $constant: $crate::later::Part<$props> = {
            #[cfg(all(feature = "split", target_arch = "wasm32"))]
            {
                #[leptos::wasm_split::wasm_split($name, wasm_split_path = leptos::wasm_split, fallible)]
                fn code()
                -> Result<fn($props) -> leptos::prelude::AnyView, leptos::wasm_split::SplitLoaderError>
                {
                    Ok($show)
                }
                $crate::later::Part::to_come(|| Box::pin(code()))
            }
            #[cfg(not(all(feature = "split", target_arch = "wasm32")))]
            $crate::later::Part::at_hand($show)
        };
    };
}
pub(crate) use part;

#[cfg(not(all(feature = "split", target_arch = "wasm32")))]
impl<P> Part<P> {
    pub(crate) const fn at_hand(show: fn(P) -> AnyView) -> Self {
        Self { show }
    }

    /// The part.
    pub(crate) fn later(&'static self, props: P) -> AnyView {
        use taskdeck_ui::Erase;

        view! { <div class="dash-later">{(self.show)(props)}</div> }.erase()
    }
}

#[cfg(all(feature = "split", target_arch = "wasm32"))]
mod split {
    use std::pin::Pin;

    use leptos::html;
    use leptos::prelude::*;
    use leptos::task::spawn_local;
    use leptos::wasm_split::SplitLoaderError;
    use taskdeck_ui::{Connection, Erase, use_live};

    use super::Part;

    type Show<P> = fn(P) -> AnyView;
    type Loads<P> = fn() -> Pin<Box<dyn Future<Output = Result<Show<P>, SplitLoaderError>>>>;

    pub(super) struct Code<P: 'static>(Loads<P>);

    impl<P: Send + Sync + 'static> Part<P> {
        pub(crate) const fn to_come(load: Loads<P>) -> Self {
            Self { code: Code(load) }
        }

        /// The part: what the server made of it, or nothing, until its code is here.
        pub(crate) fn later(&'static self, props: P) -> AnyView {
            let place = NodeRef::<html::Div>::new();
            let alive = RwSignal::new(false);
            let owner = Owner::current();
            let props = StoredValue::new_local(Some(props));
            let shown = StoredValue::new_local(None::<<AnyView as Render>::State>);
            // Where the code cannot be loaded now, it is tried again when the server is back.
            let connection = use_live().connection();
            let is_live = Memo::new(move |_| connection.get() == Connection::Live);
            Effect::new(move |_| {
                is_live.track();
                let Some((element, owner)) = place.get().zip(owner.clone()) else { return };
                spawn_local(async move {
                    let Ok(show) = (self.code.0)().await else { return };
                    // It may be there already, or the page be left.
                    let Some(props) = props.try_update_value(Option::take).flatten() else { return };
                    let mut view = owner.with(|| untrack(|| show(props)).build());
                    element.set_text_content(None);
                    view.mount(&element, None);
                    shown.try_update_value(|shown| *shown = Some(view));
                    alive.try_set(true);
                });
            });
            view! { <div class="dash-later" node_ref=place prop:inert=move || !alive.get()></div> }.erase()
        }
    }
}
