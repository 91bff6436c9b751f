//! What `#[task]` makes where there is an engine: kinds that register themselves, and bodies that run.
#![cfg(feature = "engine")]
#![deny(warnings, unsafe_code, clippy::too_many_arguments, clippy::unused_async, clippy::allow_attributes)]

use std::num::ParseIntError;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;
use taskdeck::{BuildError, DeckError, RegistryError, TaskHandle};

#[derive(Clone, Copy, Debug, Serialize, Deserialize, Choices)]
#[serde(rename_all = "snake_case")]
enum Case {
    Upper,
    Lower,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Shouted {
    text: String,
    attempt: u32,
}

/// Shouts.
#[task]
async fn shout(
    ctx: TaskContext,
    mut text: String,
    #[param(default = 1)] marks: count::Marks,
    #[param(default = Case::Upper)] case: Case,
) -> Result<Shouted, TaskError> {
    // As in any function: items, early returns and borrows across an await.
    const MARK: &str = "!";
    if text.is_empty() {
        return Err(TaskError::permanent("there is nothing to shout").code("empty"));
    }
    let borrowed = &mut text;
    tokio::task::yield_now().await;
    borrowed.push_str(&MARK.repeat(usize::from(marks)));
    let text = match case {
        Case::Upper => text.to_uppercase(),
        Case::Lower => text.to_lowercase(),
    };
    Ok(Shouted { text, attempt: ctx.attempt() })
}

mod count {
    pub(crate) type Marks = u8;
}

#[task(retry(max_tries = 1))]
async fn parse(text: String) -> Result<i64, TaskError> {
    let number: Result<i64, ParseIntError> = text.parse();
    Ok(number?)
}

#[task(kind = "many")]
async fn many_params(
    a: bool,
    b: bool,
    c: bool,
    d: bool,
    e: bool,
    f: bool,
    g: bool,
    h: bool,
    r#type: Option<bool>,
) -> Result<usize, TaskError> {
    let given = [a, b, c, d, e, f, g, h, r#type == Some(true)];
    Ok(given.into_iter().filter(|&yes| yes).count())
}

async fn result<T: Task>(handle: &TaskHandle<T>) -> Result<T::Output, DeckError> {
    handle.result(Some(Duration::from_mins(1))).await
}

#[tokio::test(flavor = "multi_thread")]
async fn linked_tasks_register_themselves_and_run() {
    let deck = Deck::builder().memory().register_linked().build().await.unwrap();
    let kinds = deck.as_actor(taskdeck::Actor::System).kinds().unwrap();
    let names: Vec<_> = kinds.iter().map(|definition| definition.kind.as_str()).collect();
    assert_eq!(names, ["many", "parse", "shout"]);

    let task = Shout { text: "hey".to_owned(), marks: 2, case: Case::Upper };
    let handle = deck.start(task).await.unwrap();
    assert_eq!(result(&handle).await.unwrap(), Shouted { text: "HEY!!".to_owned(), attempt: 1 });

    let many = ManyParams {
        a: true,
        b: false,
        c: true,
        d: false,
        e: true,
        f: false,
        g: true,
        h: false,
        r#type: None,
    };
    assert_eq!(result(&deck.start(many).await.unwrap()).await.unwrap(), 4);
    deck.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_of_a_body_are_told() {
    let deck = Deck::builder().memory().register::<Shout>().register::<Parse>().build().await.unwrap();
    let empty = Shout { text: String::new(), marks: 0, case: Case::Lower };
    // An empty text is a value that the definition takes; the body does not.
    let failed = result(&deck.start(empty).await.unwrap()).await.unwrap_err();
    assert!(failed.to_string().contains("there is nothing to shout"), "{failed}");

    let failed = result(&deck.start(Parse { text: "seven".to_owned() }).await.unwrap()).await.unwrap_err();
    assert!(failed.to_string().contains("invalid digit found in string"), "{failed}");
    deck.shutdown().await;
}

mod other {
    use taskdeck::prelude::*;

    // By hand, so that it is not linked among the others.
    #[derive(serde::Serialize, serde::Deserialize)]
    pub(crate) struct AlsoShout {}

    impl Task for AlsoShout {
        const KIND: &'static str = "shout";
        type Output = ();

        fn definition() -> taskdeck::Definition {
            taskdeck::Definition::new(Self::kind())
        }
    }

    impl TaskBody for AlsoShout {
        async fn run(self, _: TaskContext) -> Result<(), TaskError> {
            Ok(())
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_tasks_of_one_name_are_refused() {
    let built = Deck::builder().memory().register_linked().register::<other::AlsoShout>().build().await;
    let expected = RegistryError::Duplicate(taskdeck::Kind::new("shout").unwrap());
    assert!(matches!(built, Err(BuildError::Registry(error)) if error == expected));
}
