//! The shop without a browser: what the server renders, and what a form does without JavaScript.
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use example_leptos_app::server::router;
use example_leptos_app::tasks::{MakeThumbnails, Thumbnails};
use http_body_util::BodyExt;
use leptos::prelude::LeptosOptions;
use taskdeck::axum::Config;
use taskdeck::{Deck, TaskId};
use tempfile::TempDir;
use tower::ServiceExt;

const HOST: &str = "127.0.0.1:3000";

struct Shop {
    deck: Deck,
    router: Router,
    _folder: TempDir,
}

struct Answer {
    status: StatusCode,
    location: Option<String>,
    body: String,
}

impl Answer {
    /// What a page shows. Its head has the style, which names all that there could be.
    fn shown(&self) -> &str {
        self.body.split_once("<body>").unwrap().1
    }
}

impl Shop {
    async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = folder.path().join("tasks.db");
        let deck = Deck::builder().sqlite(store).register_linked().build().await.unwrap();
        let options = LeptosOptions::builder()
            .output_name("example-leptos-app")
            .site_root(folder.path().to_str().unwrap())
            .build();
        let router = router(deck.clone(), Config::new(HOST.parse().unwrap()), options);
        Self { deck, router, _folder: folder }
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        let location = parts.headers.get("location").map(|to| to.to_str().unwrap().to_owned());
        Answer { status: parts.status, location, body: String::from_utf8(body).unwrap() }
    }

    async fn get(&self, path: &str) -> Answer {
        let request = Request::get(path).header("host", HOST).header("accept", "text/html");
        self.send(request.body(Body::empty()).unwrap()).await
    }

    /// Sends a form of a page as a browser does that runs no script.
    async fn submit(&self, page: &str, action: &str, fields: &[(String, String)]) -> Answer {
        let part = |(name, value): &(String, String)| {
            format!("--X\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let body = fields.iter().map(part).collect::<String>() + "--X--\r\n";
        let request = Request::post(action)
            .header("host", HOST)
            .header("origin", format!("http://{HOST}"))
            .header("referer", format!("http://{HOST}{page}"))
            .header("accept", "text/html,application/xhtml+xml")
            .header("content-type", "multipart/form-data; boundary=X");
        self.send(request.body(Body::from(body)).unwrap()).await
    }
}

/// What stands between two texts, wherever both do.
fn between<'a>(html: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    html.split(before).skip(1).filter_map(|rest| Some(rest.split_once(after)?.0)).collect()
}

/// The hidden fields of the one form of a page.
fn hidden_fields(html: &str) -> Vec<(String, String)> {
    let field = |field: &str| {
        let value = between(field, "value=\"", "\"")[0].to_owned();
        (between(field, "name=\"", "\"")[0].to_owned(), value)
    };
    let inputs = between(html, "<input ", ">").into_iter();
    inputs.filter(|input| input.contains("type=\"hidden\"")).map(field).collect()
}

/// The opening tags of the cards of tasks.
fn cards(html: &str) -> Vec<&str> {
    let sections = between(html, "<section ", ">").into_iter();
    sections.filter(|section| section.contains("class=\"td-progress\"")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_without_javascript_starts_a_task_and_its_page_shows_how_it_ended() {
    let shop = Shop::open().await;
    let page = shop.get("/albums/cats").await;
    assert_eq!(page.status, StatusCode::OK, "{}", page.body);
    assert!(page.body.contains("<meta name=\"taskdeck-base\" content=\"/deck\">"), "{}", page.body);
    assert!(page.shown().contains("Make thumbnails"), "{}", page.body);
    assert!(cards(page.shown()).is_empty(), "there is no task yet: {}", page.body);
    let actions = between(page.shown(), "action=\"", "\"");
    assert_eq!(actions, ["/deck/_taskdeck/start_task"], "{}", page.body);

    let started = shop.submit("/albums/cats", actions[0], &hidden_fields(page.shown())).await;
    assert_eq!(started.status, StatusCode::SEE_OTHER, "{}", started.body);
    let task_page = started.location.unwrap();
    let id: TaskId = task_page.strip_prefix("/deck/tasks/").unwrap().parse().unwrap();

    let made = shop.deck.handle::<MakeThumbnails>(id).result(Some(Duration::from_secs(60))).await.unwrap();
    assert_eq!(made, Thumbnails { made: 12, kilobytes: 132 });
    for path in [task_page.as_str(), "/albums/cats"] {
        let page = shop.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}: {}", page.body);
        let [card] = cards(page.shown())[..] else { panic!("{path}: {}", page.body) };
        assert!(card.contains("data-status=\"completed\""), "{path}: {card}");
    }
    shop.deck.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shop_keeps_its_own_pages_and_the_deck_its_own_path() {
    let shop = Shop::open().await;
    let first = shop.get("/").await;
    assert_eq!(first.status, StatusCode::OK);
    for title in ["Lisbon", "Across the Alps", "Cats", "No thumbnails are being made."] {
        assert!(first.shown().contains(title), "{title}: {}", first.body);
    }
    let kinds = shop.get("/deck/api/kinds").await;
    assert_eq!(kinds.status, StatusCode::OK);
    assert!(kinds.body.contains("make_thumbnails"), "{}", kinds.body);
    assert_eq!(shop.get("/api/kinds").await.status, StatusCode::NOT_FOUND);
    shop.deck.shutdown().await;
}
