//! What nodes answer of each other: all of them the same.

use std::sync::atomic::{AtomicBool, Ordering};

use taskdeck_core::DeckError;

use super::*;

/// Holds its thread until it is let go, whatever it is told.
#[derive(Debug, Serialize, Deserialize)]
struct Block {}

impl Task for Block {
    const KIND: &'static str = "block";
    type Output = ();

    fn definition() -> Definition {
        Definition::new(Self::kind())
    }
}

/// Whether it has begun, and whether it may end.
#[derive(Default)]
struct Thread {
    began: tokio::sync::Notify,
    let_go: AtomicBool,
    wake: (std::sync::Mutex<()>, std::sync::Condvar),
}

impl TaskBody for Block {
    async fn run(self, ctx: TaskContext) -> Result<(), TaskError> {
        let thread = ctx.get::<Arc<Thread>>()?;
        ctx.blocking(move |_| {
            thread.began.notify_one();
            let lock = thread.wake.0.lock().unwrap();
            drop(thread.wake.1.wait_while(lock, |()| !thread.let_go.load(Ordering::Acquire)).unwrap());
            Ok(())
        })
        .await
    }
}

async fn reason(deck: &Deck, id: TaskId) -> Option<(String, String)> {
    client(deck).why_not_running(id).await.unwrap().map(|why| (why.reason, why.text))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn every_node_says_the_same_of_what_holds_a_task_back_and_of_who_runs_it() {
    let (database, stage) = (Database::new().await, gated(0));
    let web = node(&database, &stage, false).await;
    let id = web.start(Wait { number: 1 }).await.unwrap().id();
    assert_eq!(reason(&web, id).await.unwrap().0, "no_worker");
    let settings = Settings { max_concurrent: 1, ..builder_settings() };
    let worker = builder(&database, &stage, true).settings(settings).build().await.unwrap();
    is(&web, id, Status::Running).await;
    assert_eq!(reason(&web, id).await, None);
    let name = worker.inner().worker_name.clone();
    for deck in [&web, &worker] {
        let attempts = client(deck).attempts(id).await.unwrap();
        assert_eq!(attempts[0].worker.as_deref(), Some(name.as_str()));
    }
    let second = web.start(Wait { number: 2 }).await.unwrap().id();
    let same = async |expected: &str, text: &str| {
        for deck in [&web, &worker] {
            let (reason, said) = reason(deck, second).await.expect("it does not run");
            assert_eq!((reason.as_str(), said.as_str()), (expected, text));
        }
    };
    same("slots", "The only slot is busy, with 1 task queued.").await;
    let one = LaneLimits { concurrency: Some(1), ..LaneLimits::default() };
    client(&web).limit_kind(&Wait::kind(), Some(one)).await.unwrap();
    same("kind_limit", "The kind wait runs at most 1 task at the same time.").await;
    client(&worker).pause_kind(&Wait::kind()).await.unwrap();
    same("kind_paused", "The kind wait is paused by local.").await;
    client(&web).resume_kind(&Wait::kind()).await.unwrap();
    stage.gate.as_ref().unwrap().add_permits(2);
    is(&web, second, Status::Completed).await;
    // What it has worked is told with a beat.
    let told = async {
        loop {
            let workers = client(&web).workers().await.unwrap();
            let of = workers.iter().find(|one| one.slots == 1).expect("it is known");
            if of.work.as_ref().is_some_and(|work| work.completed == 2) {
                return;
            }
        }
    };
    tokio::time::timeout(PATIENCE, told).await.expect("it says so");
    end(database, vec![web, worker]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn code_that_still_holds_a_slot_of_one_node_keeps_another_from_trying_its_task_again() {
    let (database, stage) = (Database::new().await, gated(0));
    let thread = Arc::new(Thread::default());
    let web = builder(&database, &stage, false).register::<Block>().resource(Arc::clone(&thread));
    let web = web.build().await.unwrap();
    let worker = builder(&database, &stage, true).register::<Block>().resource(Arc::clone(&thread));
    let worker = worker.build().await.unwrap();
    let id = web.start(Block {}).await.unwrap().id();
    thread.began.notified().await;
    client(&web).cancel(id, None).await.unwrap();
    is(&web, id, Status::Cancelled).await;
    assert_eq!(client(&web).retry(id).await.unwrap_err(), DeckError::StillRunning);
    let workers = client(&web).workers().await.unwrap();
    assert_eq!(workers.iter().flat_map(|one| one.held.clone()).collect::<Vec<_>>(), [id]);
    {
        let _lock = thread.wake.0.lock().unwrap();
        thread.let_go.store(true, Ordering::Release);
        thread.wake.1.notify_all();
    }
    let again = async {
        while let Err(error) = client(&web).retry(id).await {
            assert_eq!(error, DeckError::StillRunning);
        }
    };
    tokio::time::timeout(PATIENCE, again).await.expect("it holds it no more");
    is(&web, id, Status::Completed).await;
    end(database, vec![web, worker]).await;
}
