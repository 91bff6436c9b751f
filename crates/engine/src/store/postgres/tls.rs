//! Encrypted connections, to a server with a certificate of our own making.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sqlx_core::connection::Connection;
use sqlx_core::query::query;
use sqlx_core::row::Row;
use sqlx_postgres::PgConnection;
use tempfile::TempDir;

use super::PostgresStore;
use super::testing::Cluster;
use crate::store::Store;

/// An issuer, and a certificate of it for `localhost`.
struct Issuer {
    folder: TempDir,
}

impl Issuer {
    /// With the program `openssl`, which PostgreSQL's own packages bring.
    fn new() -> Self {
        let issuer = Self { folder: tempfile::tempdir().unwrap() };
        let settings = "[req]\ndistinguished_name = name\nprompt = no\n[name]\nCN = Taskdeck tests\n\
            [ca]\nbasicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign\n\
            [server]\nbasicConstraints = CA:FALSE\nextendedKeyUsage = serverAuth\n\
            subjectAltName = DNS:localhost\n";
        std::fs::write(issuer.file("settings"), settings).unwrap();
        for name in ["ca.key", "server.key"] {
            issuer.openssl(&["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", name]);
        }
        let ca = "req -x509 -new -key ca.key -config settings -extensions ca -days 2 -out ca.crt";
        issuer.openssl(&ca.split(' ').collect::<Vec<_>>());
        issuer.openssl(
            &"req -new -key server.key -config settings -out server.csr".split(' ').collect::<Vec<_>>(),
        );
        let sign = "x509 -req -in server.csr -CA ca.crt -CAkey ca.key -set_serial 2 -days 2 -extfile settings \
            -extensions server -out server.crt";
        issuer.openssl(&sign.split_whitespace().collect::<Vec<_>>());
        issuer
    }

    fn openssl(&self, args: &[&str]) {
        let mut openssl = Command::new("openssl");
        let output = openssl.args(args).current_dir(self.folder.path()).stdin(Stdio::null()).output();
        let output = output.expect("the program openssl");
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

async fn open(url: String) -> Result<PostgresStore, String> {
    let opened = tokio::task::spawn_blocking(move || PostgresStore::open(&url, 3, crate::Durability::Full))
        .await
        .unwrap();
    opened.map_err(|error| error.to_string())
}

async fn refused(url: String) -> String {
    match open(url).await {
        Ok(_) => panic!("it was to be refused"),
        Err(why) => why,
    }
}

fn verified(by: &Path) -> String {
    format!("sslmode=verify-full&sslrootcert={}", by.display())
}

#[tokio::test]
#[ignore = "needs a PostgreSQL server: cargo xtask test"]
async fn postgres_connections_are_encrypted_and_the_server_is_who_it_says() {
    let (issuer, other) = (Issuer::new(), Issuer::new());
    let cluster = Cluster::with_tls(&issuer.file("server.crt"), &issuer.file("server.key")).await;
    let (right, wrong) = (verified(&issuer.file("ca.crt")), verified(&other.file("ca.crt")));
    // How many connections of nodes there are, and whether each of them is encrypted.
    let mut plain = PgConnection::connect(&cluster.url_at("127.0.0.1", "sslmode=disable")).await.unwrap();
    let mut encrypted = async || {
        let of_nodes = "SELECT count(*), coalesce(bool_and(ssl AND version = 'TLSv1.3'), false)
            FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'taskdeck'";
        let row = query(of_nodes).fetch_one(&mut plain).await.unwrap();
        let (many, all): (i64, bool) = (row.get(0), row.get(1));
        (many > 0, all)
    };

    let store = open(cluster.url_at("localhost", &right)).await.unwrap();
    store.counts().await.unwrap();
    assert_eq!(encrypted().await, (true, true), "the right name and the right issuer");
    store.close().await;
    let name = refused(cluster.url_at("127.0.0.1", &right)).await;
    assert!(name.contains("not valid for name"), "{name}");
    let issuer_refused = refused(cluster.url_at("localhost", &wrong)).await;
    assert!(
        issuer_refused.contains("UnknownIssuer") || issuer_refused.contains("BadSignature"),
        "{issuer_refused}"
    );
    // Encrypts, whoever it is.
    let store = open(cluster.url_at("127.0.0.1", "sslmode=require")).await.unwrap();
    store.counts().await.unwrap();
    assert_eq!(encrypted().await, (true, true));
    store.close().await;
    let store = open(cluster.url_at("127.0.0.1", "sslmode=disable")).await.unwrap();
    store.counts().await.unwrap();
    assert_eq!(encrypted().await, (true, false), "the test sees what is not");
    store.close().await;
}
