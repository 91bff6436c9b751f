//! The pages of the dashboard: the overview, the list of tasks, the page of one task, the catalog and the forms that start
//! tasks, queues, schedules, workers and settings.
//!
//! They are mounted in a Leptos app as routes:
//!
//! ```ignore
//! view! {
//!     <Router>
//!         <Routes fallback=|| view! { <NotFoundPage/> }>
//!             <DashboardRoutes/>
//!         </Routes>
//!     </Router>
//! }
//! ```
//!
//! The pages read and write through the server functions of `taskdeck_ui::api`, and follow the feed through its
//! `LiveStore`, which the layout provides. They are rendered whole on the server (`SsrMode::Async`), so that they read
//! and their forms post before WASM is there, and without JavaScript. An app that is not mounted at `/` provides
//! `taskdeck_ui::BasePath`; every link goes through it. Pages of its own that an app names in [`MorePages`] are found in
//! the palette and the settings.
//!
//! Under `ssr`, the module `server` holds what makes the start form work without JavaScript.

// A page is one nested type; the compiler's default of 128 levels is short of the longest.
#![recursion_limit = "256"]
#![expect(unreachable_pub, reason = "#[component] makes the props of a private component public")]

#[cfg(not(feature = "ssr"))]
mod browse;
mod browser;
mod code;
mod cookies;
mod filter;
mod keys;
mod later;
mod layout;
mod more;
mod pages;
mod parts;
mod paths;
mod routes;
#[cfg(feature = "ssr")]
pub mod server;
mod status_code;
mod theme;
mod watched;

#[cfg(not(feature = "ssr"))]
pub use browse::Browse;
pub use code::{PageCode, PageView};
pub use keys::{KEYS_COOKIE, SetKeys, set_keys};
pub use later::Part;
#[cfg(all(feature = "split", target_arch = "wasm32"))]
#[doc(hidden)]
pub use later::PartCode;
pub use more::{MorePage, MorePages};
pub use pages::not_found::NotFoundPage;
pub use routes::{DashboardRoutes, load_current_page, page_name};
#[doc(hidden)]
pub use taskdeck_ui::Erase as __Erase;
pub use theme::{NoTheme, SetTheme, THEME_COOKIE, Theme, current_theme, set_theme};
