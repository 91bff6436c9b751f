//! `taskdeck kinds`.

use anyhow::Result;
use taskdeck::{Actor, Deck, Settings};

/// Prints the kinds that are linked into this binary, a line each.
pub(crate) async fn print() -> Result<()> {
    let settings = Settings { worker: false, ..Settings::default() };
    let deck = Deck::builder().memory().settings(settings).register_linked().build().await?;
    let kinds = deck.as_actor(Actor::System).kinds()?;
    let width = kinds.iter().map(|definition| definition.kind.as_str().len()).max().unwrap_or(0);
    for definition in &kinds {
        let about = definition.description.lines().next().unwrap_or_default();
        println!("{:width$}  {}: {about}", definition.kind.as_str(), definition.title);
    }
    deck.shutdown().await;
    Ok(())
}
