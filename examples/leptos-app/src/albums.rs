//! What the shop has, and the server functions that its pages ask.

#![expect(missing_docs, reason = "the structs that `#[server]` writes have the arguments as fields")]

use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use taskdeck::TaskState;

/// An album of photos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Album {
    /// Its name in addresses.
    pub slug: String,
    /// What a person reads.
    pub title: String,
    /// How many photos it has.
    pub photos: u32,
}

/// All albums; in another shop they are in a database.
#[must_use]
pub fn all() -> Vec<Album> {
    let album = |slug: &str, title: &str, photos| Album { slug: slug.into(), title: title.into(), photos };
    vec![album("lisbon", "Lisbon", 24), album("alps", "Across the Alps", 36), album("cats", "Cats", 12)]
}

/// The album of this name.
#[must_use]
pub fn find(slug: &str) -> Option<Album> {
    all().into_iter().find(|album| album.slug == slug)
}

/// All albums, and the tasks that make thumbnails now.
#[server]
pub async fn get_albums() -> Result<(Vec<Album>, Vec<TaskState>), ServerFnError> {
    use taskdeck::{ListQuery, StatusSet, Task};

    // The deck's client of whoever sent this request: the guard has put it there.
    let client = taskdeck::ui::server::client()?;
    let query = ListQuery {
        kind: Some(crate::tasks::MakeThumbnails::kind()),
        status: StatusSet::ACTIVE,
        ..ListQuery::default()
    };
    Ok((all(), client.list(&query).await?.tasks))
}

/// An album, and the last task that made thumbnails of it.
#[server]
pub async fn get_album(slug: String) -> Result<(Album, Option<TaskState>), ServerFnError> {
    use taskdeck::{ListQuery, Task};

    let album = find(&slug).ok_or_else(|| ServerFnError::new("There is no such album."))?;
    let client = taskdeck::ui::server::client()?;
    let query = ListQuery {
        kind: Some(crate::tasks::MakeThumbnails::kind()),
        key: Some(slug),
        limit: Some(1),
        ..ListQuery::default()
    };
    let last = client.list(&query).await?.tasks.pop();
    Ok((album, last))
}
