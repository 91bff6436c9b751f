//! When users last looked.

use std::sync::Arc;

use taskdeck_core::UserId;

use super::{conformance, later};
use crate::store::Store;

async fn the_last_look_of_each_user_is_kept(store: Arc<dyn Store>) {
    let (ann, bob) = (UserId::new("ann").unwrap(), UserId::new("bob").unwrap());
    assert_eq!(store.last_look(ann.clone()).await.unwrap(), None);
    for at in [5, 9, 7] {
        store.note_look(ann.clone(), later(at)).await.unwrap();
    }
    assert_eq!(store.last_look(ann).await.unwrap(), Some(later(9)), "a look that comes late changes nothing");
    assert_eq!(store.last_look(bob).await.unwrap(), None);
}

conformance!(the_last_look_of_each_user_is_kept);
