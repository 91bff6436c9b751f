//! Names made of names.

/// `import_csv` as a type is called: `ImportCsv`.
pub(crate) fn camel_case(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().into_iter().flat_map(char::to_uppercase).chain(letters)
        })
        .collect()
}

/// A variant's name as a person reads it: `AppendOnly` is "Append only", `SQLDump` is "SQL dump".
pub(crate) fn words(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut words: Vec<String> = Vec::new();
    for (index, &letter) in letters.iter().enumerate() {
        let before = index.checked_sub(1).map(|i| letters[i]);
        let after = letters.get(index + 1);
        let begins = letter.is_uppercase()
            && before.is_none_or(|c| !c.is_uppercase() || after.is_some_and(|c| c.is_lowercase()));
        match words.last_mut() {
            _ if letter == '_' => words.push(String::new()),
            Some(word) if !begins => word.push(letter),
            _ => words.push(letter.into()),
        }
    }
    words.retain(|word| !word.is_empty());
    for word in words.iter_mut().skip(1) {
        let is_acronym = word.chars().count() > 1 && !word.chars().any(char::is_lowercase);
        if !is_acronym {
            *word = word.to_lowercase();
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_s_name_becomes_a_type_s() {
        for (name, expected) in [
            ("import_csv", "ImportCsv"),
            ("step_2_of_3", "Step2Of3"),
            ("a__b_", "AB"),
            ("_", ""),
            ("übung", "Übung"),
        ] {
            assert_eq!(camel_case(name), expected);
        }
    }

    #[test]
    fn a_variant_s_name_becomes_words() {
        for (name, expected) in [
            ("Append", "Append"),
            ("AppendOnly", "Append only"),
            ("SQLDump", "SQL dump"),
            ("DumpAsSQL", "Dump as SQL"),
            ("Utf8Bom", "Utf8 bom"),
            ("PlanB", "Plan b"),
            ("X", "X"),
            ("Left_Right", "Left right"),
        ] {
            assert_eq!(words(name), expected);
        }
    }
}
