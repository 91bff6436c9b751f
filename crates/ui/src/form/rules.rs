//! The checks of a form: the server's own code, on what the browser holds.

use std::collections::BTreeMap;

use taskdeck_core::{Definition, FieldErrors, FileId, Kind, Param, ParamKind, Timestamp, Upload, form};
use wasm_bindgen::JsCast;
use web_sys::{File, FormData};

use super::check::{CONFIRM, UNCONFIRMED};

/// What is wrong with a whole form.
pub(super) fn whole(definition: &Definition, data: &FormData) -> FieldErrors {
    let mut fields = Vec::new();
    let mut files = BTreeMap::new();
    for param in &definition.params {
        let value = data.get(&param.name);
        if param.kind.is_file() {
            if let Some(file) = value.dyn_ref::<File>().and_then(upload_of) {
                files.insert(param.name.clone(), file);
            }
            let kept = form::kept_name(&param.name);
            fields.extend(data.get(&kept).as_string().map(|text| (kept, text)));
        } else {
            let all = data.get_all(&param.name);
            let texts = all.iter().filter_map(|text| text.as_string());
            fields.extend(texts.map(|text| (param.name.clone(), text)));
            if let ParamKind::MultiChoice { options, .. } = &param.kind {
                // Where the form is read as a map each option has a name of its own.
                let names = options.iter().map(|option| form::choice_name(&param.name, &option.value));
                fields.extend(names.filter(|name| data.has(name)).map(|name| (name, "on".to_owned())));
            }
        }
    }
    let mut errors = form::decode(definition, &fields, &files).err().unwrap_or_default();
    if definition.danger.is_some() && !data.has(CONFIRM) {
        errors.add(CONFIRM, UNCONFIRMED);
    }
    errors
}

/// What is wrong with one text field; where several can be chosen, `text` has those that are, one a line.
pub(super) fn text(param: &Param, text: &str) -> Option<String> {
    let field = |text: &str| (param.name.clone(), text.to_owned());
    let fields: Vec<_> = match param.kind {
        ParamKind::MultiChoice { .. } => text.lines().map(field).collect(),
        _ => vec![field(text)],
    };
    one(param, &fields, &BTreeMap::new())
}

/// What is wrong with one file field, where `kept` is what it keeps when none is chosen.
pub(super) fn file(param: &Param, file: Option<&File>, kept: Option<&str>) -> Option<String> {
    let mut files = BTreeMap::new();
    files.extend(file.and_then(upload_of).map(|file| (param.name.clone(), file)));
    let kept = kept.map(|text| (form::kept_name(&param.name), text.to_owned()));
    one(param, kept.as_slice(), &files)
}

/// The same decision for one field as for the whole form.
fn one(param: &Param, fields: &[(String, String)], files: &BTreeMap<String, Upload>) -> Option<String> {
    // The kind's name plays no part.
    let alone = Definition { params: vec![param.clone()], ..Definition::new(Kind::new("field").ok()?) };
    form::decode(&alone, fields, files).err().and_then(|mut errors| errors.0.remove(&param.name))
}

/// A chosen file as the server will know it; an empty choice is none.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of bytes")]
fn upload_of(file: &File) -> Option<Upload> {
    let (name, size) = (file.name(), file.size() as u64);
    (!name.is_empty() || size > 0).then(|| Upload {
        id: FileId::from_parts(Timestamp::default(), [0; 10]),
        name,
        size,
        media_type: file.type_(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_checked_as_the_whole_form_is() {
        let times = Param::of::<u8>("times").default_of(1);
        assert_eq!(text(&times, "3"), None);
        assert_eq!(text(&times, "300").as_deref(), Some("Enter at most 255."));
        assert_eq!(text(&times, "").as_deref(), Some("Enter a value."), "an emptied default is no value");
        assert_eq!(text(&Param::of::<Option<u8>>("level"), ""), None);
        assert_eq!(file(&Param::of::<Upload>("file"), None, None).as_deref(), Some("Choose a file."));
        let ports = Param::of::<Vec<u16>>("params[ports]").min_items(1);
        assert_eq!(text(&ports, "80\nhttps").as_deref(), Some("Entry 2: Enter a whole number."));
        assert_eq!(text(&ports, "").as_deref(), Some("Enter at least 1."));
    }
}
