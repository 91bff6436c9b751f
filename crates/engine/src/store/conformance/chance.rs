//! Whatever happens in whatever order: no task is lost, none ends twice, and the counters and rollups are right.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use proptest::prelude::*;
use taskdeck_core::{
    AttemptEnd, CancelInfo, Event, LeaseToken, Question, SessionId, State, Status, StatusSet, Tally, TaskId,
    Timestamp, minute_of,
};

use super::{NOW, assert_counts, ended, lease, new_task, open, request, session};
use crate::store::{
    Applied, Change, ClaimRequest, Moved, NewTask, Record, RemoveWhich, StartOutcome, Store, StoredAnswer,
};

/// Something that a person, a worker or time does. The numbers pick among what there is.
#[derive(Clone, Debug)]
enum Step {
    Start {
        key: Option<u8>,
        after: Vec<u8>,
        parent: Option<u8>,
        once: bool,
        then: bool,
    },
    Claim {
        by: u8,
        max: usize,
    },
    /// The attempt of a claim that was made, lost or not.
    End {
        claim: u8,
        end: End,
    },
    Answer {
        task: u8,
        approved: bool,
    },
    Cancel {
        task: u8,
    },
    Retry {
        task: u8,
    },
    Rescue {
        of: u8,
    },
    Due,
    Remove {
        task: u8,
    },
}

#[derive(Clone, Copy, Debug)]
enum End {
    Completed,
    Failed,
    Retried,
    Released,
    Asked,
}

fn step() -> impl Strategy<Value = Step> {
    let end = prop_oneof![
        4 => Just(End::Completed),
        2 => Just(End::Failed),
        1 => Just(End::Retried),
        1 => Just(End::Released),
        1 => Just(End::Asked),
    ];
    let start = (
        proptest::option::weighted(0.4, 0..3_u8),
        proptest::collection::vec(any::<u8>(), 0..3),
        proptest::option::weighted(0.2, any::<u8>()),
        proptest::bool::weighted(0.1),
        proptest::bool::weighted(0.2),
    );
    prop_oneof![
        4 => start.prop_map(|(key, after, parent, once, then)| Step::Start { key, after, parent, once, then }),
        4 => (0..3_u8, 1..4_usize).prop_map(|(by, max)| Step::Claim { by, max }),
        6 => (any::<u8>(), end).prop_map(|(claim, end)| Step::End { claim, end }),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(task, approved)| Step::Answer { task, approved }),
        2 => any::<u8>().prop_map(|task| Step::Cancel { task }),
        3 => any::<u8>().prop_map(|task| Step::Retry { task }),
        1 => (0..3_u8).prop_map(|of| Step::Rescue { of }),
        1 => Just(Step::Due),
        1 => any::<u8>().prop_map(|task| Step::Remove { task }),
    ]
}

/// What must be true of the store, kept beside it.
struct Model {
    store: Arc<dyn Store>,
    next: u128,
    tasks: Vec<TaskId>,
    claims: Vec<(TaskId, LeaseToken)>,
    /// The claim that holds a task.
    held: HashMap<TaskId, (LeaseToken, SessionId)>,
    ended: HashMap<TaskId, u32>,
    after: HashMap<TaskId, Vec<TaskId>>,
    removed: HashSet<TaskId>,
    /// The time moves with each step.
    now: Timestamp,
    queued: HashMap<TaskId, Timestamp>,
    began: HashMap<TaskId, Timestamp>,
    minutes: BTreeMap<i64, Tally>,
}

fn pick<T: Clone>(from: &[T], n: u8) -> Option<T> {
    from.get(usize::from(n) % from.len().max(1)).cloned()
}

impl Model {
    fn new(store: Arc<dyn Store>) -> Self {
        Self {
            store,
            next: 1,
            tasks: Vec::new(),
            claims: Vec::new(),
            held: HashMap::new(),
            ended: HashMap::new(),
            after: HashMap::new(),
            removed: HashSet::new(),
            now: NOW,
            queued: HashMap::new(),
            began: HashMap::new(),
            minutes: BTreeMap::new(),
        }
    }

    fn task(&self, n: u8) -> Option<TaskId> {
        let present: Vec<_> = self.tasks.iter().filter(|id| !self.removed.contains(id)).copied().collect();
        pick(&present, n)
    }

    fn minute(&mut self) -> &mut Tally {
        self.minutes.entry(minute_of(self.now)).or_default()
    }

    fn moved(&mut self, record: &Record, before: Option<Status>) {
        let had_ended = before.is_some_and(Status::has_ended);
        if record.status().has_ended() && !had_ended {
            *self.ended.entry(record.id).or_default() += 1;
            self.minute().ended(record.status());
        }
        if record.status() != Status::Running {
            self.held.remove(&record.id);
            if let Some(began) = self.began.remove(&record.id) {
                let ran = self.now.millis_since(began);
                self.minute().run.add(ran);
            }
        }
        if let State::Queued { since, .. } = record.machine.state {
            self.queued.insert(record.id, since);
        }
        if before.is_none() {
            self.minute().started += 1;
        }
    }

    fn all_moved(&mut self, moved: &[Moved]) {
        for one in moved {
            self.moved(&one.record, one.before);
        }
    }

    async fn apply(&mut self, change: Change) -> Applied {
        let applied = self.store.apply(vec![change]).await.unwrap().pop().unwrap();
        if let Applied::Changed(record, before, also) = &applied {
            self.moved(record, Some(*before));
            self.all_moved(also);
        }
        applied
    }

    fn new_task(&mut self) -> NewTask {
        self.next += 1;
        let mut task = new_task(self.next, "sample");
        task.record_mut().created_at = self.now;
        task.record_mut().machine.state = State::Queued { since: self.now, ahead: false };
        task
    }

    async fn start(&mut self, step: &Step) {
        let Step::Start { key, after, parent, once, then } = step else { return };
        let mut task = self.new_task();
        task.record_mut().key = key.map(|key| format!("key {key}"));
        task.record_mut().machine.at_most_once = *once;
        task.after = after.iter().filter_map(|n| self.task(*n)).collect();
        task.after.sort_unstable();
        task.after.dedup();
        if let Some(parent) = parent.and_then(|n| self.task(n)) {
            task.record_mut().parent = Some(parent);
            task.record_mut().child = Some(format!("child {}", self.next));
        }
        if *then {
            task.then = vec![self.new_task()];
        }
        let (follows, first) = (task.then.first().map(|then| then.record.id), task.record.id);
        let runs_after = task.after.clone();
        match self.store.start(vec![task]).await.unwrap().pop().unwrap() {
            StartOutcome::New(record, also) => {
                self.tasks.push(first);
                self.after.insert(first, runs_after);
                if let Some(follows) = follows {
                    self.tasks.push(follows);
                    self.after.insert(follows, vec![first]);
                }
                self.moved(&record, None);
                self.all_moved(&also);
            }
            StartOutcome::Existing(record) => assert!(record.key.is_some() && !record.status().has_ended()),
            StartOutcome::UnknownAfter(id) => panic!("{id} is there"),
        }
    }

    async fn end(&mut self, claim: u8, end: End) {
        let Some((task, token)) = pick(&self.claims, claim) else { return };
        let change = match end {
            End::Completed => ended(task, token, AttemptEnd::Completed { partial: false }),
            End::Failed => ended(task, token, AttemptEnd::Failed { retry_at: None }),
            End::Retried => ended(task, token, AttemptEnd::Failed { retry_at: Some(self.now) }),
            End::Released => ended(task, token, AttemptEnd::Released),
            End::Asked => {
                let asked = Event::Asked { token, key: "sure".to_owned(), until: None };
                let mut change = Change::new(task, asked, self.now);
                change.extra.question = Some(Question::new("sure", "Are you?"));
                change
            }
        };
        let change = Change { now: self.now, ..change };
        let holds = self.held.get(&task).is_some_and(|(holder, _)| *holder == token);
        let applied = self.apply(change).await;
        assert_eq!(matches!(applied, Applied::Changed(..)), holds, "{end:?} of {task}: {applied:?}");
    }

    async fn step(&mut self, step: &Step) {
        match step {
            Step::Start { .. } => self.start(step).await,
            Step::Claim { by, max } => {
                let by = session(u128::from(*by) + 1);
                let request = ClaimRequest { now: self.now, ..request(by, *max) };
                for claimed in self.store.claim(request).await.unwrap() {
                    let (task, token) = (claimed.record.id, lease(&claimed.record).token);
                    assert!(self.held.insert(task, (token, by)).is_none(), "{task} is held by another");
                    self.claims.push((task, token));
                    self.began.insert(task, self.now);
                    let waited = self.now.millis_since(self.queued[&task]);
                    self.minute().begun(waited);
                    assert_eq!(claimed.record.machine.waits_for, 0);
                }
            }
            Step::End { claim, end } => self.end(*claim, *end).await,
            Step::Answer { task, approved } => {
                let Some(task) = self.task(*task) else { return };
                let mut change = Change::new(task, Event::Answered { key: "sure".to_owned() }, self.now);
                let answer = StoredAnswer { approved: *approved, fields: "{}".to_owned(), by: None };
                change.extra.answer = Some(answer);
                self.apply(change).await;
            }
            Step::Cancel { task } => {
                let Some(task) = self.task(*task) else { return };
                let cancel = CancelInfo { requested_at: self.now, by: None, reason: None };
                self.apply(Change::new(task, Event::CancelRequested(cancel), self.now)).await;
            }
            Step::Retry { task } => {
                let Some(task) = self.task(*task) else { return };
                self.apply(Change::new(task, Event::RetryRequested, self.now)).await;
            }
            Step::Rescue { of } => {
                let of = session(u128::from(*of) + 1);
                let lost = self.held.values().filter(|(_, by)| *by == of).count();
                let moved = self.store.rescue(of, self.now).await.unwrap();
                // A running child of one that was interrupted is only asked to stop.
                let left = |one: &&Moved| {
                    one.before == Some(Status::Running) && one.record.status() != Status::Running
                };
                let rescued = moved.iter().filter(left);
                assert_eq!(rescued.count(), lost);
                // When the attempts of a dead worker stopped is not known.
                self.began.retain(|task, _| self.held.get(task).is_some_and(|(_, by)| *by != of));
                self.all_moved(&moved);
            }
            Step::Due => {
                let moved = self.store.due(self.now, 10).await.unwrap();
                self.all_moved(&moved);
            }
            Step::Remove { task } => {
                let Some(task) = self.task(*task) else { return };
                let removed = self.store.remove(RemoveWhich::Tasks(vec![task]), 1).await.unwrap();
                self.removed.extend(removed.tasks.iter().map(|(id, _)| *id));
            }
        }
    }

    async fn check_rollups(&self) {
        let stats = self.store.stats(None, NOW, self.now, Some(60_000)).await.unwrap();
        let mut minutes = self.minutes.clone();
        for point in &stats.points {
            let counted = minutes.remove(&minute_of(point.at)).unwrap_or_default();
            assert_eq!(*point, counted.point(point.at));
        }
        assert!(minutes.is_empty(), "no point for {minutes:?}");
    }

    async fn check(&self) {
        assert_counts(&*self.store).await;
        self.check_rollups().await;
        let total = self.store.counts().await.unwrap().total();
        assert_eq!(total, (self.tasks.len() - self.removed.len()) as u64);
        for id in self.tasks.iter().filter(|id| !self.removed.contains(id)) {
            let record = self.store.get(*id).await.unwrap().expect("is not lost");
            let attempts = self.store.attempts(*id).await.unwrap();
            let running = record.status() == Status::Running;
            assert_eq!(running, self.held.contains_key(id));
            assert_eq!(attempts.len() + usize::from(running), record.machine.attempt as usize);
            assert_eq!(record.machine.endings, self.ended.get(id).copied().unwrap_or(0));
            let mut open = 0;
            for after in self.after[id].iter().filter(|after| !self.removed.contains(after)) {
                let on = self.store.get(*after).await.unwrap().unwrap().status();
                open += u32::from(on != Status::Completed);
                let waits = matches!(record.machine.state, State::Scheduled { .. });
                assert!(
                    !(waits && on.has_ended() && on != Status::Completed),
                    "{id} waits for ever for {after}"
                );
            }
            if !record.status().has_ended() {
                assert_eq!(record.machine.waits_for, open, "of {id}");
            }
        }
    }

    /// Everything that can go on does, until all has ended.
    async fn finish(&mut self) {
        for by in 0..3 {
            self.step(&Step::Rescue { of: by }).await;
        }
        for _ in 0..=self.tasks.len() * 4 {
            self.step(&Step::Due).await;
            for n in 0..self.tasks.len() {
                self.step(&Step::Answer { task: u8::try_from(n % 256).unwrap(), approved: true }).await;
            }
            self.step(&Step::Claim { by: 0, max: 50 }).await;
            let held: Vec<_> = self.held.iter().map(|(task, (token, _))| (*task, *token)).collect();
            for (task, token) in held {
                let change = ended(task, token, AttemptEnd::Completed { partial: false });
                self.apply(Change { now: self.now, ..change }).await;
            }
            let counts = self.store.counts().await.unwrap();
            if StatusSet::ACTIVE.iter().all(|status| counts.of(status) == 0) {
                return;
            }
        }
        panic!("something never ends: {:?}", self.store.counts().await);
    }
}

fn cases() -> u32 {
    if std::env::var_os("TASKDECK_SOAK").is_some() { 3_000 } else { 96 }
}

async fn play(store: Arc<dyn Store>, steps: &[Step]) {
    let mut model = Model::new(store);
    for step in steps {
        model.step(step).await;
        model.now = model.now.plus_millis(7_003);
    }
    model.check().await;
    model.finish().await;
    model.check().await;
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_order_of_events_loses_a_task_or_ends_one_twice(steps in proptest::collection::vec(step(), 1..120)) {
        runtime().block_on(async {
            let store = open(None);
            play(Arc::clone(&store), &steps).await;
            store.close().await;
        });
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use proptest::test_runner::TestRunner;

    use super::*;
    use crate::store::postgres::testing::Database;

    #[test]
    #[ignore = "needs a PostgreSQL server: cargo xtask test"]
    fn no_order_of_events_loses_a_task_or_ends_one_twice() {
        let runtime = runtime();
        let database = runtime.block_on(Database::new());
        let store = runtime.block_on(database.store());
        let config =
            ProptestConfig { cases: cases() / 4, failure_persistence: None, ..ProptestConfig::default() };
        let steps = proptest::collection::vec(step(), 1..120);
        let done = TestRunner::new(config).run(&steps, |steps| {
            runtime.block_on(async {
                database.empty().await;
                play(store.clone(), &steps).await;
            });
            Ok(())
        });
        done.unwrap();
        runtime.block_on(database.drop(store));
    }
}
