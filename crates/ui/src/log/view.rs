//! What the parts of the widget share, and where its list stands in the browser.

use leptos::html;
use leptos::prelude::*;
use taskdeck_core::TaskId;
use wasm_bindgen::JsCast;
use web_sys::HtmlElement;

use super::lines::Lines;
use super::window::Window;
use crate::format::decimal;
use crate::{ApiError, api};

/// How many lines one request brings.
const CHUNK: u64 = 5_000;
/// How many lines before and after those in the page are brought with them.
const AHEAD: u64 = 200;
/// How many of the last lines are brought when the page came without them.
const TAIL: u32 = 500;
/// A line's height in pixels, until one was measured.
const LINE: f64 = 20.0;
/// How near to the end counts as the end for who comes to it, in pixels: a line may come meanwhile.
const NEAR: i32 = 32;
/// How far from the end a list may be that was scrolled to it, in pixels: tops are rounded.
const ROUNDED: i32 = 2;

/// What the parts of the widget share.
#[derive(Clone, Copy)]
pub(super) struct View {
    pub(super) task: TaskId,
    pub(super) lines: RwSignal<Lines>,
    /// Which lines stand in the page.
    pub(super) window: RwSignal<Window>,
    /// Whether the newest line is kept in view.
    pub(super) follow: RwSignal<bool>,
    /// Where the list is scrolled to, as far as the widget knows: what it set itself, or heard of last. An event from
    /// anywhere else is the reader's.
    top: StoredValue<i32>,
    /// The height of a line on average, in pixels.
    pub(super) line: StoredValue<f64>,
    /// The line that was found last; 0 for none.
    pub(super) found: RwSignal<u64>,
    pub(super) scroller: NodeRef<html::Div>,
    pub(super) list: NodeRef<html::Ol>,
    pub(super) above: NodeRef<html::Div>,
    pub(super) below: NodeRef<html::Div>,
    pub(super) loading: RwSignal<Loading>,
}

/// What is being loaded.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Loading {
    /// Nothing.
    #[default]
    No,
    /// The lines in view.
    Some,
    /// All of them; how many are there.
    All(u64),
    /// It failed.
    Failed(String),
}

impl View {
    pub(super) fn new(task: TaskId, lines: Lines, shown_from: u64) -> Self {
        let window = Window::tail(shown_from, lines.last());
        Self {
            task,
            lines: RwSignal::new(lines),
            window: RwSignal::new(window),
            follow: RwSignal::new(true),
            top: StoredValue::new(0),
            line: StoredValue::new(LINE),
            found: RwSignal::new(0),
            scroller: NodeRef::new(),
            list: NodeRef::new(),
            above: NodeRef::new(),
            below: NodeRef::new(),
            loading: RwSignal::new(Loading::No),
        }
    }

    /// Moves the window to the end of the log, and the list to its end.
    pub(super) fn to_end(self) {
        let end =
            self.lines.with_untracked(|lines| Window::around(lines.last(), lines.first(), lines.last()));
        self.show(end);
        // With the next frame the new lines are laid out. The reader may have left the end until then.
        request_animation_frame(move || {
            if let Some(scroller) = self.scroller.try_get_untracked().flatten()
                && self.follow.try_get_untracked() == Some(true)
            {
                self.scroll(&scroller, scroller.scroll_height());
            }
        });
    }

    /// Scrolls the list, and keeps where that came to.
    fn scroll(self, scroller: &HtmlElement, top: i32) {
        scroller.set_scroll_top(top);
        self.top.try_set_value(scroller.scroll_top());
    }

    fn show(self, window: Window) {
        if self.window.get_untracked() != window {
            self.window.set(window);
        }
        self.space();
    }

    /// Gives the lines that are not in the page their room. Not by an attribute: pages may forbid those.
    pub(super) fn space(self) {
        let Window { from, to } = self.window.get_untracked();
        let (first, last) = self.lines.with_untracked(|lines| (lines.first(), lines.last()));
        let line = self.line.get_value();
        #[expect(clippy::cast_precision_loss, reason = "numbers of lines")]
        let height = |count: u64| format!("{}px", decimal(count as f64 * line, 0));
        let set = |space: NodeRef<html::Div>, count: u64| {
            if let Some(space) = space.get_untracked() {
                let _ = HtmlElement::style(&space).set_property("height", &height(count));
            }
        };
        set(self.above, from.saturating_sub(first));
        set(self.below, (last + 1).saturating_sub(to));
    }

    /// The reader is about to scroll up by a key or the wheel: a line that comes before the first step of it would put an
    /// end to it.
    pub(super) fn leave_end(self) {
        let can_go_up = self.scroller.get_untracked().is_some_and(|scroller| scroller.scroll_top() > 0);
        if can_go_up && self.follow.get_untracked() {
            self.follow.set(false);
        }
    }

    /// The list was scrolled. Who leaves the end follows no longer, however short the way (a key scrolls smoothly, so its
    /// first step is of a pixel or two); who comes down to it does.
    pub(super) fn on_scroll(self) {
        let Some(scroller) = self.scroller.get_untracked() else { return };
        let (top, before) = (scroller.scroll_top(), self.top.get_value());
        if top == before {
            return;
        }
        self.top.set_value(top);
        let left = scroller.scroll_height() - scroller.client_height() - top;
        let follows = follows(self.follow.get_untracked(), top > before, left);
        if follows != self.follow.get_untracked() {
            self.follow.set(follows);
        }
        if !follows || left > NEAR {
            self.scrolled();
        }
    }

    /// Brings the lines that the reader looks at.
    fn scrolled(self) {
        let (Some(scroller), Some(list)) = (self.scroller.get_untracked(), self.list.get_untracked()) else {
            return;
        };
        let window = self.window.get_untracked();
        let (first, last) = self.lines.with_untracked(|lines| (lines.first(), lines.last()));
        let rows = window.to - window.from;
        if rows == 0 {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "numbers of lines")]
        self.line.set_value((f64::from(list.offset_height()) / rows as f64).max(1.0));
        let top = scroller.scroll_top() - list.offset_top();
        let outside = top + scroller.client_height() < 0 || top > list.offset_height();
        if outside {
            // Far away: by the height of a line on average.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within the log")]
            let lines = (f64::from(scroller.scroll_top()) / self.line.get_value()).max(0.0) as u64;
            self.look_at((first + lines).min(last), 0);
            return;
        }
        let index = first_below(&list, top, rows);
        let seq = window.from + index;
        if !window.is_enough(seq, first, last) {
            let place = row(&list, index).map_or(0, |row| row.offset_top() - scroller.scroll_top());
            self.put(Window::around(seq, first, last), seq, place);
        }
    }

    /// Jumps to a line, and puts it so far below the upper edge.
    pub(super) fn look_at(self, seq: u64, place: i32) {
        let window = self.lines.with_untracked(|lines| Window::near(seq, lines.first(), lines.last()));
        self.put(window, seq, place);
    }

    /// Moves the window, and puts a line of it so far below the upper edge.
    fn put(self, window: Window, seq: u64, place: i32) {
        self.show(window);
        request_animation_frame(move || {
            let scroller = self.scroller.try_get_untracked().flatten();
            let list = self.list.try_get_untracked().flatten();
            if let (Some(scroller), Some(list)) = (scroller, list)
                && let Some(row) = row(&list, seq.saturating_sub(window.from))
            {
                self.scroll(&scroller, row.offset_top() - place);
            }
        });
    }

    /// Loads what is missing of these lines; whether something was.
    async fn load(self, from: u64, to: u64) -> Result<bool, ApiError> {
        let missing = self.lines.try_with_untracked(|lines| lines.missing(from, to, CHUNK)).flatten();
        let Some((since, count)) = missing else { return Ok(false) };
        let page = api::task_log(self.task, since, u32::try_from(count).unwrap_or(u32::MAX)).await?;
        // An answer without a line cannot be asked for again and again.
        let is_empty = page.lines.is_empty();
        self.lines.try_update(|lines| lines.answered(since, page.lines));
        Ok(!is_empty)
    }

    /// Tries again what failed: the last lines, where there are none, or those in view.
    pub(super) async fn try_again(self) {
        if self.lines.try_with_untracked(Lines::count) != Some(0) {
            return self.load_shown().await;
        }
        self.loading.try_set(Loading::Some);
        let next = match api::log_tail(self.task, TAIL).await {
            Ok(page) => {
                self.lines.try_update(|lines| *lines = Lines::of(page));
                Loading::No
            }
            Err(error) => Loading::Failed(error.to_string()),
        };
        self.loading.try_set(next);
    }

    /// Loads the lines in view. What failed is tried again: the reader has come to other lines, or asks for it.
    pub(super) async fn load_shown(self) {
        while let Some(Loading::No | Loading::Failed(_)) = self.loading.try_get_untracked() {
            let Some(window) = self.window.try_get_untracked() else { return };
            if self
                .lines
                .try_with_untracked(|lines| lines.missing(window.from, window.to, 1))
                .flatten()
                .is_none()
            {
                return;
            }
            self.loading.try_set(Loading::Some);
            let outcome = self.load(window.from.saturating_sub(AHEAD), window.to + AHEAD).await;
            let (next, go_on) = match outcome {
                Ok(more) => (Loading::No, more),
                Err(error) => (Loading::Failed(error.to_string()), false),
            };
            self.loading.try_set(next);
            if !go_on {
                return;
            }
        }
    }

    /// Loads the whole log; whether that worked.
    pub(super) async fn load_all(self) -> bool {
        if matches!(self.loading.try_get_untracked(), None | Some(Loading::All(_))) {
            return false;
        }
        loop {
            let Some((known, last)) = self.lines.try_with_untracked(|lines| (lines.loaded(), lines.last()))
            else {
                return false;
            };
            self.loading.try_set(Loading::All(known));
            match self.load(0, last).await {
                Ok(true) => {}
                Ok(false) => {
                    self.loading.try_set(Loading::No);
                    return true;
                }
                Err(error) => {
                    self.loading.try_set(Loading::Failed(error.to_string()));
                    return false;
                }
            }
        }
    }
}

/// Whether the newest line is followed after the list was scrolled (`down` or up), with so many pixels `left` below.
const fn follows(before: bool, down: bool, left: i32) -> bool {
    if down { before || left <= NEAR } else { before && left <= ROUNDED }
}

/// The first row that ends below this height of the list.
fn first_below(list: &HtmlElement, height: i32, rows: u64) -> u64 {
    let (mut low, mut high) = (0, rows.saturating_sub(1));
    while low < high {
        let middle = low.midpoint(high);
        let ends =
            row(list, middle).map_or(0, |row| row.offset_top() + row.offset_height() - list.offset_top());
        if ends > height { high = middle } else { low = middle + 1 }
    }
    low
}

fn row(list: &HtmlElement, index: u64) -> Option<HtmlElement> {
    list.children().item(u32::try_from(index).ok()?)?.dyn_into().ok()
}

#[cfg(test)]
mod tests {
    use super::follows;

    #[test]
    fn whoever_leaves_the_end_follows_no_longer_until_they_come_back() {
        assert!(!follows(true, false, 5), "the first step of a key that scrolls smoothly");
        assert!(!follows(false, false, 25), "its next one, which is still near");
        assert!(!follows(false, true, 400), "down, but not to the end");
        assert!(follows(false, true, 20));
        assert!(follows(true, true, 400), "lines came while they scrolled down");
        assert!(follows(true, false, 0), "the log has become shorter");
    }
}
