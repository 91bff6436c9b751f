//! What the deck runs with.

use std::time::Duration;

use taskdeck_core::{About, Action, DeckError, Setting, Subject};

use super::Client;
use crate::settings::{Durability, Settings};

impl Client {
    /// What the deck runs with. A server adds what it knows besides, such as where it listens.
    ///
    /// # Errors
    /// [`DeckError::Denied`].
    pub fn about(&self) -> Result<About, DeckError> {
        self.may(Action::List, Subject::Deck)?;
        let store = self.inner.store.info();
        Ok(About {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            deck: self.inner.store.deck_id().to_string(),
            store: store.text,
            store_bytes: store.bytes,
            settings: settings(&self.inner.settings),
        })
    }
}

fn settings(settings: &Settings) -> Vec<Setting> {
    let durability = match settings.durability {
        Durability::Full => "full: a power cut loses nothing that was acknowledged",
        Durability::Normal => "normal: a power cut may lose the last moments",
    };
    let mut all = vec![
        Setting::new(
            "TASK_MAX_CONCURRENT",
            settings.max_concurrent.to_string(),
            "How many attempts run at the same time on this node.",
        ),
        Setting::new(
            "TASK_TIMEOUT",
            words(settings.timeout),
            "How long an attempt may take, unless its kind says otherwise.",
        ),
        Setting::new(
            "TASK_GRACE",
            words(settings.grace),
            "How long a cancelled attempt, and a shutdown, may take before the attempt is aborted.",
        ),
        Setting::new("TASK_RETENTION_DAYS", words(settings.retention), "How long ended tasks are kept."),
        Setting::new("TASK_DURABILITY", durability, "When a commit counts as durable."),
        Setting::new(
            "TASK_BUFFER_SIZE",
            format!("{} lines", settings.buffer_size),
            "How many log lines of a running task are kept in memory for those who watch it.",
        ),
        Setting::new(
            "TASK_LOG_LEVEL",
            settings.log_level.name(),
            "The least grave level that a task's log keeps.",
        ),
        Setting::new(
            "TASK_MAX_UPLOAD",
            taskdeck_core::form::bytes(settings.max_upload_bytes),
            "The largest upload.",
        ),
    ];
    all.extend(settings.retention_of.iter().map(|(status, kept)| {
        Setting::new(
            &format!("Retention of {status}"),
            words(*kept),
            "How long ended tasks of this status are kept.",
        )
    }));
    if let Some(rate) = settings.user_rate {
        all.push(Setting::new("Starts of a user", rate.to_string(), "How often each user may start a task."));
    }
    all.extend([
        Setting::new(
            "TASK_WORKER",
            if settings.worker { "yes" } else { "no: other nodes run the tasks" },
            "Whether this node runs tasks.",
        ),
        Setting::new(
            "Lease",
            words(settings.lease),
            "How long a worker may say nothing before its tasks are taken from it.",
        ),
    ]);
    all
}

/// A length of time, exactly: `5 minutes`, `16 hours 40 minutes`.
fn words(time: Duration) -> String {
    let millis = time.as_millis();
    let units =
        [(86_400_000, "day"), (3_600_000, "hour"), (60_000, "minute"), (1_000, "second"), (1, "millisecond")];
    let mut left = millis;
    let mut parts = Vec::new();
    for (size, unit) in units {
        let number = left / size;
        left %= size;
        if number > 0 {
            parts.push(format!("{number} {unit}{}", if number == 1 { "" } else { "s" }));
        }
    }
    if parts.is_empty() { "0 seconds".to_owned() } else { parts.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_said_exactly() {
        let said = [86_400_000, 60_000_000, 90_000, 1_500, 0].map(|ms| words(Duration::from_millis(ms)));
        let exact =
            ["1 day", "16 hours 40 minutes", "1 minute 30 seconds", "1 second 500 milliseconds", "0 seconds"];
        assert_eq!(said, exact);
    }
}
