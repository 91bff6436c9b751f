//! What the page of a kind's form shows, made in one go: of the kind, of the task that is started again, and of what the
//! page's address fills in.

use std::collections::BTreeMap;

use taskdeck_core::{DeckError, Definition, FieldErrors, ListQuery, StartPage, TaskId, form};
use taskdeck_engine::Client;

/// How many tasks of the kind are shown beside its form.
const RECENT: u32 = 5;

/// The page of the kind of this name. `named` is what the address says: values by field, and the task that is started once
/// more (`from`) or tried again (`retry`).
pub(crate) async fn start_page(
    client: &Client,
    kind: &str,
    named: Vec<(String, String)>,
) -> Result<StartPage, DeckError> {
    let task = |field: &str| {
        let (_, text) = named.iter().find(|(name, _)| name == field)?;
        text.parse::<TaskId>().ok()
    };
    let retry = task("retry");
    let (from, retries) = (retry.or_else(|| task("from")), retry.is_some());
    let mut definition = client.kind(kind)?;
    let query =
        ListQuery { kind: Some(definition.kind.clone()), limit: Some(RECENT), ..ListQuery::default() };
    // The form is what one came for: what stands beside it may be missing.
    let recent = client.list(&query).await.map(|page| page.tasks).unwrap_or_default();
    let detail = match from {
        Some(id) if retries => Some(client.detail(id).await?),
        // The form alone starts one just as well.
        Some(id) => client.detail(id).await.ok(),
        None => None,
    };
    let again = detail.as_ref().map(|detail| form::prefill(&definition, &detail.params));
    if retries {
        definition = form::with_secrets_kept(definition);
    }
    let is_again = again.is_some();
    let initial = begins_with(again.unwrap_or_default(), fitting(&definition, named));
    let faults = faults_of(&definition, &initial);
    let retried = detail.map(|detail| detail.task).filter(|_| retries);
    Ok(StartPage { definition, recent, initial, faults, again: is_again, retried })
}

/// What the address may fill in: the fields that it names. Not files, and no secrets, which must not be in an address.
fn fitting(definition: &Definition, named: Vec<(String, String)>) -> Vec<(String, String)> {
    let fits = |(name, _): &(String, String)| {
        let param = definition.param(name);
        param.is_some_and(|param| !param.kind.is_file() && !param.kind.is_secret())
    };
    named.into_iter().filter(fits).collect()
}

/// What the form begins with: the task that is started again, but for what the address says.
fn begins_with(mut fields: Vec<(String, String)>, named: Vec<(String, String)>) -> Vec<(String, String)> {
    fields.retain(|(name, _)| !named.iter().any(|(other, _)| other == name));
    fields.extend(named);
    fields
}

/// What is wrong with what is filled in; what is not is the reader's to do.
fn faults_of(definition: &Definition, fields: &[(String, String)]) -> FieldErrors {
    let mut faults = form::decode(definition, fields, &BTreeMap::new()).err().unwrap_or_default();
    let is_text = |name: &String| {
        let param = definition.param(name);
        param.is_some_and(|param| !param.kind.is_file() && form::typed(param, fields).is_some())
    };
    faults.0.retain(|name, _| is_text(name));
    faults
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use taskdeck_core::{Kind, Param, Secret, Upload};

    use super::*;

    fn owned(fields: &[(&str, &str)]) -> Vec<(String, String)> {
        fields.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    fn definition() -> Definition {
        let mut definition = Definition::new(Kind::new("import_csv").unwrap());
        definition.params = vec![
            Param::of::<Upload>("file"),
            Param::of::<Secret>("key"),
            Param::of::<bool>("header"),
            Param::of::<Vec<String>>("tables"),
            Param::of::<u8>("level"),
        ];
        definition
    }

    #[test]
    fn the_address_fills_in_fields_but_no_files_and_secrets() {
        let definition = definition();
        let said = owned(&[("file", "x"), ("key", "x"), ("tables", "a"), ("tables", "b"), ("other", "x")]);
        let named = fitting(&definition, said);
        assert_eq!(named, owned(&[("tables", "a"), ("tables", "b")]));
        let params = json!({"file": {"id": "x"}, "header": true, "tables": ["c"], "key": "••••••••"});
        let again = form::prefill(&definition, &params);
        let kept = ("file:kept", r#"{"id":"x"}"#);
        let both = owned(&[("header", "true"), kept, ("tables", "a"), ("tables", "b")]);
        assert_eq!(begins_with(again, named), both);
    }

    #[test]
    fn only_what_is_filled_in_can_be_wrong_already() {
        let faults = faults_of(&definition(), &owned(&[("level", "300")]));
        assert_eq!(faults.0, BTreeMap::from([("level".to_owned(), "Enter at most 255.".to_owned())]));
        assert!(faults_of(&definition(), &[]).is_empty());
    }
}
