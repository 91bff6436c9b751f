//! `#[derive(Choices)]`: titles from doc comments or names, values from serde.
#![deny(warnings)]

use serde::{Deserialize, Serialize};
use serde_json::json;
use taskdeck::{Choice, Choices, Param, ParamKind};

fn pairs(choices: Vec<Choice>) -> Vec<(String, String)> {
    choices.into_iter().map(|choice| (choice.value, choice.title)).collect()
}

fn expected(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(value, title)| ((*value).to_owned(), (*title).to_owned())).collect()
}

#[derive(Clone, Copy, Serialize, Deserialize, Choices)]
enum Plain {
    AppendOnly,
    SQLDump,
    /// A tape archive.
    ///
    /// With everything.
    Tar,
}

#[test]
fn a_title_comes_from_the_doc_comment_or_the_name() {
    assert_eq!(
        pairs(Plain::choices()),
        expected(&[("AppendOnly", "Append only"), ("SQLDump", "SQL dump"), ("Tar", "A tape archive")])
    );
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, Choices)]
#[serde(rename_all = "kebab-case")]
enum Renamed {
    DayByDay,
    #[serde(rename = "w")]
    Weekly,
    #[serde(skip)]
    Never,
    r#Yearly,
}

#[test]
fn the_values_are_what_serde_writes_and_reads() {
    let choices = Renamed::choices();
    assert_eq!(
        pairs(choices.clone()),
        expected(&[("day-by-day", "Day by day"), ("w", "Weekly"), ("yearly", "Yearly")])
    );
    let read = |choice: Choice| serde_json::from_value::<Renamed>(json!(choice.value)).unwrap();
    let read: Vec<_> = choices.into_iter().map(read).collect();
    assert_eq!(read, [Renamed::DayByDay, Renamed::Weekly, Renamed::Yearly]);
}

#[test]
fn an_enum_of_choices_is_a_param_s_type() {
    let param = Param::of::<Option<Plain>>("format");
    assert!(!param.required);
    assert_eq!(param.kind, ParamKind::Choice { options: Plain::choices() });
}

mod elsewhere {
    pub(crate) use taskdeck as tasks;
}

#[derive(Serialize, Choices)]
#[serde(untagged)]
#[choices(crate = crate::elsewhere::tasks)]
enum Untagged {
    Nothing,
}

#[test]
#[should_panic(expected = "cannot be choices: serde writes \"Nothing\" as null, and an option must be text")]
fn options_that_are_no_text_are_refused() {
    Untagged::choices();
}
