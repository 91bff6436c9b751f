//! One task of one server, as far as this page goes: its connection and what is known of it. All widgets of the page that
//! show the task share it, so that it is asked for and told of once.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use taskdeck_core::{Status, TaskState, Timestamp};
use wasm_bindgen_futures::spawn_local;

use crate::line::{Answer, Command, Event, Line, Standing, Timer};
use crate::message::{self, Message};
use crate::net::{self, Listener, NoAnswer, Page, Socket};
use crate::tell::{self, Told};
use crate::widget::View;

/// What ticks, ticks so often.
const TICK_MS: u32 = 1_000;

thread_local! {
    static LINKS: RefCell<Vec<Weak<Link>>> = const { RefCell::new(Vec::new()) };
}

pub(crate) struct Link {
    /// The address of the deck, without a slash at its end.
    pub(crate) src: String,
    pub(crate) task: String,
    pub(crate) token: RefCell<Option<String>>,
    /// Whether the server took the token.
    accepted: Cell<bool>,
    /// How far the server's clock is ahead of the browser's, in milliseconds.
    clock: Cell<i64>,
    pub(crate) state: RefCell<Option<TaskState>>,
    line: RefCell<Line>,
    socket: RefCell<Option<Socket>>,
    beat: Rc<Cell<u32>>,
    retry: Rc<Cell<u32>>,
    poll: Rc<Cell<u32>>,
    tick: Rc<Cell<u32>>,
    ticking: Cell<bool>,
    listener: RefCell<Option<Listener>>,
    views: RefCell<Vec<Weak<View>>>,
    pub(crate) untold: RefCell<VecDeque<Told>>,
    pub(crate) telling: Cell<bool>,
}

/// The link, if anybody still shows its task.
#[derive(Clone)]
pub(crate) struct Still(pub(crate) Weak<Link>);

impl Still {
    fn with(&self, act: impl FnOnce(&Rc<Link>)) {
        if let Some(link) = self.0.upgrade() {
            act(&link);
        }
    }
}

impl Link {
    /// The page's link to this task; it is begun when there is none.
    pub(crate) fn to(src: &str, task: &str, token: Option<String>) -> Rc<Self> {
        let known = LINKS.with_borrow_mut(|links| {
            links.retain(|link| link.strong_count() > 0);
            links.iter().filter_map(Weak::upgrade).find(|link| link.src == src && link.task == task)
        });
        if let Some(link) = known {
            link.offer_token(token);
            return link;
        }
        let link = Rc::new(Self {
            src: src.to_owned(),
            task: task.to_owned(),
            // A deck elsewhere refuses who brings none, and says so only to who brings something.
            token: RefCell::new(token.or_else(|| net::is_elsewhere(src).then(String::new))),
            accepted: Cell::new(false),
            clock: Cell::new(0),
            state: RefCell::default(),
            line: RefCell::default(),
            socket: RefCell::default(),
            beat: Rc::default(),
            retry: Rc::default(),
            poll: Rc::default(),
            tick: Rc::default(),
            ticking: Cell::new(false),
            listener: RefCell::default(),
            views: RefCell::default(),
            untold: RefCell::default(),
            telling: Cell::new(false),
        });
        if !task.is_empty() {
            LINKS.with_borrow_mut(|links| links.push(Rc::downgrade(&link)));
            let still = link.still();
            let listener = Listener::new(move |page| {
                still.with(|link| {
                    link.on(match page {
                        Page::Woke => Event::Wake,
                        Page::Left => Event::Left,
                    });
                });
            });
            *link.listener.borrow_mut() = Some(listener);
            link.on(Event::Begin);
        }
        link
    }

    pub(crate) fn still(self: &Rc<Self>) -> Still {
        Still(Rc::downgrade(self))
    }

    /// Another widget shows the task from now on.
    pub(crate) fn join(&self, view: &Rc<View>) {
        let mut views = self.views.borrow_mut();
        views.retain(|view| view.strong_count() > 0);
        views.push(Rc::downgrade(view));
    }

    pub(crate) fn views(&self) -> Vec<Rc<View>> {
        self.views.borrow().iter().filter_map(Weak::upgrade).collect()
    }

    /// Takes another token; what is open goes on, and what was refused is tried again.
    pub(crate) fn set_token(self: &Rc<Self>, token: String) {
        *self.token.borrow_mut() = Some(token);
        self.accepted.set(false);
        if self.standing() == Standing::Denied {
            self.on(Event::Begin);
        }
    }

    /// Takes the token of another widget, where it is of more use than the one that is there.
    fn offer_token(self: &Rc<Self>, token: Option<String>) {
        let Some(token) = token else { return };
        let until = |token: &str| message::holds_until(token);
        let known = self.token.borrow().as_deref().map(until);
        if self.standing() == Standing::Denied || known.is_none_or(|known| until(&token) > known) {
            self.set_token(token);
        }
    }

    pub(crate) fn standing(&self) -> Standing {
        self.line.borrow().standing()
    }

    /// The server's clock.
    pub(crate) fn now(&self) -> Timestamp {
        net::now().plus_millis(self.clock.get())
    }

    /// Whether the token held once, or says itself that its time is over.
    pub(crate) fn is_over(&self) -> bool {
        let until = self.token.borrow().as_deref().and_then(message::holds_until);
        self.accepted.get() || until.is_some_and(|until| until <= self.now())
    }

    fn show(self: &Rc<Self>) {
        for view in self.views() {
            view.show();
        }
        self.tick();
    }

    /// What tells of times is shown anew each second.
    fn tick(self: &Rc<Self>) {
        let moves = |state: &TaskState| matches!(state.status, Status::Running | Status::Scheduled);
        let ticks = self.state.borrow().as_ref().is_some_and(moves)
            && matches!(self.standing(), Standing::Live | Standing::Polling);
        if ticks && !self.ticking.replace(true) {
            let still = self.still();
            net::arm(&self.tick, TICK_MS, move || {
                still.with(|link| {
                    link.ticking.set(false);
                    link.show();
                });
            });
        }
    }

    pub(crate) fn on(self: &Rc<Self>, event: Event) {
        let before = self.standing();
        let todo = self.line.borrow_mut().on(event);
        for command in todo {
            match command {
                Command::Open => self.open(),
                Command::Close => drop(self.socket.take()),
                Command::Poll => self.ask(),
                Command::Arm(timer, ms) => {
                    let armed = match timer {
                        Timer::Beat => &self.beat,
                        Timer::Retry => &self.retry,
                        Timer::Poll => &self.poll,
                    };
                    let still = self.still();
                    net::arm(armed, ms, move || still.with(|link| link.on(Event::Due(timer))));
                }
            }
        }
        self.show();
        match self.standing() {
            now if now == before => {}
            Standing::Gone => tell::vanish(self),
            Standing::Denied => tell::denied(self),
            _ => {}
        }
    }

    fn open(self: &Rc<Self>) {
        let base = match self.src.strip_prefix("http") {
            Some(rest) => format!("ws{rest}"),
            None => self.src.clone(),
        };
        let token = self.token.borrow().as_ref().map(|token| format!("&token={token}")).unwrap_or_default();
        let url = format!("{base}/ws/task/{}?log=false&follow=true{token}", self.task);
        let (heard, closed) = (self.still(), self.still());
        let socket = Socket::open(
            &url,
            move |text| heard.with(|link| link.hear(&text)),
            move || closed.with(|link| link.on(Event::Closed)),
        );
        let before = match socket {
            Some(socket) => self.socket.replace(Some(socket)),
            None => {
                // No socket can be made at all: as if it had closed, but not within this call.
                let still = self.still();
                net::arm(&self.beat, 0, move || still.with(|link| link.on(Event::Closed)));
                None
            }
        };
        drop(before);
    }

    fn hear(self: &Rc<Self>, text: &str) {
        match message::read(text) {
            Message::Hello { now, beat_ms } => {
                if let Some(now) = now {
                    self.clock.set(now.as_millis() - net::now().as_millis());
                }
                self.accepted.set(true);
                self.on(Event::Hello(beat_ms));
            }
            Message::State(state) => {
                self.on(Event::Heard);
                self.take(*state);
            }
            Message::Token(token) => {
                *self.token.borrow_mut() = Some(token);
                self.on(Event::Heard);
            }
            Message::Gone => self.on(Event::Gone),
            Message::Denied => self.on(Event::Denied),
            Message::Other => self.on(Event::Heard),
        }
    }

    /// Takes in a state, and tells what happened.
    fn take(self: &Rc<Self>, after: TaskState) {
        let known = self.state.borrow().as_ref().map(TaskState::rev);
        if known > Some(after.rev()) {
            return;
        }
        if known < Some(after.rev()) {
            *self.state.borrow_mut() = Some(after.clone());
            tell::news(self, self.views(), &after);
        }
        if after.status.has_ended() {
            self.on(Event::Ended);
        } else if self.standing() == Standing::Ended {
            self.on(Event::Resumed);
        }
        self.show();
    }

    pub(crate) fn url(&self, rest: &str) -> String {
        format!("{}/api/tasks/{}{rest}", self.src, self.task)
    }

    /// Asks how the task stands.
    fn ask(self: &Rc<Self>) {
        let (still, url, token) = (self.still(), self.url(""), self.token.borrow().clone());
        spawn_local(async move {
            let answer = net::get(&url, token.as_deref()).await;
            still.with(|link| {
                // What was refused with another token says nothing of this one.
                let is_old = *link.token.borrow() != token;
                link.on(Event::Polled(match &answer {
                    Ok(_) => Answer::State,
                    Err(NoAnswer::Denied) if is_old => Answer::Unreachable,
                    Err(NoAnswer::Denied) => Answer::Denied,
                    Err(NoAnswer::Missing) => Answer::Gone,
                    Err(NoAnswer::None | NoAnswer::Failed | NoAnswer::Unreachable) => Answer::Unreachable,
                }));
                let Ok(answer) = answer else { return };
                link.accepted.set(true);
                if answer.token.is_some() && !is_old {
                    link.token.replace(answer.token);
                }
                if let Some(state) = message::state(answer.body) {
                    link.take(state);
                }
            });
        });
    }
}
