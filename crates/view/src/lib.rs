//! Leptos as the pages of Taskdeck use it: crates depend on this one by the name `leptos`.
//!
//! On a server (feature `ssr`) it is leptos, and nothing else. In a browser it is leptos too, but for what `view!`
//! makes. There, leptos gives each view a type of its own, and the compiler writes functions that make, hydrate,
//! change and remove each of these types: that was two thirds of the WASM of our pages. Here a view is data, a
//! [`Node`](view::Node), and one interpreter does all that with any of them. `view!` names what it uses by paths below
//! `::leptos`, so that the same source makes the one or the other.
//!
//! What the server writes is what leptos writes, so the interpreter walks the page as leptos's own types do: which
//! view has a comment as its place, and what stands between two texts, is the same here as there.
//!
//! What differs for who writes a view: [`IntoView`](view::IntoView) is our own trait, so that what another crate made
//! with leptos itself is taken in by [`adopt`]; attributes cannot be spread onto elements.

#[cfg(feature = "ssr")]
mod whole;
#[cfg(feature = "ssr")]
pub use whole::*;

#[cfg(not(feature = "ssr"))]
mod attribute;
#[cfg(not(feature = "ssr"))]
mod browser;
#[cfg(not(feature = "ssr"))]
mod components;
#[cfg(not(feature = "ssr"))]
mod element;
#[cfg(not(feature = "ssr"))]
mod foreign;
#[cfg(not(feature = "ssr"))]
mod lazy_children;
#[cfg(not(feature = "ssr"))]
mod memo;
#[cfg(not(feature = "ssr"))]
mod node;
#[cfg(not(feature = "ssr"))]
mod shown;
#[cfg(not(feature = "ssr"))]
pub use browser::*;
