//! What the pages are made of.

pub(crate) mod attempts;
pub(crate) mod copy;
pub(crate) mod failure;
pub(crate) mod filters;
pub(crate) mod json;
pub(crate) mod kind_card;
pub(crate) mod notice;
pub(crate) mod params;
pub(crate) mod result;
pub(crate) mod row;
pub(crate) mod search;
pub(crate) mod selection;
pub(crate) mod status_counts;
pub(crate) mod timeline;
