//! What a user may want to hear of.

use taskdeck_core::InboxNotice;

use super::Record;

/// Of each the last first.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// The user's tasks that ended.
    pub(crate) ended: Vec<Record>,
    /// What the user's tasks told.
    pub(crate) notices: Vec<InboxNotice>,
}
