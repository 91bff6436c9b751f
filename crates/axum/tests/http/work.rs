//! Tasks for the tests, made by hand.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use taskdeck_core::{Definition, Param, Question, Task, TaskError, Upload};
use taskdeck_engine::{TaskBody, TaskContext};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;

/// Lets one [`Wait`] end each time it is opened.
#[derive(Clone)]
pub(crate) struct Gate(Arc<Semaphore>);

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    pub(crate) fn open(&self) {
        self.0.add_permits(1);
    }
}

fn definition<T: Task>(params: Vec<Param>) -> Definition {
    Definition { params, ..Definition::new(T::kind()) }
}

/// Says what it was told.
#[derive(Serialize, Deserialize)]
pub(crate) struct Echo {
    text: String,
    times: u8,
}

impl Task for Echo {
    const KIND: &'static str = "echo";
    type Output = String;

    fn definition() -> Definition {
        let mut definition = definition::<Self>(vec![
            Param::of::<String>("text").max_len(10),
            Param::of::<u8>("times").default_of(1_u8),
        ]);
        definition.tags = vec!["parrot".to_owned()];
        definition
    }
}

impl TaskBody for Echo {
    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        ctx.info("one");
        ctx.info("two");
        Ok(self.text.repeat(usize::from(self.times)))
    }
}

/// Waits for the gate, or for being cancelled.
#[derive(Serialize, Deserialize)]
pub(crate) struct Wait {}

impl Task for Wait {
    const KIND: &'static str = "wait";
    type Output = ();

    fn definition() -> Definition {
        definition::<Self>(Vec::new())
    }
}

impl TaskBody for Wait {
    async fn run(self, ctx: TaskContext) -> Result<(), TaskError> {
        ctx.progress(0.5);
        ctx.info("waiting");
        ctx.notify("The gate is closed.").await?;
        let gate = ctx.get::<Gate>()?;
        tokio::select! {
            permit = gate.0.acquire() => permit?.forget(),
            () = ctx.cancelled() => return Err(TaskError::permanent("told to stop")),
        }
        ctx.info("let through");
        Ok(())
    }
}

/// Moves much faster than anybody can watch, until it is let through.
#[derive(Serialize, Deserialize)]
pub(crate) struct Spin {}

impl Task for Spin {
    const KIND: &'static str = "spin";
    type Output = u64;

    fn definition() -> Definition {
        definition::<Self>(Vec::new())
    }
}

impl TaskBody for Spin {
    async fn run(self, ctx: TaskContext) -> Result<u64, TaskError> {
        let gate = ctx.get::<Gate>()?;
        let mut done = 0;
        while gate.0.try_acquire().is_err() {
            done += 1;
            ctx.progress_of(done, u64::MAX);
            tokio::task::yield_now().await;
        }
        Ok(done)
    }
}

/// Fails at once.
#[derive(Serialize, Deserialize)]
pub(crate) struct Fail {}

impl Task for Fail {
    const KIND: &'static str = "fail";
    type Output = ();

    fn definition() -> Definition {
        definition::<Self>(Vec::new())
    }
}

impl TaskBody for Fail {
    async fn run(self, _: TaskContext) -> Result<(), TaskError> {
        Err(TaskError::permanent("the cable is cut").code("cable_cut").detail("not for everybody"))
    }
}

/// Reads an uploaded file.
#[derive(Serialize, Deserialize)]
pub(crate) struct Read {
    file: Upload,
    #[serde(default)]
    note: Option<String>,
}

impl Task for Read {
    const KIND: &'static str = "read";
    type Output = String;

    fn definition() -> Definition {
        definition::<Self>(vec![
            Param::of::<Upload>("file").accept(".csv").max_bytes(100_000),
            Param::of::<Option<String>>("note"),
        ])
    }
}

impl TaskBody for Read {
    async fn run(self, ctx: TaskContext) -> Result<String, TaskError> {
        let mut text = String::new();
        ctx.open(&self.file).await?.read_to_string(&mut text).await?;
        Ok(format!("{}: {text} ({})", self.file.name, self.note.unwrap_or_default()))
    }
}

/// Makes a file.
#[derive(Serialize, Deserialize)]
pub(crate) struct Make {}

impl Task for Make {
    const KIND: &'static str = "make";
    type Output = ();

    fn definition() -> Definition {
        definition::<Self>(Vec::new())
    }
}

/// A name that needs care in a header and in an address.
pub(crate) const ARTIFACT: &str = "the \"übung\" #1.html";

impl TaskBody for Make {
    async fn run(self, ctx: TaskContext) -> Result<(), TaskError> {
        let writer = ctx.artifact(ARTIFACT, "text/html").await?;
        std::fs::write(writer.path(), "<script>alert(1)</script>")?;
        writer.finish().await?;
        Ok(())
    }
}

/// Divides 12, and fails for good when it cannot.
#[derive(Serialize, Deserialize)]
pub(crate) struct Divide {
    by: u8,
}

impl Task for Divide {
    const KIND: &'static str = "divide";
    type Output = u8;

    fn definition() -> Definition {
        definition::<Self>(vec![Param::of::<u8>("by"), Param::of::<Option<String>>("note")])
    }
}

impl TaskBody for Divide {
    async fn run(self, _: TaskContext) -> Result<u8, TaskError> {
        12_u8.checked_div(self.by).ok_or_else(|| TaskError::permanent("nothing is divided by 0"))
    }
}

/// Asks whether to go on, and how far.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ask {}

impl Task for Ask {
    const KIND: &'static str = "ask";
    type Output = serde_json::Value;

    fn definition() -> Definition {
        definition::<Self>(Vec::new())
    }
}

impl TaskBody for Ask {
    async fn run(self, ctx: TaskContext) -> Result<serde_json::Value, TaskError> {
        let question = Question::new("go_on", "Go on?").field(Param::of::<u8>("steps").max(9.0));
        let answer = ctx.confirm(question).await?;
        if !answer.approved {
            return Err(TaskError::permanent("told not to"));
        }
        Ok(answer.fields)
    }
}
