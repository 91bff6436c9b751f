//! Pages of the app's own, which the dashboard leads to.

/// A page of the app's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MorePage {
    /// What it is called.
    pub title: &'static str,
    /// What is there, in a sentence.
    pub text: &'static str,
    /// Its path below the base path.
    pub path: &'static str,
    /// Its icon, by its Lucide name.
    pub icon: &'static str,
}

/// Pages of the app's own that the palette and the settings lead to: provide it as a context around the pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MorePages(pub &'static [MorePage]);
