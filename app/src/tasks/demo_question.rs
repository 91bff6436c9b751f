//! A task that asks, and that says something on its way, for trying out widgets.

use serde::{Deserialize, Serialize};
use taskdeck::prelude::*;

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DemoAnswer {
    /// Whether somebody approved.
    pub approved: bool,
    /// Why, if they said.
    pub reason: Option<String>,
}

/// Leaves a notice, asks whether to go on, and says what was answered. Until then it waits without a slot, over
/// restarts too.
#[task(
    title = "Demo question",
    category = "other",
    icon = "circle-question-mark",
    tags("demo", "example"),
    retry(max_tries = 1)
)]
pub async fn demo_question(
    ctx: TaskContext,
    /// What is asked.
    #[param(default = "Shall the demo go on?", min_len = 1, max_len = 200)]
    question: String,
) -> Result<DemoAnswer, TaskError> {
    // The body runs again from its beginning when the answer is there.
    if ctx.restore::<bool>()?.is_none() {
        ctx.progress(0.5);
        ctx.notify("Half of it is done; the rest waits for your answer.").await?;
        ctx.checkpoint(&true).await?;
    }
    let question = taskdeck::Question::new("go_on", question)
        .buttons("Go on", "Stop here")
        .field(taskdeck::Param::of::<Option<String>>("reason").help("Is kept with the answer."));
    let answer = ctx.confirm(question).await?;
    let reason = answer.fields.get("reason").and_then(|reason| reason.as_str()).map(str::to_owned);
    let what = if answer.approved { "went on" } else { "stopped" };
    ctx.notify(format!("The demo {what}.")).await?;
    Ok(DemoAnswer { approved: answer.approved, reason })
}

#[cfg(feature = "ssr")]
#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskdeck::{Actor, AnswerRequest, ClientMessage, Deck, Known, Status};

    use super::*;

    #[tokio::test]
    async fn it_waits_for_its_answer_and_tells_it() {
        for approved in [true, false] {
            is_answered(approved).await;
        }
    }

    async fn is_answered(approved: bool) {
        let deck = Deck::builder().memory().register::<DemoQuestion>().build().await.unwrap();
        let client = deck.as_actor(Actor::local());
        let handle = deck.start(DemoQuestion { question: "Well?".to_owned() }).await.unwrap();
        let mut feed = client.feed();
        let known = Known { id: handle.id(), version: 0, tick: 0 };
        feed.apply(ClientMessage::Subscribe { tasks: vec![known] }).await;
        while handle.state().await.unwrap().status != Status::WaitingConfirmation {
            feed.next().await.unwrap();
        }
        let fields = json!({"reason": "why not"});
        let answer = AnswerRequest { approved, fields, ..AnswerRequest::default() };
        client.answer(handle.id(), answer).await.unwrap();
        let answered = handle.result(None).await.unwrap();
        assert_eq!(answered, DemoAnswer { approved, reason: Some("why not".to_owned()) });
        let notices = client.notices(handle.id(), 0).await.unwrap();
        let texts: Vec<_> = notices.iter().map(|notice| (notice.seq, notice.text.as_str())).collect();
        let first = "Half of it is done; the rest waits for your answer.";
        let second = if approved { "The demo went on." } else { "The demo stopped." };
        assert_eq!(texts, [(1, first), (2, second)]);
        deck.shutdown().await;
    }
}
