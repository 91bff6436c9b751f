//! The shop's binary: `cargo leptos serve --project example-leptos-app`.

use anyhow::Result;
use example_leptos_app::server::router;
use taskdeck::Deck;
use taskdeck::axum::Config;
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<()> {
    let options = leptos::config::get_configuration(None)?.leptos_options;
    let store = std::env::var_os("SHOP_TASKS").unwrap_or_else(|| "shop-tasks.db".into());
    let deck = Deck::builder().sqlite(store).register_linked().build().await?;
    let listener = TcpListener::bind(options.site_addr).await?;
    let address = listener.local_addr()?;
    let config = Config::new(address);
    let sockets = config.sockets.clone();
    let router = router(deck.clone(), config, options);
    println!("the shop is open at http://{address}");

    let closing = async move {
        let _ = tokio::signal::ctrl_c().await;
        // Sockets and streams end with the deck; what still runs goes on at the next start.
        deck.shutdown().await;
        sockets.close();
        sockets.wait().await;
    };
    axum::serve(listener, router).with_graceful_shutdown(closing).await?;
    Ok(())
}
