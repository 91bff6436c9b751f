//! The binary as an operator meets it: started, asked over a real port, stopped by a signal.
#![cfg(all(unix, not(feature = "embed")))]
#![expect(clippy::unwrap_used, reason = "in a test a panic is the message")]

#[cfg(feature = "postgres")]
mod copy;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// A folder with a site, in which the binary runs.
fn workplace() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let site = folder.path().join("site");
    std::fs::create_dir_all(site.join("pkg")).unwrap();
    let names = ["js", "wasm", "css"].map(|end| (end, format!("pkg/taskdeck.0123456789ab.{end}")));
    for (end, name) in &names {
        std::fs::write(site.join(name), end).unwrap();
    }
    let manifest: Vec<_> = names.iter().map(|(end, name)| format!("\"{end}\": \"/{name}\"")).collect();
    std::fs::write(site.join("manifest.json"), format!("{{{}, \"build\": \"b1\"}}", manifest.join(", ")))
        .unwrap();
    folder
}

fn taskdeck(folder: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_taskdeck"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("TASK") || name.to_string_lossy().starts_with("LEPTOS") {
            command.env_remove(&name);
        }
    }
    command.args(args).current_dir(folder).env("TASKDECK_SITE", folder.join("site"));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs to the end, which must be a refusal, and returns what it said.
fn refused(folder: &Path, args: &[&str]) -> String {
    let Output { status, stderr, .. } = taskdeck(folder, args).output().unwrap();
    let said = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(1), "{said}");
    said
}

/// A server that is killed when a test fails.
struct Server {
    child: Child,
    first_line: String,
    at: SocketAddr,
}

impl Server {
    fn start(folder: &Path, args: &[&str]) -> Self {
        Self::spawn(taskdeck(folder, args).args(["--bind", "127.0.0.1:0"]))
    }

    /// Returns once the server has said where it listens.
    fn spawn(command: &mut Command) -> Self {
        let mut child = command.spawn().unwrap();
        let mut first_line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first_line).unwrap();
        let at = first_line.split("http://").nth(1).and_then(|rest| rest.split(',').next()?.parse().ok());
        let at = at.unwrap_or_else(|| panic!("{first_line:?}"));
        Self { child, first_line, at }
    }

    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.at).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let (line, rest) = request.split_once("\r\n").unwrap_or((request, ""));
        write!(stream, "{line} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n{rest}\r\n\r\n", self.at)
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn status(answer: &str) -> &str {
    answer.get(9..12).unwrap_or_default()
}

#[test]
fn it_serves_pages_api_and_files_and_stops_when_told() {
    let folder = workplace();
    let mut server = Server::start(folder.path(), &["serve", "--max-concurrent", "3"]);
    let line = &server.first_line;
    assert!(line.contains("store sqlite:taskdeck.db") && line.contains("3 tasks"), "{line}");

    assert_eq!(status(&server.ask("GET /health")), "200");
    let page = server.ask("GET /tasks").to_ascii_lowercase();
    assert_eq!(status(&page), "200", "{page}");
    let nonce = page.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).expect("a nonce");
    assert!(page.contains(&format!("nonce=\"{nonce}\"")), "{page}");
    assert!(page.contains("/pkg/taskdeck.0123456789ab.js"), "{page}");
    assert!(!page.contains("unsafe-inline") && !page.contains("taskdeck-socket"), "{page}");
    for accept in ["text/html", "*/*", "application/json"] {
        let home = server.ask(&format!("GET /\r\nAccept: {accept}\r\n")).to_ascii_lowercase();
        assert_eq!(status(&home), "200", "{home}");
        assert!(home.contains("<h1>overview</h1>"), "{home}");
    }
    let slash = server.ask("GET /tasks/?status=failed").to_ascii_lowercase();
    assert!(status(&slash) == "308" && slash.contains("\r\nlocation: /tasks?status=failed\r\n"), "{slash}");
    let missing = server.ask("GET /no/such/page");
    assert_eq!(status(&missing), "404");
    assert!(missing.contains("text/html"), "{missing}");
    for address in ["/api", "/api/", "/api/no/such/thing"] {
        let unknown = server.ask(&format!("GET {address}"));
        assert!(status(&unknown) == "404" && unknown.contains("application/problem+json"), "{unknown}");
    }
    assert!(server.ask("GET /api/kinds").contains("\"demo_steps\""));
    let file = server.ask("GET /pkg/taskdeck.0123456789ab.js");
    assert!(file.contains("immutable") && file.ends_with("js"), "{file}");
    assert_eq!(status(&server.ask("POST /api/tasks/x/cancel\r\nOrigin: http://evil.example\r\n")), "403");

    server.signal("TERM");
    assert_eq!(server.child.wait().unwrap().code(), Some(0));
    assert!(folder.path().join("taskdeck.db").exists() && folder.path().join("data.db").exists());
}

#[test]
fn the_site_of_cargo_leptos_is_read_when_it_is_asked_for() {
    let folder = workplace();
    let pkg = folder.path().join("watched/pkg");
    std::fs::create_dir_all(&pkg).unwrap();
    for end in ["js", "wasm", "css"] {
        std::fs::write(pkg.join(format!("taskdeck.{end}")), "old").unwrap();
    }
    let mut watched = taskdeck(folder.path(), &["--store", "sqlite::memory:", "--bind", "127.0.0.1:0"]);
    watched
        .env_remove("TASKDECK_SITE")
        .env("LEPTOS_SITE_ROOT", "watched")
        .env("LEPTOS_OUTPUT_NAME", "taskdeck");
    let server = Server::spawn(&mut watched);
    assert!(server.ask("GET /tasks").contains("/pkg/taskdeck.css"));
    assert!(server.ask("GET /pkg/taskdeck.css").ends_with("old"));
    std::fs::write(pkg.join("taskdeck.css"), "new").unwrap();
    let answer = server.ask("GET /pkg/taskdeck.css");
    assert!(answer.ends_with("new") && answer.contains("cache-control: no-cache"), "{answer}");
}

#[test]
fn a_start_form_without_javascript_leads_to_the_task() {
    let folder = workplace();
    let server = Server::start(folder.path(), &["--store", "sqlite::memory:"]);
    let part = |name: &str, text: &str| {
        format!("--xx\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let post = |body: String| {
        server.ask(&format!(
            "POST /_taskdeck/start_task\r\nAccept: text/html\r\nOrigin: http://{}\r\n\
             Content-Type: multipart/form-data; boundary=xx\r\nContent-Length: {}\r\n\r\n{body}",
            server.at,
            body.len()
        ))
    };
    let started = post(part("_kind", "demo_steps") + "--xx--\r\n");
    assert_eq!(status(&started), "303", "{started}");
    assert!(started.to_ascii_lowercase().contains("location: /tasks/"), "{started}");
    let refused = post(part("_kind", "import_csv") + &part("table", "typed <already>") + "--xx--\r\n");
    assert_eq!(status(&refused), "422", "{refused}");
    assert!(refused.contains("typed &lt;already"), "{refused}");
    // That page has the address of the form. Who loads it by its name has nothing to post, and begins anew.
    let loaded = server.ask("GET /_taskdeck/start_task\r\nAccept: text/html\r\n");
    assert!(status(&loaded) == "303" && loaded.contains("location: /\r\n"), "{loaded}");
    assert_eq!(status(&server.ask("GET /_taskdeck/start_task\r\nAccept: application/json\r\n")), "405");
}

#[test]
fn pages_of_a_server_without_sockets_try_none() {
    let folder = workplace();
    let mut command = taskdeck(folder.path(), &["--store", "sqlite::memory:", "--bind", "127.0.0.1:0"]);
    let server = Server::spawn(command.env("TASK_WEBSOCKET_ENABLED", "false"));
    assert!(server.ask("GET /tasks").contains("name=\"taskdeck-socket\" content=\"off\""));
    let upgrade = "GET /ws\r\nUpgrade: websocket\r\n";
    assert_eq!(status(&server.ask(upgrade)), "404");
}

#[test]
fn a_form_that_is_too_large_is_sent_whole_and_answered() {
    let folder = workplace();
    let server =
        Server::start(folder.path(), &["--store", "sqlite::memory:", "--max-upload", "1MB", "--grace", "1s"]);
    let body = "x".repeat(30_000_000);
    // A server that answers without reading resets the connection, so that the body cannot be written to its end.
    let answer = server.ask(&format!(
        "POST /_taskdeck/start_task\r\nAccept: text/html\r\nOrigin: http://{}\r\n\
         Content-Type: multipart/form-data; boundary=xx\r\nContent-Length: {}\r\n\r\n{body}",
        server.at,
        body.len()
    ));
    assert_eq!(status(&answer), "413", "{answer}");
    assert!(answer.contains("text/html") && answer.contains("is larger than"), "{answer}");
}

#[test]
fn a_second_server_on_one_store_is_refused() {
    let folder = workplace();
    let first = Server::start(folder.path(), &[]);
    let second = refused(folder.path(), &["--bind", "127.0.0.1:0"]);
    assert!(second.contains("taskdeck.db is in use by"), "{second}");
    assert!(second.contains(&first.child.id().to_string()), "{second}");
}

#[test]
fn a_start_that_cannot_be_says_why() {
    let folder = workplace();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let said = refused(folder.path(), &["serve", "--bind", &address]);
    assert!(said.contains(&format!("the address {address} is in use")), "{said}");
    let said = refused(folder.path(), &["--bind", "0.0.0.0:0"]);
    assert!(said.contains("sign-in is not there yet"), "{said}");
    let said = refused(folder.path(), &["--grace", "long"]);
    assert!(said.contains("TASK_GRACE") && said.contains("--grace"), "{said}");
    std::fs::remove_file(folder.path().join("site/manifest.json")).unwrap();
    let said = refused(folder.path(), &["--bind", "127.0.0.1:0"]);
    assert!(said.contains("build the site with `cargo xtask run`"), "{said}");
    assert!(!folder.path().join("taskdeck.db").exists(), "a start that cannot be leaves no trace");
}

#[test]
fn the_kinds_are_printed() {
    let folder = workplace();
    let output = taskdeck(folder.path(), &["kinds"]).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success());
    for kind in ["backup_database", "demo_steps", "import_csv"] {
        assert!(said.lines().any(|line| line.starts_with(kind)), "{said}");
    }
    assert_eq!(
        std::fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing is made but the site was there"
    );
}
