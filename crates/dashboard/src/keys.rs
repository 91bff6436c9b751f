//! The keyboard map: which keys do what. Pure, but for [`Keys`].

mod palette;
mod press;
mod switch;

pub(crate) use press::Keys;
pub(crate) use switch::KeySwitch;
pub use switch::{KEYS_COOKIE, SetKeys, set_keys};

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Goes to the search box.
    Search,
    /// Shows the keys.
    Help,
    /// Opens the palette.
    Palette,
    /// Goes to a page, by its path.
    Go(&'static str),
    /// To the next row.
    Down,
    /// To the row before.
    Up,
    /// Chooses the row, or not.
    Select,
    /// Cancels the task.
    Cancel,
    /// Retries the task.
    Retry,
    /// Gives up what is begun: the selection, a menu.
    Escape,
}

/// The keys with what they do, as the help shows them.
pub(crate) const MAP: [(&str, &str); 16] = [
    ("/", "Search"),
    ("Ctrl K", "Go to a page, start a kind, find a task"),
    ("?", "Show these keys"),
    ("g o", "Overview"),
    ("g t", "Tasks"),
    ("g n", "Start a task"),
    ("g q", "Queues"),
    ("g c", "Schedules"),
    ("g w", "Workers"),
    ("g i", "Notifications"),
    ("g s", "Settings"),
    ("j / k", "Next row, row before"),
    ("Enter", "Open the row"),
    ("x", "Select the row"),
    ("c / r", "Cancel, retry the task"),
    ("Esc", "Clear the selection, close what is open"),
];

/// A key that was pressed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Press<'a> {
    /// Its name, as the browser tells it.
    pub(crate) key: &'a str,
    /// Whether Ctrl, or ⌘ on a Mac, was held.
    pub(crate) ctrl: bool,
    /// Whether Alt was held.
    pub(crate) alt: bool,
    /// Whether somebody types into a field.
    pub(crate) typing: bool,
    /// Whether letters and signs do something: who dictates, or touches keys unawares, switches them off.
    pub(crate) signs: bool,
}

/// What a key does after the one before it (`g`, if that was it), and whether it is itself the first of two.
pub(crate) fn command(press: Press<'_>, after_g: bool) -> (Option<Command>, bool) {
    let Press { key, ctrl, alt, typing, signs } = press;
    if ctrl && !alt && key.eq_ignore_ascii_case("k") {
        return (Some(Command::Palette), false);
    }
    // A field keeps its keys, and so does the browser.
    if ctrl || alt || typing {
        return (None, false);
    }
    if key == "Escape" {
        return (Some(Command::Escape), false);
    }
    if !signs {
        return (None, false);
    }
    if after_g {
        let page = match key {
            "o" => "/",
            "t" => "/tasks",
            "n" => "/start",
            "q" => "/queues",
            "c" => "/schedules",
            "w" => "/workers",
            "i" => "/inbox",
            "s" => "/settings",
            _ => return (None, false),
        };
        return (Some(Command::Go(page)), false);
    }
    let command = match key {
        "g" => return (None, true),
        "/" => Command::Search,
        "?" => Command::Help,
        "j" => Command::Down,
        "k" => Command::Up,
        "x" => Command::Select,
        "c" => Command::Cancel,
        "r" => Command::Retry,
        _ => return (None, false),
    };
    (Some(command), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(key: &str) -> Press<'_> {
        Press { key, ctrl: false, alt: false, typing: false, signs: true }
    }

    #[test]
    fn a_key_does_one_thing() {
        assert_eq!(command(plain("/"), false), (Some(Command::Search), false));
        assert_eq!(command(plain("j"), false), (Some(Command::Down), false));
        assert_eq!(command(plain("z"), false), (None, false));
    }

    #[test]
    fn g_and_a_letter_go_to_a_page() {
        assert_eq!(command(plain("g"), false), (None, true));
        assert_eq!(command(plain("t"), true), (Some(Command::Go("/tasks")), false));
        assert_eq!(command(plain("x"), true), (None, false), "the second key is not taken for one alone");
    }

    #[test]
    fn who_types_is_left_alone_but_for_the_palette() {
        for key in ["/", "?", "j", "x", "c", "r", "g"] {
            assert_eq!(command(Press { typing: true, ..plain(key) }, false), (None, false), "{key}");
            assert_eq!(command(Press { ctrl: true, ..plain(key) }, false), (None, false), "{key}");
            assert_eq!(command(Press { alt: true, ..plain(key) }, false), (None, false), "{key}");
        }
        let palette = Press { typing: true, ctrl: true, ..plain("k") };
        assert_eq!(command(palette, false), (Some(Command::Palette), false));
    }

    #[test]
    fn where_signs_are_switched_off_only_what_is_no_sign_does_something() {
        let off = |key| Press { signs: false, ..plain(key) };
        for key in ["/", "?", "j", "x", "c", "r", "g"] {
            assert_eq!(command(off(key), false), (None, false), "{key}");
        }
        assert_eq!(command(off("t"), true), (None, false));
        assert_eq!(command(off("Escape"), false), (Some(Command::Escape), false));
        assert_eq!(command(Press { ctrl: true, ..off("k") }, false), (Some(Command::Palette), false));
    }

    #[test]
    fn every_page_of_the_map_is_gone_to() {
        for (keys, _) in MAP.iter().filter(|(keys, _)| keys.starts_with("g ")) {
            let second = keys.trim_start_matches("g ");
            assert!(matches!(command(plain(second), true).0, Some(Command::Go(_))), "{keys}");
        }
    }
}
