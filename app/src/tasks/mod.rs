//! The built-in tasks, one file each.

mod backup_database;
mod clean_up;
#[cfg(feature = "ssr")]
mod data_database;
mod demo_form;
mod demo_parts;
mod demo_question;
mod demo_steps;
mod demo_ticks;
mod import_csv;
#[cfg(feature = "ssr")]
mod install;
mod task_report;
#[cfg(feature = "ssr")]
mod text;

pub use backup_database::{BackupDatabase, BackupFormat, BackupSummary};
pub use clean_up::{CleanUpSummary, CleanUpTasks, Ending};
#[cfg(feature = "ssr")]
pub use data_database::{DataDatabase, DataDatabaseError};
pub use demo_form::{DemoDay, DemoForm, DemoFormSummary, DemoSize};
pub use demo_parts::{DemoPart, DemoParts};
pub use demo_question::{DemoAnswer, DemoQuestion};
pub use demo_steps::{DemoEnding, DemoSteps, DemoSummary};
pub use demo_ticks::{DemoTicks, TickSummary};
pub use import_csv::{Delimiter, ImportCsv, ImportMode, ImportSummary};
#[cfg(feature = "ssr")]
pub use install::install;
pub use task_report::{KindReport, TaskReport};
