//! What the pages are made of.

pub(crate) mod attempts;
pub(crate) mod bell;
pub(crate) mod chart;
pub(crate) mod charts;
pub(crate) mod copy;
pub(crate) mod failure;
pub(crate) mod filters;
pub(crate) mod fresh;
pub(crate) mod json;
pub(crate) mod kind_card;
pub(crate) mod limits;
pub(crate) mod notice;
pub(crate) mod overview_lists;
pub(crate) mod params;
pub(crate) mod press;
pub(crate) mod range;
pub(crate) mod result;
pub(crate) mod row;
pub(crate) mod schedule_actions;
pub(crate) mod schedule_form;
pub(crate) mod search;
pub(crate) mod selection;
pub(crate) mod status_counts;
pub(crate) mod tiles;
pub(crate) mod timeline;
