use axum::body::Body;
use http::Method;
use serde_json::{Value, json};
use taskdeck_axum::upload::{FormParts, read_form};
use taskdeck_core::{Actor, DeckError};
use taskdeck_engine::Settings;

use crate::server::{Answer, Server, request};

const BOUNDARY: &str = "----boundary7MA4YWxk";

#[derive(Default)]
struct Form(Vec<u8>);

impl Form {
    fn text(mut self, name: &str, text: &str) -> Self {
        self.0.extend_from_slice(
            format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
                .as_bytes(),
        );
        self
    }

    fn file(mut self, name: &str, file_name: &str, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(
            format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file_name}\"\r\n\
                 Content-Type: text/csv\r\n\r\n"
            )
            .as_bytes(),
        );
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    fn bytes(mut self) -> Vec<u8> {
        self.0.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.0
    }

    async fn start(self, server: &Server, kind: &str) -> Answer {
        let start = request(Method::POST, &format!("/api/kinds/{kind}/start"))
            .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"));
        server.send(start.body(Body::from(self.bytes())).unwrap()).await
    }

    /// Read as the forms of the pages are: in small pieces, the kind in its first field.
    async fn read(self, server: &Server) -> Result<FormParts, DeckError> {
        let pieces: Vec<_> =
            self.bytes().chunks(7).map(|piece| Ok::<_, std::io::Error>(piece.to_vec().into())).collect();
        let pieces = pieces.into_iter().collect::<Vec<Result<bytes::Bytes, _>>>();
        let body = multer::Multipart::new(futures::stream::iter(pieces), BOUNDARY);
        read_form(&server.deck.as_actor(Actor::local()), None, body).await
    }
}

fn no_params() -> String {
    json!({}).to_string()
}

#[tokio::test]
async fn a_multipart_start_carries_the_file() {
    let server = Server::new().await;
    let request = json!({"params": {"note": "new"}, "label": "March"}).to_string();
    let form = Form::default().text("request", &request).file("file", "march.csv", b"a,b\n1,2");
    let task = form.start(&server, "read").await.expect(202);
    assert_eq!(task["label"], "March");
    let id = task["id"].as_str().unwrap();
    assert_eq!(server.ended(id).await.expect(200)["result"], "march.csv: a,b\n1,2 (new)");
}

#[tokio::test]
async fn the_file_may_come_before_the_request_or_without_it() {
    let server = Server::new().await;
    let form = Form::default().file("file", "a.csv", b"1").text("request", &no_params());
    let task = form.start(&server, "read").await.expect(202);
    assert_eq!(task["label"], "Read: a.csv", "a task that nobody named is called by its kind and its file");
    let long = format!("{}.csv", "ü".repeat(150));
    let task = Form::default().file("file", &long, b"1").start(&server, "read").await.expect(202);
    assert!(task["label"].as_str().unwrap().starts_with("Read: üüü"), "{task}");
    let task = Form::default().file("file", "a.csv", b"").start(&server, "read").await.expect(202);
    let id = task["id"].as_str().unwrap();
    assert_eq!(server.ended(id).await.expect(200)["result"], "a.csv:  ()", "an empty file is a file");
}

#[tokio::test]
async fn what_is_wrong_with_a_file_is_told_by_its_field() {
    let server = Server::new().await;
    let fault = |answer: Answer| -> Value { answer.problem(422, "invalid_params")["fields"].clone() };
    let form = Form::default().text("request", &no_params());
    assert_eq!(fault(form.start(&server, "read").await)["file"], "Choose a file.");
    let form = Form::default().file("file", "", b"");
    assert_eq!(fault(form.start(&server, "read").await)["file"], "Choose a file.");
    let form = Form::default().file("file", "a.txt", b"1");
    assert_eq!(fault(form.start(&server, "read").await)["file"], "Choose a file of type .csv.");
    let form = Form::default().file("file", "a.csv", &[b'x'; 100_001]);
    let fields = fault(form.start(&server, "read").await);
    assert!(fields["file"].as_str().unwrap().contains("too large"), "{fields}");
    let form = Form::default().file("file", "a.csv", b"1").file("file", "b.csv", b"2");
    assert_eq!(fault(form.start(&server, "read").await)["file"], "Choose one file.");
    let form = Form::default().file("file", "a.csv", b"1").file("map", "b.csv", b"2");
    assert_eq!(fault(form.start(&server, "read").await)["map"], "There is no such parameter.");
}

#[tokio::test]
async fn a_malformed_or_boundless_form_is_refused() {
    let server = Server::new().await;
    let form = Form::default().text("request", "{").file("file", "a.csv", b"1");
    form.start(&server, "read").await.problem(400, "bad_request");
    let form = Form::default().text("note", "new").file("file", "a.csv", b"1");
    form.start(&server, "read").await.problem(400, "bad_request");
    let form = (0..101).fold(Form::default(), |form, _| form.text("request", "{}"));
    form.start(&server, "read").await.problem(400, "bad_request");
    let form = Form::default().text("note", &"x".repeat(70_000));
    form.start(&server, "read").await.problem(413, "too_large");
    let form = Form::default().text("request", &"x".repeat(1_100_000));
    form.start(&server, "read").await.problem(413, "too_large");
    let cut = request(Method::POST, "/api/kinds/read/start")
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .body(Body::from(Form::default().file("file", "a.csv", b"1").0))
        .unwrap();
    server.send(cut).await.problem(400, "bad_request");
}

#[tokio::test]
async fn uploads_stop_at_the_deck_s_limit() {
    let server = Server::with(Settings { max_upload_bytes: 1_000, ..Settings::default() }, |_| ()).await;
    let form = Form::default().file("file", "a.csv", &[b'x'; 1_001]);
    let problem = form.start(&server, "read").await.problem(422, "invalid_params");
    assert_eq!(problem["fields"]["file"], "The file is too large: at most 1.0 kB are taken.");
}

#[tokio::test]
async fn a_page_s_form_names_its_kind_first() {
    let server = Server::new().await;
    let id = "018c0000-0000-7000-8000-000000000001";
    let form = Form::default()
        .text("_kind", "read")
        .text("_id", id)
        .text("_label", "  ")
        .text("note", "new")
        .file("file", "a.csv", b"1,2");
    let parts = form.read(&server).await.unwrap();
    assert_eq!(parts.kind.as_deref(), Some("read"));
    assert_eq!(parts.id.unwrap().to_string(), id);
    assert_eq!(parts.label, None);
    assert_eq!(parts.fields, [("note".to_owned(), "new".to_owned())]);
    assert_eq!(parts.files["file"].size, 3);
    let definition = server.deck.as_actor(Actor::local()).kind("read").unwrap();
    let request = parts.request(&definition).unwrap();
    assert_eq!(request.label.as_deref(), Some("Read: a.csv"));
    assert_eq!(request.params["note"], "new");
    assert_eq!(request.params["file"]["name"], "a.csv");

    let form = Form::default().file("file", "a.csv", b"1").text("_kind", "read");
    assert!(matches!(form.read(&server).await, Err(DeckError::BadRequest { .. })));
    let form = Form::default().text("_kind", "none");
    assert!(matches!(form.read(&server).await, Err(DeckError::NotFound { .. })));
    let form = Form::default().text("_kind", "read").text("_id", "17");
    assert!(matches!(form.read(&server).await, Err(DeckError::BadRequest { .. })));
}

#[tokio::test]
async fn what_was_typed_outlives_a_refused_file() {
    let server = Server::new().await;
    let form = Form::default()
        .text("_kind", "read")
        .file("file", "a.csv", &[b'x'; 100_001])
        .text("note", "typed after the file");
    let parts = form.read(&server).await.unwrap();
    assert_eq!(parts.fields, [("note".to_owned(), "typed after the file".to_owned())]);
    assert!(parts.errors.get("file").unwrap().contains("too large"));
}
