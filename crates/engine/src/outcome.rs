//! What an ended attempt leaves in the store.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use taskdeck_core::{Artifact, PartProblem, ResultBody, TaskId};

use crate::store::{FileRole, TaskFile};

/// The result as it is stored; the artifacts are rows of their own.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct StoredResult {
    pub(crate) result: Value,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) problems: Vec<PartProblem>,
    #[serde(default)]
    pub(crate) problem_count: u64,
}

impl StoredResult {
    pub(crate) fn body(self, files: &[TaskFile]) -> ResultBody {
        ResultBody {
            result: self.result,
            partial: self.problem_count > 0,
            problems: self.problems,
            problem_count: self.problem_count,
            artifacts: files.iter().filter(|file| file.role == FileRole::Artifact).map(artifact).collect(),
        }
    }
}

pub(crate) fn artifact(of: &TaskFile) -> Artifact {
    Artifact {
        name: of.name.clone(),
        size: of.file.size,
        media_type: of.file.media_type.clone(),
        url: artifact_url(of.task, &of.name),
    }
}

/// Where an artifact is downloaded, relative to the deck's base path.
pub(crate) fn artifact_url(task: TaskId, name: &str) -> String {
    let mut url = format!("/api/tasks/{task}/artifacts/");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            url.push(char::from(byte));
        } else {
            url.push_str(&format!("%{byte:02X}"));
        }
    }
    url
}
