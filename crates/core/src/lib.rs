//! The nouns and decisions of Taskdeck: what a task is, which status may follow which, what a valid parameter is,
//! who may do what, and how all of it looks on the wire.
//!
//! This crate holds no I/O, no clock and no randomness: time and chance are arguments. It compiles to WASM, so the
//! browser and the server decide by the same code.
//!
//! ```
//! use taskdeck_core::{TaskId, Timestamp};
//!
//! let id = TaskId::from_parts(Timestamp::from_millis(1_700_000_000_000), [7; 10]);
//! assert_eq!(id.to_string().parse::<TaskId>(), Ok(id));
//! ```

mod about;
mod access;
pub mod ansi;
mod bulk;
pub mod csv;
mod definition;
mod detail;
mod embed;
mod error;
mod event;
mod feed;
mod filter;
pub mod form;
pub mod format;
mod histogram;
mod id;
mod inbox;
mod kind_name;
mod list;
mod log;
mod machine;
mod notice;
mod param;
mod param_kind;
mod progress;
mod question;
mod rate;
mod read;
mod retry;
mod schedule;
mod secret;
mod start_page;
mod state;
mod stats;
mod status;
mod task;
mod task_error;
mod task_view;
mod time;
pub mod told;
mod trace;
mod why;
mod wire;
mod worker;

pub use about::{About, Setting};
pub use access::{Action, Actor, Denied, Role, Subject, User, authorise};
pub use bulk::{BulkPreview, BulkRequest, BulkVerb};
pub use definition::{Category, Definition, Limits};
pub use detail::{ParamTitle, TaskDetail};
pub use embed::{EmbedRequest, EmbedToken};
pub use error::{DeckError, FieldErrors, Problem};
pub use event::{TaskEvent, TaskEventKind, happened, unstarted, vanished};
pub use feed::{ClientMessage, Known, LIST_ANNOUNCE_LIMIT, ServerMessage, Tick};
pub use filter::{Age, FILTER_NAMES, FilterError, ParseAgeError, SHORTEST_ID, id_part, quoted};
pub use histogram::Histogram;
pub use id::{
    BatchId, DeckId, FileId, IdError, Kind, LeaseToken, QueueName, ScheduleName, SessionId, TaskId, UserId,
};
pub use inbox::{Inbox, InboxNotice};
pub use kind_name::KindName;
pub use list::{ListOrder, ListQuery, TaskPage};
pub use log::{LogLevel, LogLine, LogPage};
pub use machine::{AttemptEnd, Decision, Event, Lease, Machine, Refused, decide};
pub use notice::{MOST_NOTICES, NOTICE_CHARS, Notice};
pub use param::{Choices, Param, ParamType, Upload};
pub use param_kind::{Choice, ParamKind};
pub use progress::{Progress, Step, eta_ms};
pub use question::{Answer, AnswerRequest, OpenQuestion, Question, QuestionOutcome};
pub use rate::{Bucket, Rate, RateError};
pub use retry::RetryPolicy;
pub use schedule::{MissedFires, NextTimes, Schedule, ScheduleSource, ScheduleSpec};
pub use secret::{SECRET_MASK, Secret, keep_secrets, may_hold_secrets, redact};
pub use start_page::StartPage;
pub use state::State;
pub use stats::{Percentiles, Stats, StatsFold, StatsPoint, Tally, minute_of};
pub use status::{ParseStatusError, Status, StatusSet};
pub use task::Task;
pub use task_error::{Retry, TaskError};
pub use task_view::TaskView;
pub use time::Timestamp;
pub use trace::traceparent;
pub use why::{HeldBack, LaneNow, NotRunning, why_not_running};
pub use wire::{
    Artifact, Attempt, Batch, BatchItem, BatchRequest, BatchStarted, CancelInfo, CancelOutcome, Counts,
    ErrorInfo, Lane, LaneLimits, LaneOf, Lanes, PartProblem, ResultBody, Rev, StartRequest, Started,
    TaskState, ThenRequest,
};
pub use worker::WorkerState;
