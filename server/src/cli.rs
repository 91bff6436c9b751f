//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Background tasks with a dashboard, in one binary and one SQLite file; or in a PostgreSQL database, on many machines.
///
/// A setting is taken from its flag, else from its environment variable, else from taskdeck.toml, else it has its
/// default. `taskdeck` alone is `taskdeck serve`.
#[derive(Debug, Parser)]
#[command(name = "taskdeck", version, args_conflicts_with_subcommands = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) serve: Flags,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Serve the dashboard and the API, and run tasks
    Serve(Box<Flags>),
    /// Run tasks that others start, and serve nothing: needs a PostgreSQL store
    Worker(Box<Flags>),
    /// Copy a deck to another store: from a SQLite file to PostgreSQL, or back
    Copy(CopyFlags),
    /// Print the kinds of tasks that this binary has
    Kinds,
}

/// Both stores are named as TASK_STORE names them.
#[derive(Debug, Args)]
pub(crate) struct CopyFlags {
    /// Where the deck is
    #[arg(long, value_name = "STORE")]
    pub(crate) from: String,
    /// Where it is to be; empty, or an earlier copy of the same deck
    #[arg(long, value_name = "STORE")]
    pub(crate) to: String,
    /// The directory of the files of the deck, if it has TASK_FILES
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) from_files: Option<PathBuf>,
    /// The directory that the copy is to have for its files, as TASK_FILES would name it
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) to_files: Option<PathBuf>,
    /// Copy while the deck runs; stop it and copy again to finish: then only what has changed since is copied
    #[arg(long)]
    pub(crate) online: bool,
}

/// Values are kept as text: what is wrong with one is told in the same words wherever it came from.
#[derive(Debug, Default, Args)]
pub(crate) struct Flags {
    /// The configuration file [TASK_CONFIG; taskdeck.toml, if there is one]
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where to listen [TASK_BIND; 127.0.0.1:3000]
    #[arg(long, value_name = "ADDRESS")]
    bind: Option<String>,
    /// The path that everything is below, such as /deck [TASK_BASE; none]
    #[arg(long, value_name = "PATH")]
    base: Option<String>,
    /// Where tasks are kept: sqlite:PATH, postgres://USER@HOST/DATABASE for many nodes, or sqlite::memory:
    /// [TASK_STORE; sqlite:taskdeck.db]
    #[arg(long, value_name = "STORE")]
    store: Option<String>,
    /// How many connections to a PostgreSQL server this process has, at least 3 [TASK_STORE_CONNECTIONS; 11]
    #[arg(long, value_name = "NUMBER")]
    store_connections: Option<String>,
    /// The database that imported data goes to [TASK_DATA; data.db beside the store]
    #[arg(long, value_name = "FILE")]
    data: Option<String>,
    /// The directory of uploads and artifacts; with PostgreSQL one that all nodes have, such as on NFS
    /// [TASK_FILES; beside the store, or in the PostgreSQL database]
    #[arg(long, value_name = "DIRECTORY")]
    files: Option<String>,
    /// How many tasks run at the same time [TASK_MAX_CONCURRENT; the number of CPUs]
    #[arg(long, value_name = "NUMBER")]
    max_concurrent: Option<String>,
    /// Whether this process runs tasks; with a PostgreSQL store others may [TASK_WORKER; true]
    #[arg(long, value_name = "BOOL")]
    worker: Option<String>,
    /// The same as --worker false
    #[arg(long, conflicts_with = "worker")]
    no_worker: bool,
    /// How long an attempt may take, unless its kind says otherwise [TASK_TIMEOUT; 5m]
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// How long a cancelled attempt, or a shutdown, may take [TASK_GRACE; 10s]
    #[arg(long, value_name = "TIME")]
    grace: Option<String>,
    /// For how many days ended tasks are kept [TASK_RETENTION_DAYS; 1]
    #[arg(long, value_name = "DAYS")]
    retention_days: Option<String>,
    /// When a change counts as stored: full (on disk) or normal (in the operating system) [TASK_DURABILITY; full]
    #[arg(long, value_name = "WHEN")]
    durability: Option<String>,
    /// The least grave level that a task's log keeps: trace, debug, info, warn or error [TASK_LOG_LEVEL; info]
    #[arg(long, value_name = "LEVEL")]
    log_level: Option<String>,
    /// How many log lines of a running task are held in memory [TASK_BUFFER_SIZE; 1000]
    #[arg(long, value_name = "LINES")]
    buffer_size: Option<String>,
    /// The largest upload [TASK_MAX_UPLOAD; 2GB]
    #[arg(long, value_name = "SIZE")]
    max_upload: Option<String>,
    /// Whether pages are told of changes by WebSocket; they poll otherwise [TASK_WEBSOCKET_ENABLED; true]
    #[arg(long, value_name = "BOOL")]
    websocket_enabled: Option<String>,
    /// The origins whose pages may show widgets, with a token each: https://a.example,https://b.example
    /// [TASK_EMBED_ORIGINS; none]
    #[arg(long, value_name = "ORIGINS")]
    embed_origins: Option<String>,
}

impl Flags {
    /// The settings that were given, by name.
    pub(crate) fn given(&self) -> Vec<(&'static str, String)> {
        let worker = self.worker.clone().or_else(|| self.no_worker.then(|| "false".to_owned()));
        let all = [
            ("bind", &self.bind),
            ("base", &self.base),
            ("store", &self.store),
            ("store_connections", &self.store_connections),
            ("data", &self.data),
            ("files", &self.files),
            ("max_concurrent", &self.max_concurrent),
            ("worker", &worker),
            ("timeout", &self.timeout),
            ("grace", &self.grace),
            ("retention_days", &self.retention_days),
            ("durability", &self.durability),
            ("log_level", &self.log_level),
            ("buffer_size", &self.buffer_size),
            ("max_upload", &self.max_upload),
            ("websocket_enabled", &self.websocket_enabled),
            ("embed_origins", &self.embed_origins),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_is_serve() {
        let cli = Cli::try_parse_from(["taskdeck", "--bind", "127.0.0.1:1"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.serve.given(), [("bind", "127.0.0.1:1".to_owned())]);
        let cli = Cli::try_parse_from(["taskdeck", "serve", "--timeout", "1m"]).unwrap();
        assert!(matches!(cli.command, Some(Command::Serve(flags)) if flags.given()[0].0 == "timeout"));
        let cli = Cli::try_parse_from(["taskdeck", "serve", "--no-worker"]).unwrap();
        let worker = ("worker", "false".to_owned());
        assert!(matches!(cli.command, Some(Command::Serve(flags)) if flags.given() == [worker]));
        assert!(Cli::try_parse_from(["taskdeck", "--no-worker", "--worker", "true"]).is_err());
    }

    #[test]
    fn every_setting_has_its_flag() {
        let command = Cli::command();
        for name in crate::config::NAMES {
            let flag = name.replace('_', "-");
            assert!(command.get_arguments().any(|arg| arg.get_long() == Some(&flag)), "--{flag}");
        }
    }
}
