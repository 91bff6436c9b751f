//! One `<task-progress>` on a page.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::{Rc, Weak};

use serde_json::Value;
use taskdeck_core::{Notice, Status, TaskEvent, TaskEventKind, TaskState, happened};
use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen_futures::spawn_local;
use web_sys::{CustomEvent, CustomEventInit, HtmlElement, ShadowRoot};

use crate::dom::Nodes;
use crate::facts::facts;
use crate::line::{Answer, Command, Event, Line, Standing, Timer};
use crate::message::{self, Message};
use crate::net::{self, NoAnswer, Socket};

/// How often what an event needs is asked for before the event is told without it.
const TRIES: u32 = 5;

/// A widget; when it is freed it is over.
#[wasm_bindgen]
pub struct Widget {
    inner: Rc<Inner>,
}

struct Inner {
    host: HtmlElement,
    /// The address of the deck, without a slash at its end.
    src: String,
    task: String,
    nodes: RefCell<Nodes>,
    token: RefCell<Option<String>>,
    state: RefCell<Option<TaskState>>,
    line: RefCell<Line>,
    socket: RefCell<Option<Socket>>,
    beat: Rc<Cell<u32>>,
    retry: Rc<Cell<u32>>,
    poll: Rc<Cell<u32>>,
    untold: RefCell<VecDeque<Told>>,
    telling: Cell<bool>,
}

/// What happened in one step, to be told.
struct Told {
    events: Vec<TaskEventKind>,
    after: TaskState,
    /// The last notice before.
    notices_seen: u64,
}

#[wasm_bindgen]
impl Widget {
    /// Shows the task that the host's attributes name: `task`, `token`, `state`, and `src`, which is `src` of the script
    /// where it is not said.
    #[wasm_bindgen(constructor)]
    pub fn new(host: HtmlElement, shadow: &ShadowRoot, src: &str) -> Result<Widget, JsValue> {
        let document = web_sys::window().and_then(|window| window.document()).ok_or(JsValue::NULL)?;
        let attribute = |name: &str| host.get_attribute(name).filter(|text| !text.is_empty());
        let src = attribute("src").unwrap_or_else(|| src.to_owned());
        // What a start answered, so that what happened since is told.
        let baseline = attribute("state")
            .and_then(|text| serde_json::from_str::<Value>(&text).ok())
            .and_then(message::state);
        let task = attribute("task").or_else(|| baseline.as_ref().map(|state| state.id.to_string()));
        let inner = Rc::new(Inner {
            src: src.trim_end_matches('/').to_owned(),
            task: task.unwrap_or_default(),
            nodes: RefCell::new(Nodes::build(&document, shadow)?),
            token: RefCell::new(attribute("token")),
            state: RefCell::new(baseline),
            line: RefCell::default(),
            socket: RefCell::default(),
            beat: Rc::default(),
            retry: Rc::default(),
            poll: Rc::default(),
            untold: RefCell::default(),
            telling: Cell::new(false),
            host,
        });
        inner.show();
        if !inner.task.is_empty() {
            inner.on(Event::Begin);
        }
        Ok(Self { inner })
    }

    /// Takes another token; what is open goes on.
    pub fn set_token(&self, token: Option<String>) {
        *self.inner.token.borrow_mut() = token.filter(|token| !token.is_empty());
    }
}

/// The widget, if it is still there.
#[derive(Clone)]
struct Still(Weak<Inner>);

impl Still {
    fn with(&self, act: impl FnOnce(&Rc<Inner>)) {
        if let Some(inner) = self.0.upgrade() {
            act(&inner);
        }
    }
}

impl Inner {
    fn still(self: &Rc<Self>) -> Still {
        Still(Rc::downgrade(self))
    }

    fn show(&self) {
        let standing = self.line.borrow().standing();
        let facts = facts(self.state.borrow().as_ref(), standing);
        self.nodes.borrow_mut().show(facts);
    }

    fn on(self: &Rc<Self>, event: Event) {
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
                    net::arm(armed, ms, move || still.with(|inner| inner.on(Event::Due(timer))));
                }
            }
        }
        self.show();
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
            move |text| heard.with(|inner| inner.hear(&text)),
            move || closed.with(|inner| inner.on(Event::Closed)),
        );
        let before = match socket {
            Some(socket) => self.socket.replace(Some(socket)),
            None => {
                // No socket can be made at all: as if it had closed, but not within this call.
                let still = self.still();
                net::arm(&self.beat, 0, move || still.with(|inner| inner.on(Event::Closed)));
                None
            }
        };
        drop(before);
    }

    fn hear(self: &Rc<Self>, text: &str) {
        match message::read(text) {
            Message::Hello { beat_ms } => self.on(Event::Hello(beat_ms)),
            Message::State(state) => {
                self.on(Event::Heard);
                self.take(*state);
            }
            Message::Token(token) => {
                *self.token.borrow_mut() = Some(token);
                self.on(Event::Heard);
            }
            Message::Gone => self.on(Event::Ended { gone: true }),
            Message::Other => self.on(Event::Heard),
        }
    }

    /// Takes in a state, and tells what happened.
    fn take(self: &Rc<Self>, after: TaskState) {
        let has_ended = after.status.has_ended();
        let before = {
            let mut known = self.state.borrow_mut();
            if known.as_ref().is_some_and(|known| after.rev() <= known.rev()) {
                None
            } else {
                known.replace(after.clone())
            }
        };
        if let Some(before) = before {
            let events = happened(&before, &after);
            if !events.is_empty() {
                let told = Told { events, after, notices_seen: before.notice_seq };
                self.untold.borrow_mut().push_back(told);
                self.tell();
            }
        }
        if has_ended {
            self.on(Event::Ended { gone: false });
        } else if self.line.borrow().standing() == Standing::Ended {
            self.on(Event::Resumed);
        }
        self.show();
    }

    fn tell(self: &Rc<Self>) {
        if !self.telling.replace(true) {
            spawn_local(tell_all(self.still()));
        }
    }

    fn url(&self, rest: &str) -> String {
        format!("{}/api/tasks/{}{rest}", self.src, self.task)
    }

    /// Asks how the task stands.
    fn ask(self: &Rc<Self>) {
        let (still, url, token) = (self.still(), self.url(""), self.token.borrow().clone());
        spawn_local(async move {
            let answer = net::get(&url, token.as_deref()).await.map(message::state);
            still.with(|inner| match answer {
                Ok(Some(state)) => {
                    inner.on(Event::Polled(Answer::State));
                    inner.take(state);
                }
                Ok(None) | Err(NoAnswer::Unreachable) => inner.on(Event::Polled(Answer::Unreachable)),
                Err(NoAnswer::Refused) => inner.on(Event::Polled(Answer::Refused)),
            });
        });
    }

    fn dispatch(&self, event: &TaskEvent) {
        let Ok(json) = serde_json::to_string(event) else { return };
        let init = CustomEventInit::new();
        init.set_detail(&js_sys::JSON::parse(&json).unwrap_or(JsValue::NULL));
        // They do not bubble: a page that listens for `error` of its own would hear it.
        if let Ok(event) = CustomEvent::new_with_event_init_dict(event.event.name(), &init) {
            // What a listener throws is its own affair.
            let _ = self.host.dispatch_event(&event);
        }
    }
}

/// Tells what is untold, in order. What an event needs (the result, a notice) is asked for first, and later events wait.
async fn tell_all(still: Still) {
    loop {
        let Some((told, urls, token)) = still.0.upgrade().and_then(|inner| {
            let told = inner.untold.borrow_mut().pop_front();
            if told.is_none() {
                inner.telling.set(false);
            }
            let told = told?;
            let notices = inner.url(&format!("/notices?since={}", told.notices_seen));
            Some((told, [inner.url("/result"), notices], inner.token.borrow().clone()))
        }) else {
            return;
        };
        let [result_url, notices_url] = urls;
        let mut result = None;
        if told.after.status == Status::Completed && told.events.contains(&TaskEventKind::Completed) {
            result = asked(&result_url, token.as_deref()).await.map(|mut body| body["result"].take());
        }
        let mut notices: Vec<Notice> = Vec::new();
        if told.events.contains(&TaskEventKind::EventNotification) {
            let body = asked(&notices_url, token.as_deref()).await;
            let list = body.and_then(|mut body| serde_json::from_value(body["notices"].take()).ok());
            notices = list.unwrap_or_default();
        }
        let Some(inner) = still.0.upgrade() else { return };
        let mut seq = told.notices_seen;
        for kind in told.events {
            let mut event = TaskEvent::new(kind, &told.after);
            match kind {
                TaskEventKind::EventNotification => {
                    seq += 1;
                    event.notice = notices.iter().find(|notice| notice.seq == seq).cloned();
                }
                TaskEventKind::Completed | TaskEventKind::Finish => event.result.clone_from(&result),
                _ => {}
            }
            inner.dispatch(&event);
        }
    }
}

/// What the server says, asked again while it cannot be reached.
async fn asked(url: &str, token: Option<&str>) -> Option<Value> {
    let mut wait = 1_000;
    for _ in 0..TRIES {
        match net::get(url, token).await {
            Ok(answer) => return Some(answer),
            Err(NoAnswer::Refused) => return None,
            Err(NoAnswer::Unreachable) => {
                net::pause(wait).await;
                wait *= 2;
            }
        }
    }
    None
}
