//! Which tasks the viewer saw end: the bell does not tell of them. They are in a cookie, so that the server counts as the
//! browser does.

use taskdeck_core::{Inbox, TaskState};

use crate::{browser, cookies};

/// The cookie that keeps the last endings that the viewer saw.
const COOKIE: &str = "taskdeck_watched";
/// So many; older ones are told of as any other.
const MOST: usize = 16;

/// A task that is run again ends anew, which is another ending.
fn ending(task: &TaskState) -> String {
    format!("{}:{}", task.id, task.version)
}

fn endings(cookies: &str) -> impl Iterator<Item = &str> {
    cookies::find(cookies, COOKIE).unwrap_or_default().split('.')
}

/// The cookie with one ending more; none where it is in there.
fn with(cookies: &str, task: &TaskState) -> Option<String> {
    let new = ending(task);
    if endings(cookies).any(|known| known == new) {
        return None;
    }
    let mut all = new;
    for known in endings(cookies).filter(|known| !known.is_empty()).take(MOST - 1) {
        all.push('.');
        all.push_str(known);
    }
    Some(cookies::kept(COOKIE, &all))
}

/// Notes that the viewer sees the end of a task; for effects, which run in a browser only.
pub(crate) fn note(task: &TaskState) {
    if let Some(cookie) = with(&browser::cookies(), task) {
        browser::keep(&cookie);
    }
}

/// How much of it is new to the viewer, but for what they saw end; `cookies` as in a `Cookie` header.
pub(crate) fn count_new(inbox: &Inbox, cookies: &str) -> usize {
    let is_watched = |task: &TaskState| endings(cookies).any(|known| known == ending(task));
    let seen = inbox.tasks.iter().filter(|task| inbox.is_new(task) && is_watched(task));
    inbox.count_new() - seen.count()
}

#[cfg(test)]
mod tests {
    use taskdeck_core::{Kind, Status, TaskId, Timestamp};

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    fn ended(n: u8) -> TaskState {
        let id = TaskId::from_parts(at(5), [n; 10]);
        let mut task = TaskState::new(id, Kind::new("import_csv").unwrap(), "Import", at(5));
        (task.status, task.ended_at, task.version) = (Status::Completed, Some(at(9)), 3);
        task
    }

    #[test]
    fn what_one_saw_end_is_not_new_until_it_ends_again() {
        let mut inbox =
            Inbox { tasks: vec![ended(1), ended(2)], notices: Vec::new(), looked_at: None, now: at(10) };
        assert_eq!(count_new(&inbox, ""), 2);
        let cookie = with("theme=dark", &inbox.tasks[0]).unwrap();
        assert_eq!(count_new(&inbox, &cookie), 1);
        assert_eq!(with(&cookie, &inbox.tasks[0]), None);
        inbox.tasks[0].version = 5;
        assert_eq!(count_new(&inbox, &cookie), 2);
    }

    #[test]
    fn the_cookie_keeps_the_last_endings() {
        let mut cookie = String::new();
        for n in 0..40 {
            cookie = with(&cookie, &ended(n)).unwrap();
        }
        let known: Vec<_> = endings(&cookie).collect();
        assert_eq!(known.len(), MOST);
        assert_eq!(known[0], ending(&ended(39)));
        assert!(cookie.len() < 1_000, "{cookie}");
    }
}
