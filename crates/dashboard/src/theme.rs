//! Light, dark, or as the system says: kept in a cookie, so that the server renders the right one at once.
#![cfg_attr(feature = "ssr", expect(clippy::unused_async, reason = "a server function is async"))]

use std::fmt;
use std::str::FromStr;

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use taskdeck_ui::{ApiError, BaseClient, Erase, Icon};

use crate::{browser, cookies, paths};

/// The cookie that keeps the theme.
pub const THEME_COOKIE: &str = "taskdeck_theme";

/// How the pages look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// As the system says.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Theme {
    /// All themes, in the order of the switch.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// The name in the cookie and in `data-theme`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// The value of `data-theme` on the root element; none leaves it to the system.
    #[must_use]
    pub const fn attribute(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light | Self::Dark => Some(self.name()),
        }
    }

    /// The theme that a `Cookie` header asks for.
    ///
    /// ```
    /// use taskdeck_dashboard::Theme;
    /// assert_eq!(Theme::from_cookies("a=b; taskdeck_theme=dark"), Theme::Dark);
    /// assert_eq!(Theme::from_cookies("taskdeck_theme=pink"), Theme::System);
    /// ```
    #[must_use]
    pub fn from_cookies(header: &str) -> Self {
        cookies::find(header, THEME_COOKIE).and_then(|value| value.parse().ok()).unwrap_or_default()
    }

    /// What is kept.
    pub(crate) fn cookie(self) -> String {
        cookies::kept(THEME_COOKIE, self.name())
    }

    const fn title(self) -> &'static str {
        match self {
            Self::System => "As the system",
            Self::Light => "Light",
            Self::Dark => "Dark",
        }
    }

    const fn icon(self) -> &'static str {
        match self {
            Self::System => "monitor",
            Self::Light => "sun",
            Self::Dark => "moon",
        }
    }
}

impl fmt::Display for Theme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text names no theme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoTheme;

impl fmt::Display for NoTheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a theme is system, light or dark")
    }
}

impl std::error::Error for NoTheme {}

impl FromStr for Theme {
    type Err = NoTheme;

    fn from_str(text: &str) -> Result<Self, NoTheme> {
        Self::ALL.into_iter().find(|theme| theme.name() == text).ok_or(NoTheme)
    }
}

/// The theme of this page: what the cookie said on the server, what the page shows in the browser.
#[cfg(feature = "ssr")]
#[must_use]
pub fn current_theme() -> Theme {
    cookies::read(Theme::from_cookies).unwrap_or_default()
}

/// The theme of this page: what the cookie said on the server, what the page shows in the browser.
#[cfg(not(feature = "ssr"))]
#[must_use]
pub fn current_theme() -> Theme {
    let root = document().document_element();
    let name = root.and_then(|root| root.get_attribute("data-theme"));
    name.and_then(|name| name.parse().ok()).unwrap_or_default()
}

/// Keeps the theme in the cookie, for pages without JavaScript; the answer leads back to where the form was.
///
/// # Errors
/// Never; a theme that is not known is refused before.
#[server(prefix = "/_taskdeck", endpoint = "set_theme", client = BaseClient)]
pub async fn set_theme(
    /// Which.
    theme: Theme,
) -> Result<(), ApiError> {
    cookies::set_and_go_back(&theme.cookie());
    Ok(())
}

/// The switch between the themes: three buttons of a form, so that it works without JavaScript.
#[component]
pub(crate) fn ThemeSwitch(
    /// What it is called: a page may have two.
    #[prop(default = "Theme")]
    label: &'static str,
) -> impl IntoView {
    let chosen = RwSignal::new(current_theme());
    let choose = move |event: leptos::ev::MouseEvent, theme: Theme| {
        event.prevent_default();
        chosen.set(theme);
        browser::apply_theme(theme);
    };
    let buttons = Theme::ALL.map(|theme| {
        view! {
            <button
                type="submit"
                name="theme"
                value=theme.name()
                class="dash-theme-choice"
                title=theme.title()
                aria-pressed=move || if chosen.get() == theme { "true" } else { "false" }
                on:click=move |event| choose(event, theme)
            >
                <Icon name=theme.icon()/>
                <span class="td-sr-only">{theme.title()}</span>
            </button>
        }
    });
    view! {
        <form class="dash-theme" method="post" action=paths::at("/_taskdeck/set_theme") aria-label=label>
            {buttons}
        </form>
    }
    .erase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cookie_that_is_set_is_the_cookie_that_is_read() {
        for theme in Theme::ALL {
            assert_eq!(Theme::from_cookies(&format!("x=y; {}", theme.cookie())), theme);
        }
    }
}
