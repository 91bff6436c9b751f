//! What the server is told to do.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use taskdeck::{Setting, Settings};

use super::sources::{Sources, variable_of};
use super::values::{self, Fault};

/// Where tasks are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Store {
    /// In this SQLite file.
    Sqlite(PathBuf),
    /// In memory, up to the end of the process.
    Memory,
    /// In this PostgreSQL database, which other nodes may share. The URL may hold a password.
    Postgres(String),
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Memory => f.write_str("sqlite::memory:"),
            Self::Postgres(url) => f.write_str(&without_password(url)),
        }
    }
}

/// The URL as it may be shown: what follows the user's name, up to the host, is left out, and so are the options.
fn without_password(url: &str) -> String {
    let url = url.split_once('?').map_or(url, |(before, _)| before);
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", url));
    match rest.rsplit_once('@') {
        Some((user, host)) => {
            let user = user.split_once(':').map_or(user, |(name, _)| name);
            format!("{scheme}://{user}@{host}")
        }
        None => url.to_owned(),
    }
}

/// The settings of the server.
#[derive(Debug, Clone)]
pub(crate) struct ServerConfig {
    pub(crate) bind: SocketAddr,
    /// The path that everything is below, without a slash at its end; empty for none.
    pub(crate) base: String,
    pub(crate) store: Store,
    /// The database that imported data goes to.
    pub(crate) data: PathBuf,
    /// The directory of uploads and artifacts, where it is named.
    pub(crate) files: Option<PathBuf>,
    pub(crate) websocket: bool,
    /// The origins whose pages may show widgets.
    pub(crate) embed_origins: Vec<String>,
    pub(crate) settings: Settings,
}

impl ServerConfig {
    /// The configuration that the sources give.
    ///
    /// # Errors
    /// Every value that is not allowed, with its setting and where it came from.
    pub(crate) fn read(sources: &Sources) -> Result<Self> {
        let mut reader = Reader { sources, faults: Vec::new() };
        let defaults = Settings::default();
        let settings = Settings {
            max_concurrent: reader.read("max_concurrent", values::count, defaults.max_concurrent),
            timeout: reader.read("timeout", values::duration, defaults.timeout),
            grace: reader.read("grace", values::duration, defaults.grace),
            buffer_size: reader.read("buffer_size", values::count, defaults.buffer_size),
            retention: reader.read("retention_days", values::days, defaults.retention),
            durability: reader.read("durability", values::durability, defaults.durability),
            log_level: reader.read("log_level", values::log_level, defaults.log_level),
            max_upload_bytes: reader.read("max_upload", values::size, defaults.max_upload_bytes),
            worker: reader.read("worker", values::switch, true),
            store_connections: reader.read(
                "store_connections",
                values::connections,
                defaults.store_connections,
            ),
            ..defaults
        };
        let bind = reader.read("bind", values::bind, SocketAddr::from(([127, 0, 0, 1], 3000)));
        let base = reader.read("base", values::base, String::new());
        let store = reader.read("store", values::store, Store::Sqlite(PathBuf::from("taskdeck.db")));
        let data = reader.read("data", values::path, beside(&store, "data.db"));
        let files = reader.read("files", |text| values::path(text).map(Some), None);
        let websocket = reader.read("websocket_enabled", values::switch, true);
        let embed_origins = reader.read("embed_origins", values::origins, Vec::new());
        if matches!(&store, Store::Sqlite(path) if *path == data) {
            let data = data.display();
            reader.faults.push(format!(
                "TASK_DATA is the file of the store itself ({data}); imported data goes to a file of its own"
            ));
        }
        if files.is_some() && store == Store::Memory {
            reader
                .faults
                .push("TASK_FILES names a directory, but a store in memory ends with its process".to_owned());
        }
        if !settings.worker && !matches!(store, Store::Postgres(_)) {
            reader.faults.push(
                "TASK_WORKER is false, but nobody else can run the tasks of this store: a SQLite store has one \
                 process; with TASK_STORE=postgres://.. others run them"
                    .to_owned(),
            );
        }
        if !reader.faults.is_empty() {
            bail!(reader.faults.join("\n"));
        }
        Ok(Self { bind, base, store, data, files, websocket, embed_origins, settings })
    }

    /// What the settings page shows of it; the deck and the routes tell the rest. No password is among it.
    pub(crate) fn shown(&self) -> Vec<Setting> {
        let files = match (&self.files, &self.store) {
            (Some(directory), _) => directory.display().to_string(),
            (None, Store::Sqlite(path)) => format!("{}.files", path.display()),
            (None, _) => "a directory that goes with the process".to_owned(),
        };
        let base = if self.base.is_empty() { "/" } else { &self.base };
        let mut shown = vec![
            Setting::new("TASK_BASE", base, "The path that everything is below."),
            Setting::new("TASK_STORE", self.store.to_string(), "Where tasks are kept."),
        ];
        if matches!(self.store, Store::Postgres(_)) {
            shown.push(Setting::new(
                "TASK_STORE_CONNECTIONS",
                self.settings.store_connections.to_string(),
                "How many connections this node has to the PostgreSQL server.",
            ));
        }
        shown.extend([
            Setting::new("TASK_FILES", files, "The directory of uploads and artifacts."),
            Setting::new(
                "TASK_DATA",
                self.data.display().to_string(),
                "The database that imported data goes to.",
            ),
        ]);
        shown
    }
}

fn beside(store: &Store, name: &str) -> PathBuf {
    match store {
        Store::Sqlite(path) => path.parent().unwrap_or(Path::new("")).join(name),
        Store::Memory | Store::Postgres(_) => PathBuf::from(name),
    }
}

struct Reader<'a> {
    sources: &'a Sources,
    faults: Vec<String>,
}

impl Reader<'_> {
    fn read<T>(&mut self, name: &str, parse: impl FnOnce(&str) -> Result<T, Fault>, default: T) -> T {
        let Some(given) = self.sources.get(name) else {
            return default;
        };
        let (setting, text, origin) = (variable_of(name), &given.text, &given.origin);
        match parse(text) {
            Ok(value) => return value,
            Err(Fault::Allowed(allowed)) => {
                self.faults.push(format!("{setting} is {text:?} (from {origin}); allowed: {allowed}"));
            }
            Err(Fault::Refused(why)) => self.faults.push(format!("{setting} (from {origin}): {why}")),
        }
        default
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser;

    use super::*;
    use crate::cli::Cli;

    /// What the three sources give together; `file` is the text of the configuration file.
    fn config(flags: &[&str], environment: &[(&str, &str)], file: Option<&str>) -> Result<ServerConfig> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taskdeck.toml");
        let mut args = vec!["taskdeck".to_owned()];
        args.extend(flags.iter().map(|&flag| flag.to_owned()));
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
            args.extend(["--config".to_owned(), path.to_string_lossy().into_owned()]);
        }
        let cli = Cli::try_parse_from(args).unwrap();
        let variable = |name: &str| {
            environment.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned())
        };
        let sources = Sources::gather(&cli.serve, variable)?;
        ServerConfig::read(&sources)
    }

    fn fault(flags: &[&str], environment: &[(&str, &str)], file: Option<&str>) -> String {
        format!("{:#}", config(flags, environment, file).unwrap_err())
    }

    #[test]
    fn the_defaults_are_those_of_the_manual() {
        let config = config(&[], &[], None).unwrap();
        assert_eq!(config.bind.to_string(), "127.0.0.1:3000");
        assert_eq!(config.store.to_string(), "sqlite:taskdeck.db");
        assert_eq!(config.data, PathBuf::from("data.db"));
        assert!(config.websocket);
        assert_eq!(config.settings.timeout, Duration::from_secs(300));
        assert_eq!(config.settings.retention, Duration::from_secs(86_400));
        assert_eq!(config.settings.max_upload_bytes, 2_000_000_000);
    }

    #[test]
    fn flags_go_before_the_environment_and_that_before_the_file() {
        let file = "timeout = \"1m\"\ngrace = \"1s\"\nmax_concurrent = 1\nwebsocket_enabled = false\n";
        let environment = [("TASK_TIMEOUT", "2m"), ("TASK_GRACE", "2s"), ("TASK_MAX_CONCURRENT", " ")];
        let config = config(&["--timeout", "3m"], &environment, Some(file)).unwrap();
        assert_eq!(config.settings.timeout, Duration::from_secs(180));
        assert_eq!(config.settings.grace, Duration::from_secs(2));
        assert_eq!(config.settings.max_concurrent, 1, "an empty variable is none");
        assert!(!config.websocket);
    }

    #[test]
    fn data_lies_beside_the_store() {
        let of = |store: &str| config(&["--store", store], &[], None).unwrap().data;
        assert_eq!(of("sqlite:/var/lib/deck.db"), PathBuf::from("/var/lib/data.db"));
        assert_eq!(of("sqlite::memory:"), PathBuf::from("data.db"));
        let own = config(&["--data", "/srv/rows.db"], &[], None).unwrap();
        assert_eq!(own.data, PathBuf::from("/srv/rows.db"));
        assert!(
            fault(&["--store", "sqlite:data.db"], &[], None).contains("TASK_DATA is the file of the store")
        );
    }

    #[test]
    fn the_directory_of_files_may_be_named_by_each_source() {
        assert_eq!(config(&[], &[], None).unwrap().files, None);
        let named = |flags: &[&str], environment: &[(&str, &str)], file| {
            config(flags, environment, file).unwrap().files.unwrap()
        };
        let file = Some("files = \"/srv/a\"");
        assert_eq!(named(&[], &[], file), PathBuf::from("/srv/a"));
        assert_eq!(named(&[], &[("TASK_FILES", "/srv/b")], file), PathBuf::from("/srv/b"));
        assert_eq!(named(&["--files", "/srv/c"], &[("TASK_FILES", "/srv/b")], file), PathBuf::from("/srv/c"));
        let memory = fault(&["--store", "sqlite::memory:", "--files", "/srv/c"], &[], None);
        assert!(memory.contains("TASK_FILES names a directory"), "{memory}");
    }

    #[test]
    fn a_bad_value_names_its_setting_its_source_and_what_is_allowed() {
        assert_eq!(
            fault(&["--max-concurrent", "none"], &[("TASK_TIMEOUT", "soon")], None),
            "TASK_MAX_CONCURRENT is \"none\" (from the flag --max-concurrent); \
             allowed: a whole number from 1 to 1000000\n\
             TASK_TIMEOUT is \"soon\" (from the environment); \
             allowed: a length of time such as 500ms, 30s, 5m or 1h"
        );
        let from_file = fault(&[], &[], Some("log_level = \"loud\""));
        assert!(from_file.starts_with("TASK_LOG_LEVEL is \"loud\" (from /"), "{from_file}");
        assert!(from_file.contains("taskdeck.toml); allowed: trace, debug"), "{from_file}");
    }

    #[test]
    fn an_unknown_key_of_the_file_is_refused() {
        let unknown = fault(&[], &[], Some("max_concurent = 4"));
        assert!(
            unknown.contains("taskdeck.toml has the key `max_concurent`, which is no setting"),
            "{unknown}"
        );
        assert!(unknown.contains("max_concurrent"), "{unknown}");
        assert!(fault(&[], &[], Some("timeout = [1]")).contains("`timeout` is of type array"));
        assert!(fault(&[], &[], Some("timeout = ")).contains("is not valid TOML"));
        let missing = fault(&["--config", "/no/such.toml"], &[], None);
        assert!(missing.contains("cannot read /no/such.toml"), "{missing}");
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_database_is_shown_without_its_password() {
        let url = "postgres://ann:se:cr@et@db:5432/tasks?password=secret";
        let config = config(&["--worker", "false"], &[("TASK_STORE", url)], None).unwrap();
        assert_eq!(config.store, Store::Postgres(url.to_owned()));
        assert_eq!(config.store.to_string(), "postgres://ann@db:5432/tasks");
        assert!(!config.settings.worker);
        let shown = config.shown().into_iter().map(|one| format!("{}={}", one.name, one.value));
        let shown = shown.collect::<Vec<_>>().join(" ");
        assert!(
            shown.contains("TASK_STORE=postgres://ann@db:5432/tasks TASK_STORE_CONNECTIONS=11"),
            "{shown}"
        );
        assert!(!shown.contains("cr@et") && !shown.contains("secret"), "{shown}");
    }

    #[test]
    fn the_page_of_settings_has_those_of_the_server() {
        let set = [("TASK_BASE", "/deck"), ("TASK_STORE", "sqlite:/var/a.db"), ("TASK_FILES", "/srv/files")];
        let shown = |set: &[(&str, &str)]| {
            let shown = config(&[], set, None).unwrap().shown();
            shown.into_iter().map(|one| format!("{}={}", one.name, one.value)).collect::<Vec<_>>()
        };
        let data = "TASK_DATA=/var/data.db";
        assert_eq!(
            shown(&set),
            ["TASK_BASE=/deck", "TASK_STORE=sqlite:/var/a.db", "TASK_FILES=/srv/files", data]
        );
        assert_eq!(shown(&set[1..2])[2], "TASK_FILES=/var/a.db.files", "as nobody said otherwise");
    }

    #[test]
    fn a_variable_that_is_no_setting_is_told() {
        let set = ["TASK_TIMEOUT", "TASK_TIMOUT", "TASK_CONFIG", "TASK_TEST_POSTGRES", "TASKS", "PATH"];
        assert_eq!(Sources::unknown(set.into_iter().map(str::to_owned)), ["TASK_TIMOUT"]);
    }

    #[test]
    fn what_cannot_be_done_is_refused_without_repeating_a_password() {
        let alone = fault(&["--worker", "false"], &[], None);
        assert!(alone.contains("TASK_STORE=postgres://"), "{alone}");
        let open = fault(&["--bind", "0.0.0.0:3000"], &[], None);
        assert!(open.starts_with("TASK_BIND (from the flag --bind): sign-in is not there yet"), "{open}");
    }
}
