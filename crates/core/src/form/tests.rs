use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::{Choice, Definition, FieldErrors, FileId, Kind, Param, ParamKind, Upload};

fn definition(params: Vec<Param>) -> Definition {
    Definition { params, ..Definition::new(Kind::new("sample").unwrap()) }
}

fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

fn decode_with(params: Vec<Param>, pairs: &[(&str, &str)]) -> Result<Value, FieldErrors> {
    decode(&definition(params), &fields(pairs), &BTreeMap::new())
}

#[test]
fn encoded_params_are_decoded_to_the_same() {
    let mut definition = Definition::new(crate::Kind::new("all").unwrap());
    definition.params = vec![
        Param::of::<String>("text"),
        Param::of::<i64>("number"),
        Param::of::<f64>("ratio"),
        Param::of::<bool>("on"),
        Param::of::<Option<String>>("none"),
        Param::new("json", ParamKind::Json),
    ];
    let params = serde_json::json!(
        {"text": "a\nb", "number": i64::MIN, "ratio": 0.1, "on": false, "none": null, "json": "a text"}
    );
    let fields = encode(&definition, &params);
    let mut expected = params;
    expected.as_object_mut().unwrap().remove("none");
    assert_eq!(decode(&definition, &fields, &BTreeMap::new()).unwrap(), expected);
}

#[test]
fn an_absent_checkbox_is_off_even_when_the_default_is_on() {
    let params = vec![Param::of::<bool>("header").default_of(true)];
    assert_eq!(decode_with(params.clone(), &[]), Ok(json!({"header": false})));
    assert_eq!(
        decode_with(params.clone(), &[("header", "off"), ("header", "on")]),
        Ok(json!({"header": true}))
    );
    assert_eq!(validate(&definition(params), json!({})), Ok(json!({"header": true})), "the API has defaults");
}

#[test]
fn every_fault_is_told_by_its_field() {
    let params = vec![
        Param::of::<String>("name").min_len(3),
        Param::of::<u8>("times"),
        Param::of::<f64>("share").max(1.0),
        Param::of::<Upload>("file"),
    ];
    let errors = decode_with(params, &[("name", "ab"), ("times", "300"), ("share", "2")]).unwrap_err();
    assert_eq!(errors.get("name"), Some("Enter at least 3 characters."));
    assert_eq!(errors.get("times"), Some("Enter at most 255."));
    assert_eq!(errors.get("share"), Some("Enter at most 1."));
    assert_eq!(errors.get("file"), Some("Choose a file."));
}

#[test]
fn big_numbers_stay_intact() {
    let params = vec![Param::of::<u64>("big"), Param::of::<i64>("low")];
    let texts = [("big", "18446744073709551615"), ("low", "-9223372036854775808")];
    assert_eq!(decode_with(params, &texts), Ok(json!({"big": u64::MAX, "low": i64::MIN})));
}

#[test]
fn a_pattern_must_match_the_whole_text() {
    let param = Param::of::<String>("table").pattern("[a-z]+|[0-9]+");
    assert_eq!(check_field(&param, "abc"), None);
    assert!(check_field(&param, "abc1").is_some());
}

#[test]
fn unknown_params_and_choices_are_refused() {
    let options = vec![Choice { value: "sql".to_owned(), title: "SQL".to_owned() }];
    let definition = definition(vec![Param::new("format", ParamKind::Choice { options })]);
    let errors = validate(&definition, json!({"format": "zip", "level": 3})).unwrap_err();
    assert_eq!(errors.get("format"), Some("Choose one of: sql."));
    assert_eq!(errors.get("level"), Some("There is no such parameter."));
}

#[test]
fn a_file_is_checked_by_ending_and_size() {
    let param = Param::of::<Upload>("file").accept(".csv").max_bytes(1_000_000);
    assert_eq!(check_file(&param, "Flights.CSV", 10, ""), None);
    assert_eq!(check_file(&param, "a.txt", 10, ""), Some("Choose a file of type .csv.".to_owned()));
    let too_large = "The file is too large: 31.1 MB; at most 1.0 MB are taken.";
    assert_eq!(check_file(&param, "a.csv", 31_100_000, ""), Some(too_large.to_owned()));
    let upload = Upload {
        id: FileId::from_parts(crate::Timestamp::from_millis(0), [0; 10]),
        name: "a.csv".to_owned(),
        size: 5,
        media_type: String::new(),
    };
    assert!(validate(&definition(vec![param]), json!({"file": upload})).is_ok());
}

#[test]
fn nothing_is_no_value_where_none_is_needed() {
    let params = vec![Param::of::<Option<String>>("note"), Param::of::<Option<u8>>("level")];
    assert_eq!(decode_with(params, &[("note", ""), ("level", " ")]), Ok(json!({})));
}

fn options(values: &[&str]) -> Vec<Choice> {
    values.iter().map(|value| Choice { value: (*value).to_owned(), title: value.to_uppercase() }).collect()
}

#[test]
fn several_are_chosen_by_fields_of_one_name_or_of_names_that_differ() {
    let param =
        Param::new("parts", ParamKind::list(ParamKind::Choice { options: options(&["a", "b", "c"]) }));
    let same = [("parts", "a"), ("parts", "c"), ("parts", "a")];
    assert_eq!(decode_with(vec![param.clone()], &same), Ok(json!({"parts": ["a", "c"]})));
    let apart = [("parts:a", "on"), ("parts:b", ""), ("parts:c", "on")];
    assert_eq!(decode_with(vec![param.clone()], &apart), Ok(json!({"parts": ["a", "c"]})));
    assert_eq!(decode_with(vec![param.clone()], &[]), Ok(json!({"parts": []})));
    let some = param.clone().min_items(1).max_items(2);
    let said =
        |pairs: &[(&str, &str)]| decode_with(vec![some.clone()], pairs).unwrap_err().0["parts"].clone();
    assert_eq!(said(&[]), "Choose at least 1.");
    assert_eq!(said(&[("parts", "a"), ("parts", "b"), ("parts", "c")]), "Choose at most 2; these are 3.");
    assert_eq!(said(&[("parts", "d")]), "Choose some of: a, b, c.");
    let twice = validate(&definition(vec![param.clone()]), json!({"parts": ["a", "a"]})).unwrap_err();
    assert_eq!(twice.get("parts"), Some("Each can be chosen once."));
    let optional = Param { required: false, ..param };
    assert_eq!(decode_with(vec![optional], &[]), Ok(json!({})), "nothing was said");
}

#[test]
fn what_was_typed_is_found_under_either_name() {
    let choices = ParamKind::list(ParamKind::Choice { options: options(&["a", "b"]) });
    let param = Param::new("params[parts]", choices);
    assert_eq!(choice_name("params[parts]", "b"), "params[parts:b]");
    let pairs = fields(&[("params[parts:b]", "on"), ("params[other]", "x"), ("params[parts]", "a")]);
    assert_eq!(typed(&param, &pairs).as_deref(), Some("b\na"));
    assert_eq!(typed(&Param::new("params[none]", ParamKind::text()), &pairs), None);
    let twice = fields(&[("on", "off"), ("on", "on")]);
    assert_eq!(typed(&Param::of::<bool>("on"), &twice).as_deref(), Some("on"));
}

#[test]
fn a_list_is_typed_one_a_line_and_its_faults_name_the_entry() {
    let ports = Param::of::<Vec<u16>>("ports").min(1.0).max_items(3);
    assert_eq!(ports.faults, Vec::<String>::new());
    let typed = |text: &str| decode_with(vec![ports.clone()], &[("ports", text)]);
    assert_eq!(typed(" 80\r\n\n443 \n"), Ok(json!({"ports": [80, 443]})));
    assert_eq!(typed(""), Ok(json!({"ports": []})));
    let said = |text: &str| typed(text).unwrap_err().0["ports"].clone();
    assert_eq!(said("80\nhttps"), "Entry 2: Enter a whole number.");
    assert_eq!(said("80\n0"), "Entry 2: Enter at least 1.");
    assert_eq!(said("a\n1\nb\n0"), "Entry 1: Enter a whole number. Entry 3: Enter a whole number.");
    assert_eq!(
        said("a\nb\nc\nd\n5\ne"),
        "Entry 1: Enter a whole number. Entry 2: Enter a whole number. Entry 3: Enter a whole number. 2 more are wrong."
    );
    assert_eq!(said("1\n2\n3\n4"), "Enter at most 3; these are 4.");
    let emptied = ports.clone().default_of(vec![80_u16]);
    assert_eq!(
        decode_with(vec![emptied], &[("ports", "")]),
        Ok(json!({"ports": []})),
        "no ports are a value"
    );
    let refused = Param::of::<Vec<bool>>("flags").faults;
    assert_eq!(refused, ["flags: a list holds text, numbers or points in time, not a boolean"]);
}

#[test]
fn a_point_in_time_is_kept_in_utc() {
    let param = Param::of::<crate::Timestamp>("at");
    for text in ["2026-01-31T08:00", "2026-01-31T08:00:00", " 2026-01-31T09:00:00+01:00 "] {
        let at = decode_with(vec![param.clone()], &[("at", text)]);
        assert_eq!(at, Ok(json!({"at": "2026-01-31T08:00:00.000Z"})), "{text}");
    }
    let faults = decode_with(vec![param], &[("at", "soon")]).unwrap_err();
    assert_eq!(faults.get("at"), Some("Enter a date and time such as 2026-01-31T08:00, in UTC."));
}

#[test]
fn a_secret_is_stored_under_its_mark_and_never_filled_in() {
    let param = Param::of::<crate::Secret>("key").min_len(4);
    let stored = json!({"key": {"$secret": " s3cret"}});
    assert_eq!(decode_with(vec![param.clone()], &[("key", " s3cret")]), Ok(stored.clone()));
    let definition = definition(vec![param.clone(), Param::of::<String>("user")]);
    assert_eq!(validate(&definition, json!({"key": " s3cret", "user": "a"})).unwrap()["key"], stored["key"]);
    let of_api = validate(&definition, json!({"key": stored["key"], "user": "a"})).unwrap();
    assert_eq!(of_api["key"], stored["key"]);
    assert_eq!(prefill(&definition, &of_api), [("user".to_owned(), "a".to_owned())]);
    assert_eq!(encode(&definition, &of_api)[0], ("key".to_owned(), " s3cret".to_owned()));
    assert_eq!(check_field(&param, "abc").as_deref(), Some("Enter at least 4 characters."));
    let masked = check_field(&param, crate::SECRET_MASK);
    assert_eq!(masked.as_deref(), Some("Enter it again: what was entered before is not shown."));
    assert!(!Param::of::<crate::Secret>("key").default_of("x").faults.is_empty());
}

#[test]
fn a_form_of_a_task_that_is_there_keeps_the_secrets_that_nobody_enters() {
    let secret = Param::of::<crate::Secret>("key").help("To the shop.");
    let all =
        definition(vec![secret, Param::of::<Option<crate::Secret>>("more"), Param::of::<String>("user")]);
    let shown = with_secrets_kept(all.clone());
    assert_eq!(shown.params[0].help, "To the shop. Stays as it is unless you enter another.");
    let fields =
        |key: &str| [("key", key), ("more", ""), ("user", "b")].map(|(n, t)| (n.to_owned(), t.to_owned()));
    let before = json!({"key": crate::SECRET_MASK, "user": "a"});
    let mut params = decode(&shown, &fields(""), &BTreeMap::new()).unwrap();
    keep_typed_secrets(&all, &mut params, &before);
    assert_eq!(params, json!({"key": crate::SECRET_MASK, "user": "b"}));
    let mut params = decode(&shown, &fields("new"), &BTreeMap::new()).unwrap();
    keep_typed_secrets(&all, &mut params, &before);
    assert_eq!(params, json!({"key": {"$secret": "new"}, "user": "b"}));
}

#[test]
fn a_pattern_is_told_in_its_own_words() {
    let param = Param::of::<String>("region").pattern("[a-z]{2}-[a-z]+-[0-9]");
    assert_eq!(
        check_field(&param, "x").as_deref(),
        Some("This must match the pattern [a-z]{2}-[a-z]+-[0-9].")
    );
    let told = param.pattern_help("Enter a region such as eu-west-1.");
    assert_eq!(check_field(&told, "x").as_deref(), Some("Enter a region such as eu-west-1."));
    assert_eq!(check_field(&told, "eu-west-1"), None);
}

#[test]
fn what_a_field_shows_says_the_same_again() {
    let options = options(&["a", "b"]);
    let mut all = definition(vec![
        Param::new("parts", ParamKind::list(ParamKind::Choice { options })),
        Param::of::<Vec<String>>("names"),
        Param::of::<crate::Timestamp>("at"),
        Param::of::<crate::Secret>("key"),
        Param::new("json", ParamKind::Json),
    ]);
    let params = json!({"parts": ["b", "a"], "names": ["x", "y z"], "at": "2026-01-31T08:00:00.000Z",
        "key": {"$secret": "k"}, "json": {"a": [1]}});
    assert_eq!(decode(&all, &encode(&all, &params), &BTreeMap::new()).as_ref(), Ok(&params));
    all.params.retain(|param| param.kind.is_many());
    let shown: Vec<_> = all.params.iter().map(|param| field_value(param, &params[&param.name])).collect();
    assert_eq!(shown, ["b\na", "x\ny z"]);
}
