//! What the shop does in the background. The structs (`MakeThumbnails`) are there on both sides, the bodies on the server
//! alone.

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

taskdeck::server! {
    use std::time::Duration;
    use crate::albums;
}

/// What was made of an album.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thumbnails {
    /// How many thumbnails.
    pub made: u32,
    /// How large they are together, in kB.
    pub kilobytes: u32,
}

/// Makes a small picture of each photo of an album.
#[task(title = "Make thumbnails", category = "data", icon = "file-text")]
pub async fn make_thumbnails(
    ctx: TaskContext,
    /// The album's name in its address
    album: String,
) -> Result<Thumbnails, TaskError> {
    let Some(album) = albums::find(&album) else {
        return Err(TaskError::permanent(format!("There is no album `{album}`.")));
    };
    ctx.unit("photos");
    for photo in 1..=album.photos {
        ctx.message(format!("Photo {photo} of {}", album.photos));
        // Where another shop scales the photo.
        tokio::time::sleep(Duration::from_millis(100)).await;
        ctx.progress_of(u64::from(photo), u64::from(album.photos));
    }
    Ok(Thumbnails { made: album.photos, kilobytes: album.photos * 11 })
}
