//! What came from the server and waits for the page's next frame.

use leptos::prelude::*;
use taskdeck_core::{Progress, Rev, TaskId, TaskState, Tick, Timestamp};

use super::small_map::SmallMap;
use super::store::{LiveStore, MOST_UNWATCHED, lock};
use super::ticks::RawTick;
use crate::{browser, json};

/// Newer states and ticks, for the next frame.
#[derive(Default)]
pub(super) struct Waiting {
    /// Boxed, since the map is a list in which places are made.
    states: SmallMap<TaskId, Box<TaskState>>,
    ticks: SmallMap<TaskId, Unread>,
}

/// How far a task is, not read yet. What was read stays as a place for what comes next.
#[derive(Default)]
struct Unread {
    rev: Rev,
    progress: String,
    heard_at: Option<Timestamp>,
    waits: bool,
}

impl LiveStore {
    /// Takes in states from the server. They reach the page with its next frame, each task's newest only.
    pub(super) fn take_states(&self, states: Vec<TaskState>) {
        let mut awoke = false;
        {
            let mut plan = lock(&self.0.plan);
            let pending = &mut lock(&self.0.waiting).states;
            for state in states {
                awoke |= plan.wants.saw(&state);
                if pending.get(state.id).is_none_or(|known| state.rev() > known.rev()) {
                    pending.insert(state.id, Box::new(state));
                }
            }
        }
        if awoke {
            self.changed();
        }
        self.flush_soon();
    }

    /// Takes in how far tasks are. What does not fit what is known of its task is passed over: the state that it
    /// belongs to is older, or on its way.
    pub(super) fn take_ticks(&self, ticks: Vec<Tick>) {
        // They do not say when, since it is now.
        let heard_at = Some(self.server_now());
        let newer = |mut tick: Tick| {
            tick.progress.heard_at = heard_at;
            if let Some(known) = lock(&self.0.waiting).states.get(tick.id) {
                return tick.applied_to(known);
            }
            let slot = self.known_slot(tick.id)?;
            slot.state.with_untracked(|known| tick.applied_to(known.as_ref()?))
        };
        self.take_states(ticks.into_iter().filter_map(newer).collect());
    }

    /// Takes in how far tasks are, without reading it yet.
    pub(super) fn take_raw_ticks(&self, ticks: Vec<RawTick<'_>>) {
        let heard_at = Some(self.server_now());
        {
            let unread = &mut lock(&self.0.waiting).ticks;
            for tick in ticks {
                let place = unread.get_or_insert_with(tick.id, Unread::default);
                if tick.rev > place.rev {
                    (place.rev, place.waits, place.heard_at) = (tick.rev, true, heard_at);
                    place.progress.clear();
                    place.progress.push_str(tick.progress);
                }
            }
            if unread.len() >= 2 * MOST_UNWATCHED {
                let plan = lock(&self.0.plan);
                unread.retain(|id| plan.wants.is_watched(id));
            }
        }
        self.flush_soon();
    }

    fn flush_soon(&self) {
        if lock(&self.0.clock).paused {
            return;
        }
        // A hidden tab has no frames, but callbacks (a sound, a notification) that are due.
        if browser::is_hidden() {
            self.flush();
        } else if !std::mem::replace(&mut lock(&self.0.clock).frame_queued, true) {
            let store = self.clone();
            request_animation_frame(move || store.flush());
        }
    }

    /// Shows what waits; but how far tasks are whose rows are out of sight waits on.
    pub(super) fn flush(&self) {
        let paused = {
            let mut clock = lock(&self.0.clock);
            clock.frame_queued = false;
            clock.paused
        };
        if paused {
            return;
        }
        let states = std::mem::take(&mut lock(&self.0.waiting).states);
        for state in states.into_values() {
            self.apply(*state);
        }
        let due: Vec<(TaskId, Unread)> = {
            let sight = &lock(&self.0.plan).wants.sight;
            let mut waiting = lock(&self.0.waiting);
            let unread = waiting.ticks.iter_mut().filter(|(id, unread)| unread.waits && !sight.is_out(*id));
            let taken = unread.map(|(id, unread)| {
                let (rev, heard_at) = (unread.rev, unread.heard_at);
                (id, std::mem::replace(unread, Unread { rev, heard_at, ..Unread::default() }))
            });
            taken.collect()
        };
        for (id, unread) in due {
            self.apply_progress(id, &unread);
        }
    }

    fn apply_progress(&self, id: TaskId, unread: &Unread) {
        let rev = unread.rev;
        let Some(slot) = self.known_slot(id) else { return };
        slot.state.maybe_update(|known| {
            let fits = |known: &&mut TaskState| known.version == rev.version && known.tick < rev.tick;
            let Some(known) = known.as_mut().filter(fits) else { return false };
            let Ok(progress) = json::from_str::<Progress>(&unread.progress) else { return false };
            (known.tick, known.progress) = (rev.tick, Progress { heard_at: unread.heard_at, ..progress });
            lock(&self.0.plan).wants.saw(known);
            true
        });
    }
}
