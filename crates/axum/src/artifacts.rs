//! Downloads of the files that tasks made.

use std::fmt::Write;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::HeaderValue;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE};
use taskdeck_core::DeckError;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use crate::extract::{Caller, Named};
use crate::problem::Failure;
use crate::trace::Traced;

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

pub(crate) async fn download(
    Caller(client): Caller,
    Named((id, name)): Named<(String, String)>,
) -> Result<Response, Failure> {
    let id = id.parse().map_err(|_| DeckError::task_not_found())?;
    let task = client.get(id).await?;
    let (artifact, file) = client.artifact(id, &name).await?;
    // The length was told, so no more than that is sent.
    let bytes = ReaderStream::with_capacity(file.take(artifact.size), CHUNK);
    let mut response = Body::from_stream(bytes).into_response();
    let headers = response.headers_mut();
    let media_type = HeaderValue::from_str(&artifact.media_type).ok().filter(|value| !value.is_empty());
    headers.insert(CONTENT_TYPE, media_type.unwrap_or(HeaderValue::from_static("application/octet-stream")));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(artifact.size));
    headers.insert(CONTENT_DISPOSITION, disposition(&artifact.name));
    // Opened all the same, it may do nothing: a task's output is never a page of ours.
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    Ok(Traced::new(&task, response).into_response())
}

/// `attachment` with the name twice: plain ASCII for what is old, and RFC 5987 for all the rest.
fn disposition(name: &str) -> HeaderValue {
    let plain: String = name
        .chars()
        .map(|c| match c {
            '"' | '\\' | '/' | '%' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    let mut value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        match byte {
            b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
                value.push(char::from(byte));
            }
            // Writing to a `String` cannot fail.
            other => drop(write!(value, "%{other:02X}")),
        }
    }
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_the_header() {
        assert_eq!(
            disposition("backup.tar"),
            "attachment; filename=\"backup.tar\"; filename*=UTF-8''backup.tar"
        );
        assert_eq!(
            disposition("a\"; filename=\"b.exe\r\nX: 1"),
            "attachment; filename=\"a_; filename=_b.exe__X: 1\"; \
             filename*=UTF-8''a%22%3B%20filename%3D%22b.exe%0D%0AX%3A%201"
        );
        assert_eq!(
            disposition("übung.csv"),
            "attachment; filename=\"_bung.csv\"; filename*=UTF-8''%C3%BCbung.csv"
        );
    }
}
