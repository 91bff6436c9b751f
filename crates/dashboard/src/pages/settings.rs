//! What this server runs with, how these pages look, and the keys that they know.

use leptos::Title;
use leptos::prelude::*;
use leptos::task::spawn_local;
use taskdeck_core::About;
use taskdeck_core::form::bytes;
use taskdeck_ui::{Erase, Permission, ask_for_notifications, load, manage, notification_permission};

use crate::keys::{KeySwitch, MAP};
use crate::parts::notice::{CannotLoad, Loading};
use crate::theme::ThemeSwitch;
use crate::{MorePages, paths};

/// The page of settings.
#[component]
pub(crate) fn SettingsPage() -> impl IntoView {
    let loaded = load(|| (), |()| manage::about());
    let content = move || {
        Suspend::new(async move {
            match loaded.await {
                Ok(about) => view! { <Server about/> }.erase(),
                Err(error) => {
                    let retry = Callback::new(move |()| loaded.refetch());
                    view! { <CannotLoad what="the settings" error again=paths::settings() retry/> }.erase()
                }
            }
        })
    };
    view! {
        <Title text="Settings"/>
        <div class="dash-page dash-page-narrow">
            <header class="dash-page-head"><h1>"Settings"</h1></header>
            <div class="dash-settings">
                <Looks/>
                <Transition fallback=|| view! { <Loading lines=8/> }>{content}</Transition>
                <Keys/>
                <More/>
            </div>
        </div>
    }
    .erase_waiting()
}

/// What this browser keeps for itself.
#[component]
fn Looks() -> impl IntoView {
    // Only the browser knows; until it was asked nothing is offered.
    let permission = RwSignal::new(None::<Permission>);
    Effect::new(move |_| permission.set(Some(notification_permission())));
    let allow = move |_| {
        spawn_local(async move {
            let answer = ask_for_notifications().await;
            permission.try_set(Some(answer));
        });
    };
    let state = move || match permission.get() {
        None => "Your browser asks you before it shows any.",
        Some(Permission::Granted) => "Allowed: this browser tells you of what ends while you look elsewhere.",
        Some(Permission::Denied) => {
            "This browser was told not to show any. Its own settings for this site can change that."
        }
        Some(Permission::Unasked) => "Not asked for yet.",
        Some(Permission::Missing) => "This browser shows none on this address: it takes HTTPS or localhost.",
    };
    let button = move || {
        (permission.get() == Some(Permission::Unasked)).then(|| {
            view! { <button type="button" class="td-button" on:click=allow>"Allow notifications"</button> }
        })
    };
    view! {
        <section class="dash-panel" aria-labelledby="looks-title">
            <header class="dash-panel-head"><h2 id="looks-title">"This browser"</h2></header>
            <div class="dash-panel-body">
                <dl class="dash-settings-list">
                    <div>
                        <dt>"Theme"</dt>
                        <dd><ThemeSwitch label="Theme of all pages"/></dd>
                    </div>
                    <div>
                        <dt>"Notifications"</dt>
                        <dd><span role="status">{state}</span> {button}</dd>
                    </div>
                    <div>
                        <dt>"Keys"</dt>
                        <dd><KeySwitch/></dd>
                    </div>
                </dl>
            </div>
        </section>
    }
    .erase()
}

#[component]
fn Server(
    /// What it says.
    about: About,
) -> impl IntoView {
    let About { version, deck, store, store_bytes, settings } = about;
    let rows = settings.into_iter().map(|setting| {
        view! {
            <div>
                <dt><code>{setting.name}</code></dt>
                <dd>
                    <span class="dash-setting-value">{setting.value}</span>
                    <span class="dash-setting-help">{setting.help}</span>
                </dd>
            </div>
        }
    });
    let rows = rows.collect_view();
    let size = store_bytes.map(|size| {
        view! {
            <div>
                <dt>"On disk"</dt>
                <dd class="num">{bytes(size)} <span class="dash-setting-help">"The files of tasks are not counted."</span></dd>
            </div>
        }
    });
    view! {
        <section class="dash-panel" aria-labelledby="server-title">
            <header class="dash-panel-head"><h2 id="server-title">"This server"</h2></header>
            <div class="dash-panel-body">
                <p class="dash-section-text">
                    "Set by flags, the environment or taskdeck.toml when the server starts; to be read here."
                </p>
                <dl class="dash-settings-list">{rows}</dl>
            </div>
        </section>
        <section class="dash-panel" aria-labelledby="about-title">
            <header class="dash-panel-head"><h2 id="about-title">"About"</h2></header>
            <div class="dash-panel-body">
                <dl class="dash-settings-list">
                    <div><dt>"Version"</dt><dd class="num">{version}</dd></div>
                    <div><dt>"Store"</dt><dd>{store}</dd></div>
                    {size}
                    <div><dt>"Deck"</dt><dd><code>{deck}</code></dd></div>
                    <div><dt>"API"</dt><dd><a href=paths::at("/api/about") rel="external"><code>{paths::at("/api/about")}</code></a></dd></div>
                </dl>
            </div>
        </section>
    }
    .erase()
}

/// The pages of the app's own, if it has some.
#[component]
fn More() -> impl IntoView {
    let pages = use_context::<MorePages>().unwrap_or_default().0;
    (!pages.is_empty()).then(|| {
        let rows = pages.iter().map(|page| {
            view! { <div><dt><a href=paths::at(page.path)>{page.title}</a></dt><dd>{page.text}</dd></div> }
        });
        view! {
            <section class="dash-panel" aria-labelledby="more-title">
                <header class="dash-panel-head"><h2 id="more-title">"More pages"</h2></header>
                <div class="dash-panel-body"><dl class="dash-settings-list">{rows.collect_view()}</dl></div>
            </section>
        }
        .erase()
    })
}

#[component]
fn Keys() -> impl IntoView {
    let keys = MAP.map(|(keys, what)| {
        let is_pair = keys.contains(' ');
        let keys = keys.split(' ').map(|key| match key {
            "/" if is_pair => "/".into_any(),
            key => view! { <kbd>{key}</kbd> }.erase(),
        });
        view! { <div><dt>{keys.collect_view()}</dt><dd>{what}</dd></div> }
    });
    view! {
        <section class="dash-panel" aria-labelledby="keys-title">
            <header class="dash-panel-head"><h2 id="keys-title">"Keys"</h2></header>
            <div class="dash-panel-body"><dl class="dash-settings-list dash-keys">{keys}</dl></div>
        </section>
    }
    .erase()
}
