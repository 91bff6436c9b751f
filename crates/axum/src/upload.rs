//! Forms with files: read as they come, each file straight into the deck's store, none of them ever whole in memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error as _;

use bytes::Bytes;
use multer::{Field, Multipart};
use serde_json::{Map, Value};
use taskdeck_core::{DeckError, Definition, FieldErrors, Param, StartRequest, TaskId, Upload, form};
use taskdeck_engine::Client;

const MAX_PARTS: usize = 100;
/// The largest text of one field.
const MAX_FIELD: usize = 64 * 1024;
/// The largest text of all fields together, and of the part `request` alone.
const MAX_TEXT: usize = 1024 * 1024;
/// The part of an API form that holds the request as JSON.
const REQUEST: &str = "request";
const MAX_NAME: usize = 255;
const MAX_EXTENSION: usize = 16;
/// The longest label that the deck takes.
const MAX_LABEL: usize = 200;

/// What a form said.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FormParts {
    /// The field `_kind`: which kind to start.
    pub kind: Option<String>,
    /// The text fields, in their order.
    pub fields: Vec<(String, String)>,
    /// The files, by their parameter; stored already.
    pub files: BTreeMap<String, Upload>,
    /// The files that were not taken, and why. [`FormParts::params`] tells of them.
    pub errors: FieldErrors,
    /// The field `_id`: an id that the page made, so that a form sent twice starts one task.
    pub id: Option<TaskId>,
    /// The field `_label`: what a person calls the task.
    pub label: Option<String>,
    /// The field `_key`: only one active task of the kind has it; another start answers that one.
    pub key: Option<String>,
}

impl FormParts {
    /// The params that the form says, checked.
    ///
    /// # Errors
    /// What is wrong with each field, the files that were not taken among them.
    pub fn params(&self, definition: &Definition) -> Result<Value, FieldErrors> {
        match form::decode(definition, &self.fields, &self.files) {
            Ok(params) if self.errors.is_empty() => Ok(params),
            Ok(_) => Err(self.errors.clone()),
            // "Choose a file" is not what is wrong with a file that was too large.
            Err(mut errors) => {
                errors.0.extend(self.errors.0.clone());
                Err(errors)
            }
        }
    }

    /// The start that a form in a page asks for.
    ///
    /// # Errors
    /// What is wrong with each field.
    pub fn request(&self, definition: &Definition) -> Result<StartRequest, DeckError> {
        let params = self.params(definition)?;
        Ok(StartRequest {
            params,
            id: self.id,
            label: self.label(definition),
            key: self.key.clone(),
            ..StartRequest::default()
        })
    }

    /// What the task is called: as the form says, else by its kind and its file, so that ten imports can be told apart.
    fn label(&self, definition: &Definition) -> Option<String> {
        let by_file = || {
            let file = self.files.values().next()?;
            let mut label = format!("{}: {}", definition.title, file.name);
            label.truncate(label.floor_char_boundary(MAX_LABEL));
            Some(label)
        };
        self.label.clone().or_else(by_file)
    }

    /// The start that an API form asks for: the JSON of its part `request`, and its files.
    pub(crate) fn into_api_request(self, definition: &Definition) -> Result<StartRequest, DeckError> {
        if !self.errors.is_empty() {
            return Err(self.errors.into());
        }
        let mut request = StartRequest::default();
        for (name, text) in &self.fields {
            if name != REQUEST {
                let reason = format!("the part {name:?} is no file of this kind; params go into `{REQUEST}`");
                return Err(DeckError::BadRequest { reason });
            }
            request = serde_json::from_str(text).map_err(|error| DeckError::BadRequest {
                reason: format!("the part `{REQUEST}` is not a start request: {error}"),
            })?;
        }
        request.label = request.label.or_else(|| self.label(definition));
        if request.params.is_null() {
            request.params = Value::Object(Map::new());
        }
        // Params that are no object are left as they are: the deck refuses them in its own words.
        if let Value::Object(params) = &mut request.params {
            for (name, upload) in self.files {
                let value = serde_json::to_value(upload)
                    .map_err(|error| DeckError::Internal { reason: error.to_string() })?;
                params.insert(name, value);
            }
        }
        Ok(request)
    }
}

/// Reads a form to its end. Without a `definition` the kind is the one that the form's first field, `_kind`, names.
///
/// A file that is not taken (its type, its size, a second one for the same parameter) is read and thrown away and
/// noted in [`FormParts::errors`], so that the rest of what was typed is not lost with it.
///
/// # Errors
/// When the form is malformed or too large, when there is no such kind, and when the actor may not start it.
pub async fn read_form(
    client: &Client,
    definition: Option<&Definition>,
    mut body: Multipart<'_>,
) -> Result<FormParts, DeckError> {
    let mut reader = Reader {
        client,
        definition: definition.map(Cow::Borrowed),
        parts: FormParts::default(),
        text_left: MAX_TEXT,
    };
    let mut count = 0;
    while let Some(field) = body.next_field().await.map_err(|error| reader.broken(error))? {
        count += 1;
        if count > MAX_PARTS {
            return Err(bad_request(format!("the form has more than {MAX_PARTS} parts")));
        }
        reader.take(field).await?;
    }
    Ok(reader.parts)
}

fn bad_request(reason: String) -> DeckError {
    DeckError::BadRequest { reason }
}

struct Reader<'a> {
    client: &'a Client,
    definition: Option<Cow<'a, Definition>>,
    parts: FormParts,
    text_left: usize,
}

impl Reader<'_> {
    async fn take(&mut self, field: Field<'_>) -> Result<(), DeckError> {
        let Some(name) = field.name().map(ToOwned::to_owned) else {
            return Err(bad_request("a part of the form has no name".to_owned()));
        };
        let param = self.definition.as_ref().and_then(|definition| definition.param(&name));
        match param {
            Some(param) if param.kind.is_file() => {
                let param = param.clone();
                self.take_file(field, &param).await
            }
            // Some clients send every part as a file; the request is known by its name.
            None if field.file_name().is_some_and(|file| !file.is_empty()) && name != REQUEST => {
                if self.definition.is_none() {
                    return Err(bad_request("the field `_kind` must come before the files".to_owned()));
                }
                self.parts.errors.add(&name, "There is no such parameter.");
                self.discard(field).await
            }
            _ => self.take_text(field, name).await,
        }
    }

    async fn take_text(&mut self, mut field: Field<'_>, name: String) -> Result<(), DeckError> {
        let limit = if name == REQUEST { MAX_TEXT } else { MAX_FIELD };
        let mut bytes = Vec::new();
        while let Some(chunk) = self.chunk(&mut field).await? {
            let too_large = |what, limit: usize| DeckError::TooLarge { what, max_bytes: limit as u64 };
            if bytes.len() + chunk.len() > limit {
                return Err(too_large(format!("the field {name:?}"), limit));
            }
            self.text_left = self
                .text_left
                .checked_sub(chunk.len())
                .ok_or_else(|| too_large("the form's text".to_owned(), MAX_TEXT))?;
            bytes.extend_from_slice(&chunk);
        }
        let text = String::from_utf8(bytes)
            .map_err(|_| bad_request(format!("the field {name:?} is not UTF-8 text")))?;
        match name.as_str() {
            "_kind" => {
                if self.definition.is_none() {
                    self.definition = Some(Cow::Owned(self.client.kind(&text)?));
                }
                self.parts.kind = Some(text);
            }
            "_id" if text.is_empty() => {}
            "_id" => {
                self.parts.id = Some(text.parse().map_err(|error| bad_request(format!("`_id`: {error}")))?);
            }
            "_key" => self.parts.key = Some(text).filter(|text| !text.is_empty()),
            "_label" => self.parts.label = Some(text).filter(|text| !text.trim().is_empty()),
            _ => self.parts.fields.push((name, text)),
        }
        Ok(())
    }

    async fn take_file(&mut self, mut field: Field<'_>, param: &Param) -> Result<(), DeckError> {
        let file_name = display_name(field.file_name().unwrap_or_default());
        let media_type = field.content_type().map(ToString::to_string).unwrap_or_default();
        let first = self.chunk(&mut field).await?;
        // An empty choice in a form comes as a file without a name and without bytes.
        if file_name.is_empty() && first.is_none() {
            return Ok(());
        }
        let file_name = if file_name.is_empty() { param.name.clone() } else { file_name };
        let fault = match form::check_file(param, &file_name, 0, &media_type) {
            None if self.parts.files.contains_key(&param.name) => Some(form::ONE_FILE.to_owned()),
            fault => fault,
        };
        let stored = match fault {
            Some(fault) => Err(FieldErrors([(param.name.clone(), fault)].into())),
            None => match self.store(&mut field, first, param, &file_name, &media_type).await {
                Err(DeckError::InvalidParams { fields }) => Err(fields),
                // The deck's own limit is as good a reason to choose another file as the parameter's.
                Err(DeckError::TooLarge { max_bytes, .. }) => {
                    let fault =
                        format!("The file is too large: at most {} are taken.", form::bytes(max_bytes));
                    Err(FieldErrors([(param.name.clone(), fault)].into()))
                }
                other => Ok(other?),
            },
        };
        match stored {
            Ok(upload) => {
                self.parts.files.insert(param.name.clone(), upload);
                Ok(())
            }
            Err(errors) => {
                for (name, message) in errors.0 {
                    self.parts.errors.add(&name, message);
                }
                self.discard(field).await
            }
        }
    }

    async fn store(
        &self,
        field: &mut Field<'_>,
        first: Option<Bytes>,
        param: &Param,
        file_name: &str,
        media_type: &str,
    ) -> Result<Upload, DeckError> {
        let Some(definition) = &self.definition else {
            return Err(bad_request("the kind is not known".to_owned()));
        };
        let kind = definition.kind.as_str();
        let mut writer = self.client.upload(kind, &param.name, file_name, media_type).await?;
        let mut next = first;
        while let Some(chunk) = next {
            writer.write(&chunk).await?;
            next = self.chunk(field).await?;
        }
        writer.finish().await
    }

    /// A browser shows an answer only once it could send all it had, so what is not wanted is read all the same.
    async fn discard(&self, mut field: Field<'_>) -> Result<(), DeckError> {
        while self.chunk(&mut field).await?.is_some() {}
        Ok(())
    }

    /// The next bytes, never none of them (multer gives an empty chunk for an empty part).
    async fn chunk(&self, field: &mut Field<'_>) -> Result<Option<Bytes>, DeckError> {
        loop {
            match field.chunk().await.map_err(|error| self.broken(error))? {
                Some(chunk) if chunk.is_empty() => {}
                other => return Ok(other),
            }
        }
    }

    /// The stream ended early, or it was no form, or the guard's limit cut it.
    #[expect(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
    fn broken(&self, error: multer::Error) -> DeckError {
        let mut cause = error.source();
        while let Some(inner) = cause {
            if inner.is::<http_body_util::LengthLimitError>() {
                let max_bytes = self.client.settings().max_upload_bytes;
                return DeckError::TooLarge { what: "the form".to_owned(), max_bytes };
            }
            cause = inner.source();
        }
        bad_request(format!("the form cannot be read: {error}"))
    }
}

/// The last part of a path (old browsers send a whole one), without what would garble a line, and not too long. The
/// extension stays, since it says which type the file is of.
fn display_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let name: String = last.chars().filter(|c| !c.is_control()).collect();
    if name.len() <= MAX_NAME {
        return name;
    }
    let extension = name.rfind('.').map(|dot| &name[dot..]).filter(|end| end.len() <= MAX_EXTENSION);
    let extension = extension.unwrap_or_default();
    let stem = &name[..name.floor_char_boundary(MAX_NAME - extension.len())];
    format!("{stem}{extension}")
}

#[cfg(test)]
mod tests {
    use taskdeck_core::Kind;

    use super::*;

    #[test]
    fn a_name_is_shown_without_its_path() {
        assert_eq!(display_name("C:\\Users\\ann\\flights.csv"), "flights.csv");
        assert_eq!(display_name("../../etc/passwd"), "passwd");
        assert_eq!(display_name("a\r\nb.csv"), "ab.csv");
        assert_eq!(display_name(&"ü".repeat(200)).len(), 254);
        let long = display_name(&format!("{}.csv", "ü".repeat(200)));
        assert!(long.len() <= MAX_NAME && long.ends_with("ü.csv"), "{long}");
    }

    #[test]
    fn a_refused_file_is_told_instead_of_a_missing_one() {
        let mut definition = Definition::new(Kind::new("import").unwrap());
        definition.params = vec![Param::of::<Upload>("file"), Param::of::<Option<Upload>>("more")];
        let mut parts = FormParts::default();
        parts.errors.add("file", "The file is too large.");
        parts.errors.add("more", "Choose a file of type .csv.");
        let errors = parts.params(&definition).unwrap_err();
        assert_eq!(errors.get("file"), Some("The file is too large."));
        assert_eq!(errors.get("more"), Some("Choose a file of type .csv."));
    }
}
