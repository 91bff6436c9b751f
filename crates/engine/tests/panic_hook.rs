//! The process's panic hook, which is one for all: so this is a program of its own, with one test.

use std::sync::atomic::{AtomicU32, Ordering};

use taskdeck_core::{Actor, Definition, Task, TaskError};
use taskdeck_engine::{Deck, TaskBody, TaskContext};

static CALLS: AtomicU32 = AtomicU32::new(0);

#[derive(serde::Serialize, serde::Deserialize)]
struct Fall {}

impl Task for Fall {
    const KIND: &'static str = "fall";
    type Output = ();

    fn definition() -> Definition {
        let mut definition = Definition::new(Self::kind());
        definition.limits.retry.max_tries = 1;
        definition
    }
}

impl TaskBody for Fall {
    async fn run(self, _: TaskContext) -> Result<(), TaskError> {
        panic!("in a task")
    }
}

#[tokio::test]
async fn the_programs_own_hook_is_called_for_every_panic() {
    std::panic::set_hook(Box::new(|_| {
        CALLS.fetch_add(1, Ordering::SeqCst);
    }));
    for round in 1..=2 {
        let deck = Deck::builder().memory().register::<Fall>().build().await.unwrap();
        let handle = deck.start(Fall {}).await.unwrap();
        handle.result(None).await.unwrap_err();
        let attempts = deck.as_actor(Actor::System).attempts(handle.id()).await.unwrap();
        let detail = attempts[0].detail.as_deref().unwrap();
        assert!(detail.starts_with("panicked at ") && detail.contains("panic_hook.rs:"), "{detail}");
        // Once a panic, however many decks there were: the hook was set once.
        assert_eq!(CALLS.load(Ordering::SeqCst), 2 * round - 1);
        assert!(std::thread::spawn(|| panic!("outside of tasks")).join().is_err());
        assert_eq!(CALLS.load(Ordering::SeqCst), 2 * round);
        deck.shutdown().await;
    }
    // What is set later goes first, as everywhere; a task then ends without its place.
    let ours = std::panic::take_hook();
    let deck = Deck::builder().memory().register::<Fall>().build().await.unwrap();
    let handle = deck.start(Fall {}).await.unwrap();
    let error = handle.result(None).await.unwrap_err();
    assert_eq!(error.to_string(), "The task panicked: in a task");
    std::panic::set_hook(ours);
    deck.shutdown().await;
}
