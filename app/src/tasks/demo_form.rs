//! A task with a field of every type, for trying out forms.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taskdeck::prelude::*;

/// Of few: radio buttons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Choices)]
#[serde(rename_all = "snake_case")]
pub enum DemoSize {
    /// Small
    Small,
    /// Medium
    Medium,
    /// Large
    Large,
}

/// Of more: a select, or boxes where several can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, Choices)]
#[serde(rename_all = "snake_case")]
pub enum DemoDay {
    /// Monday
    Monday,
    /// Tuesday
    Tuesday,
    /// Wednesday
    Wednesday,
    /// Thursday
    Thursday,
    /// Friday
    Friday,
    /// Saturday
    Saturday,
    /// Sunday
    Sunday,
}

/// What the demo was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DemoFormSummary {
    /// The name.
    pub name: String,
    /// How many characters the secret has: all that is told of it.
    pub key_length: usize,
    /// The days.
    pub days: Vec<DemoDay>,
    /// The point in time.
    pub at: Option<Timestamp>,
    /// The hosts.
    pub hosts: Vec<String>,
    /// The ports.
    pub ports: Vec<u16>,
    /// The file's name.
    pub file: Option<String>,
}

/// Has a field of every type there is, and writes what it was given to its log. Its secret is shown nowhere: not on its
/// page, in lists, in the API or in the log.
#[task(
    title = "Demo form",
    category = "other",
    icon = "list-checks",
    tags("demo", "example", "form"),
    danger = "This is what a warning looks like. Nothing is at stake here.",
    retry(max_tries = 1)
)]
pub async fn demo_form(
    ctx: TaskContext,
    /// A line of text.
    #[param(min_len = 2, max_len = 60)]
    name: String,
    /// Text with a pattern, which says in words what it wants.
    #[param(
        default = "eu-west-1",
        pattern = "[a-z]{2}-[a-z]+-[0-9]",
        pattern_help = "Enter a region such as eu-west-1."
    )]
    region: String,
    /// Text of several lines.
    #[param(multiline, max_len = 500)]
    notes: Option<String>,
    /// A whole number.
    #[param(default = 1, min = 1, max = 10)]
    copies: u32,
    /// A number.
    #[param(default = 0.5, min = 0, max = 1)]
    share: f64,
    /// Yes or no.
    #[param(title = "Tell me when it is done", default = true)]
    tell: bool,
    /// One of a few.
    #[param(default = DemoSize::Medium)]
    size: DemoSize,
    /// One of more, or none.
    #[param(title = "Day of rest")]
    rest: Option<DemoDay>,
    /// Several.
    #[param(default = vec![DemoDay::Monday, DemoDay::Thursday], min_items = 1, max_items = 5)]
    days: Vec<DemoDay>,
    /// A point in time.
    #[param(title = "Not before")]
    at: Option<Timestamp>,
    /// A secret: typed unseen, and never shown again.
    #[param(title = "Access key", min_len = 4)]
    key: Secret,
    /// A list of texts.
    #[param(default, pattern = "[a-z0-9.-]+", pattern_help = "Enter a host name.", max_items = 20)]
    hosts: Vec<String>,
    /// A list of numbers.
    #[param(default = vec![443], min = 1)]
    ports: Vec<u16>,
    /// Any JSON.
    #[param(default = serde_json::json!({"depth": 2}))]
    settings: Value,
    /// A file.
    #[param(accept(".txt", ".csv", "image/*"), max_bytes = "1MB")]
    file: Option<Upload>,
    /// Whether it fails, so that its params can be changed and it is tried again.
    #[param(title = "Fail")]
    fails: bool,
) -> Result<DemoFormSummary, TaskError> {
    ctx.info(format!("name: {name}, region: {region}, copies: {copies}, share: {share}, size: {size:?}"));
    let time = at.map_or_else(|| "any time".to_owned(), |at| at.to_string());
    ctx.info(format!("notes: {notes:?}, rest: {rest:?}, days: {days:?}, at: {time}, key: {key:?}"));
    ctx.info(format!("hosts: {hosts:?}, ports: {ports:?}, settings: {settings}"));
    if fails {
        return Err(TaskError::permanent("It was told to fail.").code("demo"));
    }
    if tell {
        ctx.notify(format!("The form of {name} was read.")).await?;
    }
    Ok(DemoFormSummary {
        name,
        key_length: key.expose().chars().count(),
        days,
        at,
        hosts,
        ports,
        file: file.map(|file| file.name),
    })
}

#[cfg(feature = "ssr")]
#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskdeck::{Actor, Deck, ListQuery, SECRET_MASK, StartRequest, Status, Task};

    use super::*;

    #[tokio::test]
    async fn its_secret_is_read_by_the_body_and_by_nobody_else() {
        const KEY: &str = "hunter-2-hunter";
        let deck = Deck::builder().memory().register::<DemoForm>().build().await.unwrap();
        let client = deck.as_actor(Actor::local());
        let params = json!({"name": "Ann", "key": KEY, "fails": true, "at": "2026-01-31T09:00:00+01:00"});
        let request = StartRequest { params, ..StartRequest::default() };
        let id = client.start(DemoForm::KIND, request).await.unwrap().task.id;
        client.result(id, Some(std::time::Duration::MAX)).await.unwrap_err();

        let detail = client.detail(id).await.unwrap();
        assert_eq!(
            (&detail.params["key"], &detail.params["at"]),
            (&json!(SECRET_MASK), &json!("2026-01-31T08:00:00.000Z"))
        );
        let log = client.log(id, 0, 100).await.unwrap();
        let list = client.list(&ListQuery::default()).await.unwrap();
        for shown in [
            serde_json::to_string(&detail).unwrap(),
            serde_json::to_string(&log).unwrap(),
            serde_json::to_string(&list).unwrap(),
        ] {
            assert!(!shown.contains(KEY), "{shown}");
        }
        assert!(list.previews[0].starts_with("name=Ann"), "{:?}", list.previews);

        // Changed as a page does: with what it was shown.
        let mut params = detail.params;
        params["fails"] = json!(false);
        client.set_params(id, params).await.unwrap();
        client.retry(id).await.unwrap();
        let result = client.result(id, Some(std::time::Duration::MAX)).await.unwrap().result;
        assert_eq!(result["key_length"], json!(KEY.len()), "the secret stayed");
        assert_eq!(client.get(id).await.unwrap().status, Status::Completed);
        // What is shown in its place is no secret.
        let again = json!({"name": "Ann", "key": SECRET_MASK, "fails": false});
        let again = StartRequest { params: again, ..StartRequest::default() };
        assert!(client.start(DemoForm::KIND, again).await.unwrap_err().to_string().contains("key"));
        deck.shutdown().await;
    }
}
