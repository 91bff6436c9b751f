//! `taskdeck copy`.

/// Without PostgreSQL there is no second kind of store.
#[cfg(not(feature = "postgres"))]
#[expect(clippy::unused_async, reason = "as where it can copy")]
pub(crate) async fn copy(_: &crate::cli::CopyFlags) -> anyhow::Result<()> {
    anyhow::bail!(
        "this build has no PostgreSQL store, and a SQLite file is copied by the kind backup_database"
    )
}

#[cfg(feature = "postgres")]
pub(crate) use with_postgres::copy;

#[cfg(feature = "postgres")]
mod with_postgres {
    use std::io::{IsTerminal, Write};
    use std::time::{Duration, Instant};

    use anyhow::{Result, anyhow};
    use taskdeck::copy::{Copied, Copy, CopyProgress, CopyStage, Place};

    use crate::cli::CopyFlags;
    use crate::config::{Fault, Store, store};

    /// What can be copied.
    const ALLOWED: &str = "sqlite:PATH or postgres://USER@HOST/DATABASE";

    /// How often the line is written anew: for a person, and for a file.
    const REDRAWN: Duration = Duration::from_millis(100);
    const LOGGED: Duration = Duration::from_secs(10);

    /// Copies a deck, and tells on standard error how far it is.
    ///
    /// # Errors
    /// When a store is none, is in use, or is not the same after the copy.
    pub(crate) async fn copy(flags: &CopyFlags) -> Result<()> {
        let (from, to) = (place("from", &flags.from)?, place("to", &flags.to)?);
        if from == to {
            return Err(anyhow!("--from and --to are the same store"));
        }
        let mut copy = Copy::new(from, to);
        if let Some(directory) = &flags.from_files {
            copy = copy.from_files(directory);
        }
        if let Some(directory) = &flags.to_files {
            copy = copy.to_files(directory);
        }
        if flags.online {
            copy = copy.online();
        }
        let mut line = Line::new();
        let done = copy.run(|at| line.show(at)).await;
        line.end();
        print!("{}", summary(&done?, flags.online));
        Ok(())
    }

    fn place(flag: &str, text: &str) -> Result<Place> {
        match store(text) {
            Ok(Store::Sqlite(path)) => Ok(Place::Sqlite(path)),
            Ok(Store::Postgres(url)) => Ok(Place::Postgres(url)),
            Ok(Store::Memory) => Err(anyhow!("--{flag}: a store in memory ends with its process")),
            // An address that is none may have a password in it all the same.
            Err(Fault::Allowed(_)) if text.contains("://") => Err(anyhow!("--{flag}; allowed: {ALLOWED}")),
            Err(Fault::Allowed(_)) => Err(anyhow!("--{flag} is {text:?}; allowed: {ALLOWED}")),
            Err(Fault::Refused(why)) => Err(anyhow!("--{flag}: {why}")),
        }
    }

    /// The line that says how far it is.
    struct Line {
        terminal: bool,
        stage: Option<(CopyStage, Instant)>,
        shown: Option<Instant>,
        last: Option<CopyProgress>,
    }

    impl Line {
        fn new() -> Self {
            Self { terminal: std::io::stderr().is_terminal(), stage: None, shown: None, last: None }
        }

        fn show(&mut self, at: CopyProgress) {
            if self.last.replace(at) == Some(at) {
                return;
            }
            let now = Instant::now();
            if self.stage.is_none_or(|(stage, _)| stage != at.stage) {
                self.stage = Some((at.stage, now));
                self.shown = None;
            }
            let every = if self.terminal { REDRAWN } else { LOGGED };
            let is_last = at.done >= at.total;
            if !is_last && self.shown.is_some_and(|shown| now.duration_since(shown) < every) {
                return;
            }
            self.shown = Some(now);
            let began = self.stage.map_or(now, |(_, began)| began);
            let text = said(at, now.duration_since(began));
            // Nobody can be told that nobody can be told.
            drop(if self.terminal {
                write!(std::io::stderr(), "\r\x1b[K{text}")
            } else {
                writeln!(std::io::stderr(), "{text}")
            });
        }

        fn end(&self) {
            if self.terminal && self.shown.is_some() {
                drop(writeln!(std::io::stderr()));
            }
        }
    }

    fn said(at: CopyProgress, took: Duration) -> String {
        let (verb, what) = match at.stage {
            CopyStage::Tasks => ("copying", "tasks"),
            CopyStage::Files => ("copying", "files"),
            CopyStage::Verify => ("comparing", "rows"),
        };
        #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
        let rate = at.done as f64 / took.as_secs_f64().max(0.001);
        let left = match at.total.saturating_sub(at.done) {
            0 => String::new(),
            #[expect(clippy::cast_precision_loss, reason = "a figure to be read")]
            left if rate > 0.0 => format!(", {:.0} s left", left as f64 / rate),
            _ => String::new(),
        };
        format!("{verb} {what}: {} of {}{left}", at.done, at.total)
    }

    fn summary(copied: &Copied, online: bool) -> String {
        let mut said = format!(
            "{} tasks: {} copied now, {} were there already; {} removed; {} files copied\n",
            copied.tasks,
            copied.copied,
            copied.tasks.saturating_sub(copied.copied),
            copied.removed,
            copied.files,
        );
        if online {
            said.push_str(
                "The deck went on meanwhile: stop it, and copy again without --online to finish.\n",
            );
        }
        for table in &copied.verified {
            let sum = &table.sum[..16];
            said.push_str(&format!(
                "the same on both sides: {:<14} {:>10} rows  {sum}\n",
                table.table, table.rows
            ));
        }
        said
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn it_says_how_far_it_is_and_how_long_it_takes() {
            let at = |done, stage| CopyProgress { stage, done, total: 1_000 };
            let second = Duration::from_secs(1);
            assert_eq!(said(at(0, CopyStage::Tasks), second), "copying tasks: 0 of 1000");
            assert_eq!(said(at(250, CopyStage::Tasks), second), "copying tasks: 250 of 1000, 3 s left");
            assert_eq!(said(at(1_000, CopyStage::Verify), second), "comparing rows: 1000 of 1000");
        }

        #[test]
        fn a_store_that_cannot_be_copied_is_refused_by_its_flag() {
            let memory = place("from", "sqlite::memory:").unwrap_err().to_string();
            assert!(memory.starts_with("--from: "), "{memory}");
            assert!(place("to", "mysql://a").unwrap_err().to_string().starts_with("--to; allowed: "));
            let said = place("to", "deck.db").unwrap_err().to_string();
            assert_eq!(said, format!("--to is \"deck.db\"; allowed: {ALLOWED}"));
        }
    }
}
