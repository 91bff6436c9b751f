//! `taskdeck serve` and `taskdeck worker`: from the start to the last word.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use taskdeck::axum::Config;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::assets::Site;
use crate::config::{ServerConfig, Store};
use crate::{logging, signals, wiring};

/// How long answers that were begun may take once the deck has shut down. Event streams and sockets end with it.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// Serves until the process is asked to stop.
///
/// # Errors
/// When the site is not built, the address is taken, or the store cannot be opened.
pub(crate) async fn serve(config: ServerConfig, unknown: &[String]) -> Result<()> {
    logging::install(config.settings.log_level);
    tell(unknown);
    // Before the store is opened: a start that cannot serve leaves no trace.
    let site = Site::load()?;
    let listener = listen(config.bind).await?;
    let bind = listener.local_addr()?;
    let deck = wiring::deck(&config).await?;
    let sockets = TaskTracker::new();
    let http = Config {
        build: site.assets().build.clone(),
        dev: std::env::var_os("TASKDECK_DEV").is_some_and(|dev| dev == "1"),
        websocket: config.websocket,
        embed_origins: config.embed_origins.clone().into(),
        sockets: sockets.clone(),
        settings: config.shown(),
        ..Config::new(bind)
    };
    let router = wiring::router(deck.clone(), &site, http, &config.base);
    let stopping = CancellationToken::new();
    let serving = axum::serve(listener, router).with_graceful_shutdown(stopping.clone().cancelled_owned());
    let serving = tokio::spawn(serving.into_future());
    println!("taskdeck serves http://{bind}{}, store {}, {}", config.base, config.store, runs(&config));

    signals::stop().await.context("cannot listen for signals")?;
    let again = tokio::spawn(stop_at_once());
    tracing::info!(grace = ?config.settings.grace, "stopping; running tasks are put back into their queue");
    // No new connections; those that are open live until the deck has told them its end.
    stopping.cancel();
    deck.shutdown().await;
    sockets.close();
    let last_words = async {
        sockets.wait().await;
        serving.await
    };
    match tokio::time::timeout(LAST_WORDS, last_words).await {
        Ok(served) => served??,
        Err(_) => tracing::warn!("some connections did not end in time"),
    }
    again.abort();
    Ok(())
}

fn tell(unknown: &[String]) {
    for variable in unknown {
        tracing::warn!("{variable} in the environment is no setting, and is left out");
    }
}

fn runs(config: &ServerConfig) -> String {
    let settings = &config.settings;
    if settings.worker {
        format!("{} tasks at the same time", settings.max_concurrent)
    } else {
        "others run the tasks".to_owned()
    }
}

/// Runs tasks until the process is asked to stop, and serves nothing.
///
/// # Errors
/// When the store cannot be opened, or nobody else could start tasks in it.
pub(crate) async fn work(config: ServerConfig, unknown: &[String]) -> Result<()> {
    if !matches!(config.store, Store::Postgres(_)) || !config.settings.worker {
        bail!(
            "a worker runs what other processes start, which takes a store that they share: set TASK_STORE to \
             postgres://USER@HOST/DATABASE, and leave TASK_WORKER alone"
        );
    }
    logging::install(config.settings.log_level);
    tell(unknown);
    let deck = wiring::deck(&config).await?;
    println!("taskdeck works, store {}, {}", config.store, runs(&config));
    signals::stop().await.context("cannot listen for signals")?;
    let again = tokio::spawn(stop_at_once());
    deck.shutdown().await;
    again.abort();
    Ok(())
}

async fn listen(bind: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(bind).await.map_err(|error| match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "the address {bind} is in use: another program listens there, perhaps another Taskdeck; \
             stop it, or choose another port with --bind or TASK_BIND"
        ),
        ErrorKind::PermissionDenied => anyhow!("not allowed to listen at {bind}: choose a port above 1023"),
        _ => anyhow!(error).context(format!("cannot listen at {bind}")),
    })
}

/// Asked a second time, nothing is waited for: what ran is rescued at the next start.
async fn stop_at_once() {
    if signals::stop().await.is_ok() {
        eprintln!("taskdeck: stopped at once");
        std::process::exit(130);
    }
}
