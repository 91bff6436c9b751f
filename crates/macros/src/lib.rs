//! The macros of Taskdeck: [`task`] makes a kind of an async function, [`macro@Choices`] a select of an enum.
//!
//! Use them through the crate `taskdeck`, which what they write refers to.

mod choices;
mod docs;
mod emit;
mod errors;
mod function;
mod known;
mod names;
mod param;
mod setting;
mod task;
mod units;

use proc_macro::TokenStream;

/// Makes a kind of an async function.
///
/// ```
/// use taskdeck::prelude::*;
///
/// /// Counts the words of a text.
/// #[task(title = "Count words", category = "report", timeout = "1m")]
/// pub async fn count_words(
///     ctx: TaskContext,
///     /// The text to count in
///     #[param(multiline, max_len = 10_000)]
///     text: String,
///     #[param(default = 1, min = 1, max = 99)] least_letters: u8,
/// ) -> Result<u64, TaskError> {
///     ctx.message("counting");
///     let words = text.split_whitespace();
///     Ok(words.filter(|word| word.chars().count() >= usize::from(least_letters)).count() as u64)
/// }
///
/// let definition = CountWords::definition();
/// assert_eq!(definition.description, "Counts the words of a text.");
/// assert_eq!(definition.params[1].title, "Least letters");
/// ```
///
/// It writes `pub struct CountWords { pub text: String, pub least_letters: u8 }`, with the visibility of the
/// function, and implements `Task` for it. With the feature `engine` of `taskdeck` it also writes the body (`TaskBody`)
/// and links the kind into the program, where `DeckBuilder::register_linked` finds it. **The function itself is
/// gone:** a task is started by its struct, whose fields have names; in a test, on a deck in memory.
///
/// A program contains only the crates that it uses: when nothing else of the crate with the tasks is
/// named, say `use my_tasks as _;`.
///
/// # The function
///
/// - `async`, free-standing, without generics. It returns `Result<Output, TaskError>`, and `Output` can be written and
///   read by serde on both sides.
/// - `ctx: TaskContext` comes first, and may be left out by a body that needs none.
/// - All other parameters are the params. They are stored, so they are owned values: text, a number, `bool`,
///   `Timestamp`, `Secret`, `Upload`, an enum with `#[derive(Choices)]`, an `Option` or a `Vec` of one of them, or with
///   `#[param(json)]` anything that is
///   `Debug`, `Clone` and (de)serialised by serde.
/// - The doc comment becomes the description, up to its first heading or code block; that of a parameter its help.
/// - `#[cfg(..)]` on the function holds for all that is made of it. Other attributes (`#[expect]`, `#[instrument]`)
///   stay with the body.
///
/// # Without the engine (in the browser)
///
/// The signature stays, the body is dropped unread. So all types of the signature must exist there too; `TaskContext`
/// does, as a type without values. Imports and helpers that only bodies use would fail or be unused: put them in a
/// `server` module under your own `#[cfg(feature = ..)]`, or in [`taskdeck::server!`](../taskdeck/macro.server.html),
/// which expands to nothing without the engine.
///
/// # Settings
///
/// | setting | meaning | when not given |
/// |---|---|---|
/// | `title = ".."` | what a person reads | the kind's name in words |
/// | `description = ".."` | what it does | the doc comment |
/// | `category = ".."` | `data`, `report`, `maintenance`, `admin` or `other` | `other` |
/// | `icon = ".."` | the name of its icon | `play` |
/// | `tags("..", ..)` | words to find it by | none |
/// | `danger = ".."` | what it may break; asked for again before it starts | nothing |
/// | `expensive` | it costs much (time, money, load) | it does not |
/// | `requires("..", ..)` | permissions that an actor needs | none |
/// | `timeout = "10m"` | how long an attempt may take | the deck's |
/// | `grace = "5s"` | how long a cancelled attempt may take to stop | the deck's |
/// | `retry(max_tries = 5, base = "2s", max = "5m")` | how often and how soon it is tried again | `3`, `"2s"`, `"5m"` |
/// | `queue = ".."` | its queue | `default` |
/// | `concurrency = 4` | how many of its tasks run at the same time | as many as there are slots |
/// | `partition_concurrency = 1` | how many of one partition (`.partition("..")` of a start) run at the same time | not limited |
/// | `rate = "10/1m"` | how often its tasks begin | not limited |
/// | `expires = "1h"` | how long a task may wait to begin before it fails | for ever |
/// | `retention = "7d"` | how long ended tasks are kept | the deck's |
/// | `at_most_once` | an attempt that began is never repeated by itself | it is |
/// | `check = path` | asked before a start, see below | nothing is asked |
/// | `version = 2` | the version of its params | `1` |
/// | `upgrade = path` | makes params of an older version fit, see below | they are taken as they are |
/// | `kind = ".."` | its stable, stored name | the function's name |
/// | `crate = path` | where `taskdeck` is, if re-exported or renamed | `::taskdeck` |
///
/// Durations are a whole number and `ms`, `s`, `m`, `h` or `d`; a rate is a number and the time in which so many may
/// begin.
///
/// # Before a start: `check`
///
/// `check` names an `async fn(&ImportCsv, &Deck) -> Result<(), String>`. It is asked when a task is started, after its
/// params were found valid: what it says is told to who starts it (400, `check_failed`), and nothing is stored. It is
/// for what a form cannot know, such as that a service is configured.
///
/// # Params of an older version: `upgrade`
///
/// `version` counts the shapes that a kind's params have had. `upgrade` names a
/// `fn(u32, serde_json::Value) -> Result<Value, String>`: it is given the params of a task that was stored under an
/// earlier version, with that version, and answers with params of this one. The text of its error is what the task
/// fails with; nothing of it is tried again by itself.
///
/// Like the body, both are compiled only where there is an engine.
///
/// ```
/// use taskdeck::prelude::*;
///
/// taskdeck::server! {
///     use serde_json::{Value, json};
///
///     async fn has_room(task: &Resize, _: &Deck) -> Result<(), String> {
///         if task.width <= 4_000 { Ok(()) } else { Err("there is no room for so large a picture".to_owned()) }
///     }
///
///     /// Version 1 had one number for both sides.
///     fn upgrade(_: u32, mut params: Value) -> Result<Value, String> {
///         let side = params.get("side").cloned().ok_or("there is no `side`")?;
///         params = json!({ "width": side, "height": side });
///         Ok(params)
///     }
/// }
///
/// /// Resizes the picture.
/// #[task(concurrency = 2, rate = "30/1m", expires = "1h", retention = "7d", check = has_room,
///        version = 2, upgrade = upgrade)]
/// pub async fn resize(width: u32, height: u32) -> Result<u64, TaskError> {
///     Ok(u64::from(width) * u64::from(height))
/// }
///
/// let limits = Resize::definition().limits;
/// assert_eq!((limits.concurrency, limits.expires_ms), (Some(2), Some(3_600_000)));
/// assert_eq!(limits.rate.unwrap().to_string(), "30/1m");
/// ```
///
/// # Settings of a parameter: `#[param(..)]`
///
/// | setting | for | meaning |
/// |---|---|---|
/// | `title = ".."` | all | what a person reads beside it; else its name in words |
/// | `default = expr`, `default` | all but `Option` | the value when none is given; alone, `Default::default()` |
/// | `min = 1`, `max = 9.5` | numbers | bounds, inclusive |
/// | `min_len = 1`, `max_len = 80` | text, `Secret` | bounds of the number of characters |
/// | `pattern = ".."` | text | a regular expression (regex-lite) that the whole text must match |
/// | `pattern_help = ".."` | with `pattern` | what is said when it does not, in place of the expression |
/// | `min_items = 1`, `max_items = 9` | `Vec` | bounds of the number of values |
/// | `multiline` | text | several lines |
/// | `accept = ".csv"`, `accept(".csv", "text/csv")` | `Upload` | endings and media types that are taken |
/// | `max_bytes = "50MB"` | `Upload` | the greatest size: `kB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB`, `TiB` or a plain number |
/// | `choices` | enums, `Vec` of one | the type need only be `Choices`; after `#[derive(Choices)]` it may be left out |
/// | `json` | all others | any JSON value that the type can be read from |
///
/// What is said of numbers and text holds for each value of a `Vec` of them. What does not fit the parameter's type is
/// refused when the kind is registered.
///
/// # Types and their fields
///
/// | type | field | on the wire |
/// |---|---|---|
/// | `String` | a line, or with `multiline` several | text |
/// | whole numbers, `f32`, `f64` | a line | a number |
/// | `bool` | a box | a boolean |
/// | an enum with `#[derive(Choices)]` | radio buttons, or a select | text |
/// | `Vec` of such an enum | boxes | a list of texts |
/// | `Vec<String>`, of numbers, of `Timestamp` | one a line | a list |
/// | `Timestamp` | date and time | RFC 3339, in UTC |
/// | `Secret` | a password's | text; never shown again |
/// | `Upload` | a file | see `Upload` |
/// | anything with `json` | JSON | JSON |
#[proc_macro_attribute]
pub fn task(settings: TokenStream, item: TokenStream) -> TokenStream {
    task::expand(settings.into(), item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes the variants of an enum the options of a select.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use taskdeck::Choices;
///
/// #[derive(Clone, Copy, Debug, Serialize, Deserialize, Choices)]
/// #[serde(rename_all = "snake_case")]
/// enum ImportMode {
///     AddRows,
///     /// Replace the whole table
///     Replace,
/// }
///
/// let [add, replace] = &ImportMode::choices()[..] else { panic!("two") };
/// assert_eq!((&*add.value, &*add.title), ("add_rows", "Add rows"));
/// assert_eq!((&*replace.value, &*replace.title), ("replace", "Replace the whole table"));
/// ```
///
/// The values are exactly what serde writes for the variants, whichever attributes say so: the form, the API and the
/// stored params cannot disagree. A variant that serde skips is no option. The enum must be written as text, which is
/// what serde does with plain variants; anything else panics when the kind is registered.
///
/// A title is the first paragraph of the variant's doc comment without its full stop, or else the variant's name in
/// words.
///
/// `#[choices(crate = path)]` says where `taskdeck` is, if it is re-exported or renamed.
#[proc_macro_derive(Choices, attributes(choices))]
pub fn choices(item: TokenStream) -> TokenStream {
    choices::expand(item.into()).unwrap_or_else(syn::Error::into_compile_error).into()
}
