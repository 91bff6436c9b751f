use taskdeck_core::{Known, ListQuery, Status, TaskId, TaskState, Timestamp};

use super::*;
use crate::sample;

fn id(n: u8) -> TaskId {
    TaskId::from_parts(Timestamp::from_millis(1_000 + i64::from(n)), [n; 10])
}

pub(in crate::live) fn state(n: u8, status: Status, version: u32) -> TaskState {
    TaskState { id: id(n), version, ..crate::sample::task(status) }
}

fn sent(commands: &[Command]) -> Vec<ClientMessage> {
    let message = |command: &Command| match command {
        Command::Send(message) => Some(message.clone()),
        _ => None,
    };
    commands.iter().filter_map(message).collect()
}

fn subscribe(n: u8, version: u32) -> ClientMessage {
    ClientMessage::Subscribe { tasks: vec![Known { id: id(n), version, tick: 0 }] }
}

fn armed(commands: &[Command], timer: Timer) -> Option<u32> {
    commands.iter().find_map(|command| match command {
        Command::Arm(armed, wait) if *armed == timer => Some(*wait),
        _ => None,
    })
}

fn told(commands: &[Command]) -> Option<Standing> {
    commands.iter().rev().find_map(|command| match command {
        Command::Tell(standing) => Some(*standing),
        _ => None,
    })
}

/// A plan that watches task 1 (running, version 3) and is live.
fn live() -> Plan {
    let mut plan = Plan::new(true);
    plan.wants.watch(id(1), Some(&state(1, Status::Running, 3)));
    assert!(plan.on(Event::Changed, 0.0).contains(&Command::Open));
    assert_eq!(sent(&plan.on(Event::Opened, 0.0)), [subscribe(1, 3)]);
    assert_eq!(told(&plan.on(Event::Hello(15_000), 0.0)), Some(Standing::Live));
    plan
}

#[test]
fn two_widgets_of_one_task_share_one_subscription() {
    let mut plan = live();
    plan.wants.watch(id(1), None);
    assert_eq!(sent(&plan.on(Event::Changed, 0.0)), []);
    plan.wants.unwatch(id(1));
    assert_eq!(sent(&plan.on(Event::Changed, 0.0)), []);
    plan.wants.unwatch(id(1));
    plan.wants.watch(id(2), None);
    assert_eq!(
        sent(&plan.on(Event::Changed, 0.0)),
        [ClientMessage::Unsubscribe { tasks: vec![id(1)] }, subscribe(2, 0)]
    );
}

#[test]
fn a_task_that_is_left_and_watched_again_at_once_costs_no_message() {
    let mut plan = live();
    plan.wants.unwatch(id(1));
    plan.wants.watch(id(1), Some(&state(1, Status::Running, 3)));
    assert_eq!(sent(&plan.on(Event::Changed, 0.0)), []);
}

#[test]
fn after_a_reconnect_it_subscribes_with_the_versions_it_has() {
    let mut plan = live();
    plan.wants.watch_log(id(1), 7);
    assert_eq!(sent(&plan.on(Event::Changed, 0.0)), [ClientMessage::Log { task: id(1), since: 7 }]);
    plan.wants.saw(&state(1, Status::Running, 5));
    plan.wants.saw_log(id(1), 42);
    let lost = plan.on(Event::Closed, 0.0);
    assert_eq!(armed(&lost, Timer::Retry), Some(500));
    assert!(plan.on(Event::Due(Timer::Retry), 0.0).contains(&Command::Open));
    assert_eq!(
        sent(&plan.on(Event::Opened, 0.0)),
        [subscribe(1, 5), ClientMessage::Log { task: id(1), since: 42 }]
    );
}

#[test]
fn the_server_is_told_which_tasks_somebody_sees() {
    let mut plan = live();
    let out = || ClientMessage::OutOfSight { tasks: vec![id(1)] };
    plan.wants.sight.add(id(1));
    assert_eq!(sent(&plan.on(Event::Changed, 0.0)), [out()]);
    assert_eq!(sent(&plan.on(Event::Changed, 0.0)), []);
    plan.wants.sight.moved(id(1), true);
    assert_eq!(sent(&plan.on(Event::Changed, 0.0)), [ClientMessage::InSight { tasks: vec![id(1)] }]);
    plan.wants.sight.moved(id(1), false);
    plan.on(Event::Closed, 0.0);
    plan.on(Event::Due(Timer::Retry), 0.0);
    assert_eq!(sent(&plan.on(Event::Opened, 0.0)), [subscribe(1, 3), out()], "a new line knows nothing");
}

#[test]
fn an_older_state_does_not_turn_the_version_back() {
    let mut plan = live();
    plan.wants.saw(&state(1, Status::Completed, 9));
    plan.wants.saw(&state(1, Status::Running, 4));
    assert_eq!(plan.wants.poll().tasks, []);
}

#[test]
fn a_line_that_stays_silent_is_dead() {
    let mut plan = live();
    assert_eq!(armed(&plan.on(Event::Heard, 0.0), Timer::Beat), Some(17_000));
    let dead = plan.on(Event::Due(Timer::Beat), 0.0);
    assert_eq!(dead[0], Command::Close);
    assert_eq!(told(&dead), Some(Standing::Connecting));
}

#[test]
fn while_the_line_is_down_it_polls_and_says_so() {
    let mut plan = live();
    let lost = plan.on(Event::Closed, 0.0);
    assert_eq!(armed(&lost, Timer::Poll), Some(200));
    assert_eq!(plan.on(Event::Due(Timer::Poll), 0.0), [Command::Poll]);
    let polled = plan.on(Event::Polled { reached: true }, 0.0);
    assert_eq!(told(&polled), Some(Standing::Polling));
    assert_eq!(armed(&polled, Timer::Poll), Some(1_000));
    plan.on(Event::Due(Timer::Poll), 0.0);
    assert_eq!(told(&plan.on(Event::Polled { reached: false }, 0.0)), Some(Standing::Offline));
}

#[test]
fn a_server_that_is_back_is_called_at_once() {
    let mut plan = live();
    for _ in 0..8 {
        plan.on(Event::Closed, 0.0);
        plan.on(Event::Due(Timer::Retry), 0.0);
    }
    let lost = plan.on(Event::Closed, 0.0);
    assert_eq!(armed(&lost, Timer::Retry), Some(15_000));
    plan.on(Event::Due(Timer::Poll), 0.0);
    plan.on(Event::Polled { reached: false }, 0.0);
    plan.on(Event::Due(Timer::Poll), 0.0);
    assert_eq!(armed(&plan.on(Event::Polled { reached: true }, 0.0), Timer::Retry), Some(100));
}

#[test]
fn polling_stops_when_everything_shown_has_ended() {
    let mut plan = live();
    plan.on(Event::Closed, 0.0);
    plan.on(Event::Due(Timer::Poll), 0.0);
    plan.wants.saw(&state(1, Status::Completed, 9));
    let polled = plan.on(Event::Polled { reached: true }, 0.0);
    assert_eq!(armed(&polled, Timer::Poll), None);
    assert_eq!(plan.wants.poll(), PollFor::default());
}

#[test]
fn a_log_is_read_once_more_after_its_task_ended() {
    let mut plan = live();
    plan.wants.watch_log(id(1), 0);
    plan.wants.drained(id(1));
    assert_eq!(plan.wants.poll().logs, [(id(1), 0)], "the task still runs");
    plan.wants.saw(&state(1, Status::Completed, 9));
    assert_eq!(plan.wants.poll().logs, [(id(1), 0)]);
    plan.wants.drained(id(1));
    assert_eq!(plan.wants.poll().logs, []);
    assert!(plan.wants.saw(&state(1, Status::Queued, 10)), "a retry wakes it");
    assert_eq!(plan.wants.poll().logs, [(id(1), 0)]);
}

#[test]
fn nothing_wanted_means_nothing_done() {
    let mut plan = live();
    plan.wants.unwatch(id(1));
    assert_eq!(armed(&plan.on(Event::Changed, 0.0), Timer::Linger), Some(LINGER_MS));
    assert!(plan.on(Event::Due(Timer::Linger), 0.0).contains(&Command::Close));
    assert_eq!(plan.on(Event::Wake, 0.0), []);

    let mut plan = live();
    plan.on(Event::Closed, 0.0);
    plan.wants.unwatch(id(1));
    let left = plan.on(Event::Changed, 0.0);
    assert!(left.contains(&Command::Disarm(Timer::Poll)) && left.contains(&Command::Disarm(Timer::Retry)));
}

#[test]
fn the_line_outlives_a_change_of_page() {
    let mut plan = live();
    plan.wants.unwatch(id(1));
    plan.on(Event::Changed, 0.0);
    plan.wants.watch(id(2), None);
    let next = plan.on(Event::Changed, 0.0);
    assert_eq!(next[0], Command::Disarm(Timer::Linger));
    assert!(!next.contains(&Command::Open));
    assert!(!plan.on(Event::Due(Timer::Linger), 0.0).contains(&Command::Close));
}

#[test]
fn a_hidden_tab_takes_its_time_and_wakes_at_once() {
    let mut plan = live();
    plan.on(Event::Hid, 0.0);
    let lost = plan.on(Event::Closed, 0.0);
    assert_eq!(armed(&lost, Timer::Retry), Some(2_000));
    plan.on(Event::Due(Timer::Poll), 0.0);
    let polled = plan.on(Event::Polled { reached: true }, 0.0);
    assert_eq!(armed(&polled, Timer::Poll), Some(30_000));
    let awake = plan.on(Event::Wake, 0.0);
    assert_eq!(armed(&awake, Timer::Poll), Some(0));
    assert_eq!(armed(&awake, Timer::Retry), Some(0));
}

#[test]
fn who_comes_back_is_told_what_became_of_what_had_ended() {
    let mut plan = Plan::new(false);
    plan.wants.watch(id(1), None);
    let mut ended = sample::task(Status::Failed);
    ended.id = id(1);
    plan.wants.saw(&ended);
    assert_eq!(armed(&plan.on(Event::Changed, 0.0), Timer::Poll), None);
    assert_eq!(armed(&plan.on(Event::Wake, 0.0), Timer::Poll), Some(0));
    assert_eq!(plan.on(Event::Due(Timer::Poll), 0.0), [Command::Poll]);
    plan.wants.saw(&ended);
    assert_eq!(armed(&plan.on(Event::Polled { reached: true }, 0.0), Timer::Poll), None, "once");
}

#[test]
fn without_a_socket_it_polls_from_the_start() {
    let mut plan = Plan::new(false);
    plan.wants.watch(id(1), None);
    let commands = plan.on(Event::Changed, 0.0);
    assert!(!commands.contains(&Command::Open));
    assert_eq!(armed(&commands, Timer::Poll), Some(1_000));
    plan.on(Event::Due(Timer::Poll), 0.0);
    assert_eq!(told(&plan.on(Event::Polled { reached: true }, 0.0)), Some(Standing::Polling));
}

#[test]
fn a_list_is_caught_up_with_once_the_server_tells_of_it() {
    let told = Command::Send(ClientMessage::List { query: Box::default() });
    // A task that starts between the server's HTML and the moment from which the server tells is told to nobody.
    let mut plan = Plan::new(true);
    plan.wants.watch_list(Some(ListQuery::default()));
    assert!(!plan.on(Event::Changed, 0.0).contains(&Command::CatchUp), "no line yet");
    let opened = plan.on(Event::Opened, 0.0);
    assert_eq!(opened[0], told);
    assert!(!opened.contains(&Command::CatchUp), "the answer could be older than what is told");
    assert!(!plan.on(Event::Hello(15_000), 0.0).contains(&Command::CatchUp), "not said yet");
    assert_eq!(plan.on(Event::Listed, 0.0), [Command::CatchUp]);
    plan.wants.watch(id(1), None);
    assert!(!plan.on(Event::Changed, 0.0).contains(&Command::CatchUp), "the list is the same");

    // The page loaded the list anew: what came while it did so is not in it.
    plan.wants.watch_list(Some(ListQuery::default()));
    assert_eq!(plan.on(Event::Changed, 0.0), [Command::Disarm(Timer::Linger), Command::CatchUp]);

    plan.on(Event::Closed, 0.0);
    plan.on(Event::Due(Timer::Retry), 0.0);
    let opened = plan.on(Event::Opened, 0.0);
    assert_eq!(opened[0], told, "before all else");
    assert_eq!(plan.on(Event::Listed, 0.0), [Command::CatchUp], "the line was down");

    // Another list: what is told of the one before is no answer to it.
    let failed = ListQuery { status: taskdeck_core::StatusSet::ENDED, ..ListQuery::default() };
    plan.wants.watch_list(Some(failed.clone()));
    let told = Command::Send(ClientMessage::List { query: Box::new(failed) });
    assert_eq!(plan.on(Event::Changed, 0.0), [Command::Disarm(Timer::Linger), told]);
    assert_eq!(plan.on(Event::Listed, 0.0), [Command::CatchUp]);
}

#[test]
fn many_tasks_are_subscribed_to_in_messages_the_server_takes() {
    let mut plan = Plan::new(true);
    for n in 0..1_000_u32 {
        let mut random = [0; 10];
        random[6..].copy_from_slice(&n.to_be_bytes());
        plan.wants.watch(TaskId::from_parts(Timestamp::from_millis(1), random), None);
    }
    plan.on(Event::Changed, 0.0);
    let messages = sent(&plan.on(Event::Opened, 0.0));
    assert_eq!(messages.len(), 3);
    for message in messages {
        assert!(serde_json::to_string(&message).unwrap().len() < 64 * 1024);
    }
}

#[test]
fn a_page_that_comes_back_from_the_cache_opens_its_line_again() {
    let mut plan = live();
    assert!(plan.on(Event::Left, 0.0).contains(&Command::Close));
    assert!(plan.on(Event::Wake, 0.0).contains(&Command::Open));
}
