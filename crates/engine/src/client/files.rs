//! Files: what a task left, and what is uploaded for one.

use std::sync::Arc;

use taskdeck_core::{Action, Artifact, DeckError, FieldErrors, ParamKind, TaskId, form};

use super::Client;
use super::start::LONGEST_NAME;
use crate::files::{UploadMeta, UploadWriter};
use crate::outcome;
use crate::store::FileRole;

impl Client {
    /// A file that the task made, and its bytes.
    ///
    /// # Errors
    /// [`DeckError::NotFound`], [`DeckError::Denied`].
    pub async fn artifact(&self, id: TaskId, name: &str) -> Result<(Artifact, tokio::fs::File), DeckError> {
        self.task_for(Action::Read, id).await?;
        let missing = || DeckError::NotFound { what: "Artifact".to_owned() };
        let files = self.inner.store.task_files(Some(id)).await?;
        let found = files.iter().find(|file| file.role == FileRole::Artifact && file.name == name);
        let found = found.ok_or_else(missing)?;
        let path = self.inner.local_file(found.file.id).await.map_err(|_| missing())?;
        let bytes = tokio::fs::File::open(path).await.map_err(|_| missing())?;
        Ok((outcome::artifact(found), bytes))
    }

    /// Begins an upload for a file parameter of a kind.
    ///
    /// # Errors
    /// [`DeckError::NotFound`] for an unknown kind, [`DeckError::InvalidParams`] for a parameter that takes no such
    /// file, [`DeckError::Denied`].
    pub async fn upload(
        &self,
        kind: &str,
        param: &str,
        name: &str,
        media_type: &str,
    ) -> Result<UploadWriter, DeckError> {
        let definition = self.known(Action::Start, kind)?;
        let mut fields = FieldErrors::default();
        let Some(of) = definition.param(param) else {
            fields.add(param, "There is no such parameter.");
            return Err(fields.into());
        };
        if let Some(fault) = form::check_file(of, name, 0, media_type) {
            fields.add(param, fault);
            return Err(fields.into());
        }
        let max_bytes = match of.kind {
            ParamKind::File { max_bytes, .. } => max_bytes,
            _ => None,
        };
        // Only for showing: what a browser sends as a path is cut to its last part.
        let name = name.rsplit(['/', '\\']).next().unwrap_or_default().chars().take(LONGEST_NAME).collect();
        let meta = UploadMeta { param: param.to_owned(), name, media_type: media_type.to_owned(), max_bytes };
        UploadWriter::create(Arc::clone(&self.inner), meta).await
    }
}
