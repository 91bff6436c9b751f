//! Who may do what: one function that every door goes through.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{Definition, TaskId, UserId};

/// How much a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks.
    Viewer,
    /// Starts, cancels, retries and deletes tasks.
    Operator,
    /// Everything.
    Admin,
}

/// A person, as the door they came through knows them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// Who.
    pub id: UserId,
    /// How much they may do.
    pub role: Role,
    /// Permissions that a kind can require.
    #[serde(default)]
    pub permissions: BTreeSet<String>,
}

/// On whose behalf something is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The program itself.
    System,
    /// A person.
    User(User),
    /// A machine account with an API token.
    Token(User),
    /// A widget in another page, which may see how one task stands.
    Embed(TaskId),
    /// Nobody is known.
    Anonymous,
}

impl Actor {
    /// The actor of a deck without login: whoever sits at the machine, since such a deck listens on loopback only.
    ///
    /// # Panics
    /// Never: the name is valid.
    #[must_use]
    pub fn local() -> Self {
        #[expect(clippy::unwrap_used, reason = "a constant, covered by a test")]
        Self::User(User {
            id: UserId::new("local").unwrap(),
            role: Role::Admin,
            permissions: BTreeSet::new(),
        })
    }

    /// The id under which the actor's deeds are kept; none for the program itself and for nobody.
    #[must_use]
    pub fn user_id(&self) -> Option<&UserId> {
        match self {
            Self::User(user) | Self::Token(user) => Some(&user.id),
            Self::System | Self::Embed(_) | Self::Anonymous => None,
        }
    }
}

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// See definitions, lists and counts.
    List,
    /// See how one task stands: its state, its result, its notices.
    Watch,
    /// See one task whole: params, questions, attempts, log, artifacts.
    Read,
    /// Start a task, and upload its files.
    Start,
    /// Ask a task to stop.
    Cancel,
    /// Try an ended task again.
    Retry,
    /// Remove a task.
    Delete,
    /// Let a page elsewhere read one task for a while.
    Embed,
    /// Answer a task's question.
    Answer,
    /// Change the params of a failed task.
    Edit,
    /// Pause and resume queues and kinds.
    Pause,
    /// Set the limits of queues and kinds.
    Configure,
    /// Pause and resume a schedule, and start its task now.
    SteerSchedule,
    /// Make, change and remove schedules.
    ManageSchedules,
}

impl Action {
    /// All actions.
    pub const ALL: [Self; 14] = [
        Self::List,
        Self::Watch,
        Self::Read,
        Self::Start,
        Self::Cancel,
        Self::Retry,
        Self::Delete,
        Self::Embed,
        Self::Answer,
        Self::Edit,
        Self::Pause,
        Self::Configure,
        Self::SteerSchedule,
        Self::ManageSchedules,
    ];

    /// The role that it takes at least.
    const fn least_role(self) -> Role {
        match self {
            Self::List | Self::Watch | Self::Read => Role::Viewer,
            Self::Start
            | Self::Cancel
            | Self::Retry
            | Self::Delete
            | Self::Embed
            | Self::Answer
            | Self::Edit
            | Self::Pause
            | Self::SteerSchedule => Role::Operator,
            Self::Configure | Self::ManageSchedules => Role::Admin,
        }
    }
}

/// What it is done to.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// The deck as a whole.
    Deck,
    /// Tasks of a kind.
    Kind(&'a Definition),
    /// One task, and its kind's definition where this node knows it.
    Task(TaskId, Option<&'a Definition>),
}

/// The actor may not do this.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Denied {
    /// Why, in words for the one who asked.
    pub reason: String,
}

fn denied(reason: impl Into<String>) -> Result<(), Denied> {
    Err(Denied { reason: reason.into() })
}

/// Whether `actor` may do `action` to `subject`.
///
/// # Errors
/// [`Denied`] with the reason when not.
pub fn authorise(actor: &Actor, action: Action, subject: Subject<'_>) -> Result<(), Denied> {
    let user = match actor {
        Actor::System => return Ok(()),
        Actor::User(user) | Actor::Token(user) => user,
        Actor::Embed(own) => {
            return match (action, subject) {
                (Action::Watch, Subject::Task(id, _)) if id == *own => Ok(()),
                _ => denied("an embedded widget may see its own task only, and only what it shows"),
            };
        }
        Actor::Anonymous => return denied("sign in first"),
    };
    let least = action.least_role();
    if user.role < least {
        return denied(if least == Role::Admin { "this takes an admin" } else { "your role may only look" });
    }
    let definition = match subject {
        Subject::Kind(definition) | Subject::Task(_, Some(definition)) => definition,
        Subject::Deck | Subject::Task(_, None) => return Ok(()),
    };
    match definition.requires.iter().find(|permission| !user.permissions.contains(*permission)) {
        Some(missing) if user.role < Role::Admin => {
            denied(format!("the kind {} requires the permission {missing:?}", definition.kind))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Kind, Timestamp};

    fn user(role: Role, permissions: &[&str]) -> Actor {
        let permissions = permissions.iter().map(|p| (*p).to_owned()).collect();
        Actor::User(User { id: UserId::new("ann").unwrap(), role, permissions })
    }

    fn id(n: u8) -> TaskId {
        TaskId::from_parts(Timestamp::from_millis(1), [n; 10])
    }

    #[test]
    fn nobody_may_do_nothing_and_the_local_actor_everything() {
        for action in Action::ALL {
            assert!(authorise(&Actor::Anonymous, action, Subject::Deck).is_err());
            assert!(authorise(&Actor::local(), action, Subject::Deck).is_ok());
            assert!(authorise(&Actor::System, action, Subject::Deck).is_ok());
        }
    }

    #[test]
    fn a_viewer_looks_and_an_operator_acts() {
        let viewer = user(Role::Viewer, &[]);
        assert!(authorise(&viewer, Action::Watch, Subject::Task(id(1), None)).is_ok());
        assert!(authorise(&viewer, Action::Read, Subject::Task(id(1), None)).is_ok());
        assert!(authorise(&viewer, Action::Cancel, Subject::Task(id(1), None)).is_err());
        assert!(authorise(&user(Role::Operator, &[]), Action::Cancel, Subject::Task(id(1), None)).is_ok());
        assert!(authorise(&user(Role::Operator, &[]), Action::Configure, Subject::Deck).is_err());
    }

    #[test]
    fn an_operator_steers_schedules_and_an_admin_makes_them() {
        let may = |role, action| authorise(&user(role, &[]), action, Subject::Deck).is_ok();
        assert!(!may(Role::Viewer, Action::SteerSchedule));
        assert!(may(Role::Operator, Action::SteerSchedule));
        assert!(!may(Role::Operator, Action::ManageSchedules));
        assert!(may(Role::Admin, Action::ManageSchedules));
    }

    #[test]
    fn an_embed_sees_how_its_own_task_stands_and_nothing_else() {
        let embed = Actor::Embed(id(1));
        assert!(authorise(&embed, Action::Watch, Subject::Task(id(1), None)).is_ok());
        assert!(authorise(&embed, Action::Watch, Subject::Task(id(2), None)).is_err());
        assert!(authorise(&embed, Action::Cancel, Subject::Task(id(1), None)).is_err());
        assert!(authorise(&embed, Action::List, Subject::Deck).is_err());
        for action in Action::ALL.into_iter().filter(|action| *action != Action::Watch) {
            assert!(authorise(&embed, action, Subject::Task(id(1), None)).is_err(), "{action:?}");
        }
    }

    #[test]
    fn a_viewer_gives_no_tokens_away() {
        let own = Subject::Task(id(1), None);
        assert!(authorise(&user(Role::Viewer, &[]), Action::Embed, own).is_err());
        assert!(authorise(&user(Role::Operator, &[]), Action::Embed, own).is_ok());
    }

    #[test]
    fn a_kind_can_require_a_permission() {
        let mut definition = Definition::new(Kind::new("pay_out").unwrap());
        definition.requires = vec!["money".to_owned()];
        let subject = Subject::Kind(&definition);
        assert!(authorise(&user(Role::Operator, &[]), Action::Start, subject).is_err());
        assert!(authorise(&user(Role::Operator, &["money"]), Action::Start, subject).is_ok());
        assert!(authorise(&user(Role::Admin, &[]), Action::Start, subject).is_ok());
    }
}
