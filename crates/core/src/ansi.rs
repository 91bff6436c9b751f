//! ANSI colours of log lines, as spans with classes. Everything else that a terminal would obey is taken out.
//!
//! The text stays text: a span holds a text node, so what looks like markup is shown and not obeyed.

/// A piece of a line with one look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The classes of its look, joined by spaces; empty for the plain look.
    pub class: String,
    /// The text.
    pub text: String,
}

const COLOURS: [&str; 8] = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"];

/// A colour of the sixteen that every terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Colour {
    index: u8,
    bright: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Look {
    front: Option<Colour>,
    back: Option<Colour>,
    bold: bool,
    dim: bool,
    italic: bool,
    underline: bool,
    inverse: bool,
    strike: bool,
}

impl Look {
    fn class(self) -> String {
        let mut classes: Vec<String> = Vec::new();
        for (colour, ground) in [(self.front, ""), (self.back, "bg-")] {
            if let Some(Colour { index, bright }) = colour {
                let bright = if bright { "bright-" } else { "" };
                classes.push(format!("td-ansi-{ground}{bright}{}", COLOURS[usize::from(index & 7)]));
            }
        }
        let marks = [
            (self.bold, "td-ansi-bold"),
            (self.dim, "td-ansi-dim"),
            (self.italic, "td-ansi-italic"),
            (self.underline, "td-ansi-underline"),
            (self.inverse, "td-ansi-inverse"),
            (self.strike, "td-ansi-strike"),
        ];
        classes.extend(marks.into_iter().filter(|(on, _)| *on).map(|(_, class)| class.to_owned()));
        classes.join(" ")
    }

    /// Takes in the parameters of an SGR sequence.
    fn apply(&mut self, parameters: &str) {
        // `38:5:1` is the same as `38;5;1`; an empty parameter is 0.
        let mut numbers =
            parameters.split([';', ':']).map(|number| if number.is_empty() { Ok(0) } else { number.parse() });
        while let Some(number) = numbers.next() {
            let Ok(number) = number else { continue };
            let colour = |base: u16, bright| Some(Colour { index: (number - base) as u8, bright });
            match number {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.dim = true,
                3 => self.italic = true,
                4 => self.underline = true,
                7 => self.inverse = true,
                9 => self.strike = true,
                22 => (self.bold, self.dim) = (false, false),
                23 => self.italic = false,
                24 => self.underline = false,
                27 => self.inverse = false,
                29 => self.strike = false,
                30..=37 => self.front = colour(30, false),
                39 => self.front = None,
                40..=47 => self.back = colour(40, false),
                49 => self.back = None,
                90..=97 => self.front = colour(90, true),
                100..=107 => self.back = colour(100, true),
                38 | 48 => {
                    let mut next = || numbers.next().and_then(Result::ok).unwrap_or(0);
                    let colour = match next() {
                        5 => from_palette(next()),
                        2 => Some(from_rgb(next(), next(), next())),
                        _ => None,
                    };
                    *(if number == 38 { &mut self.front } else { &mut self.back }) = colour;
                }
                _ => {}
            }
        }
    }
}

/// The nearest of the sixteen to a colour of the 256.
fn from_palette(number: u16) -> Option<Colour> {
    match number {
        0..=7 => Some(Colour { index: number as u8, bright: false }),
        8..=15 => Some(Colour { index: (number - 8) as u8, bright: true }),
        16..=231 => {
            let cube = number - 16;
            let level = |part: u16| part * 51;
            Some(from_rgb(level(cube / 36), level(cube / 6 % 6), level(cube % 6)))
        }
        232..=255 => {
            let grey = (number - 232) * 10 + 8;
            Some(from_rgb(grey, grey, grey))
        }
        _ => None,
    }
}

/// The nearest of the sixteen to a free colour: which of the three parts are strong, and how strong.
fn from_rgb(red: u16, green: u16, blue: u16) -> Colour {
    let most = red.max(green).max(blue);
    if most < 64 {
        return Colour { index: 0, bright: false };
    }
    let strong = |part: u16| u8::from(part * 3 >= most * 2);
    let index = strong(red) | strong(green) << 1 | strong(blue) << 2;
    if index == 7 && most < 160 {
        // A dark grey is bright black, as terminals have it.
        return Colour { index: 0, bright: true };
    }
    Colour { index, bright: most > 210 }
}

/// The spans of a line. Colours and marks become classes; every other control sequence is left out, and a control
/// character that is left (a bell, a backspace) too. A sequence that the line's end cuts off is left out.
///
/// ```
/// let spans = taskdeck_core::ansi::spans("\u{1b}[1;31mno\u{1b}[0m <b>go</b>");
/// assert_eq!(spans[0].class, "td-ansi-red td-ansi-bold");
/// assert_eq!(spans[1].text, " <b>go</b>");
/// ```
#[must_use]
pub fn spans(text: &str) -> Vec<Span> {
    let mut spans: Vec<Span> = Vec::new();
    let mut look = Look::default();
    let mut rest = text;
    while !rest.is_empty() {
        let plain = rest.find(is_control).unwrap_or(rest.len());
        if plain > 0 {
            push(&mut spans, look, &rest[..plain]);
            rest = &rest[plain..];
            continue;
        }
        let mut letters = rest.chars();
        match letters.next() {
            Some('\u{1b}') => {
                let (parameters, after) = escape(letters.as_str());
                if let Some(parameters) = parameters {
                    look.apply(parameters);
                }
                rest = after;
            }
            Some('\u{9b}') => {
                let (parameters, after) = control_sequence(letters.as_str());
                if let Some(parameters) = parameters {
                    look.apply(parameters);
                }
                rest = after;
            }
            _ => rest = letters.as_str(),
        }
    }
    spans
}

/// The text of a line without its colours, as it is copied and downloaded.
#[must_use]
pub fn plain(text: &str) -> String {
    spans(text).into_iter().map(|span| span.text).collect()
}

fn is_control(letter: char) -> bool {
    letter.is_control() && !matches!(letter, '\t' | '\n')
}

fn push(spans: &mut Vec<Span>, look: Look, text: &str) {
    let class = look.class();
    match spans.last_mut() {
        Some(last) if last.class == class => last.text.push_str(text),
        _ => spans.push(Span { class, text: text.to_owned() }),
    }
}

/// What follows an escape character: the parameters, when it is a look (SGR), and the text after the sequence.
fn escape(text: &str) -> (Option<&str>, &str) {
    let mut letters = text.chars();
    match letters.next() {
        Some('[') => control_sequence(letters.as_str()),
        // Strings (titles, links, device control) end with BEL or ESC \; what is inside is not for the reader.
        Some(']' | 'P' | 'X' | '^' | '_') => {
            let inside = letters.as_str();
            let end = inside.find(['\u{7}', '\u{1b}', '\u{9c}']);
            let after = end.map_or("", |end| &inside[end..]);
            let after = after.strip_prefix("\u{1b}\\").or_else(|| after.strip_prefix(['\u{7}', '\u{9c}']));
            // An escape that does not end the string begins the next sequence.
            (None, after.unwrap_or_else(|| end.map_or("", |end| &inside[end..])))
        }
        // A character set: one more character belongs to it.
        Some('(' | ')' | '*' | '+' | '#' | '%' | ' ') => {
            letters.next();
            (None, letters.as_str())
        }
        Some(_) => (None, letters.as_str()),
        None => (None, ""),
    }
}

fn control_sequence(text: &str) -> (Option<&str>, &str) {
    // Parameters and intermediates are 0x20..=0x3F, the final byte 0x40..=0x7E.
    let end = text.find(|letter: char| !(' '..='?').contains(&letter)).unwrap_or(text.len());
    let parameters = &text[..end];
    let mut letters = text[end..].chars();
    match letters.next() {
        Some('m') if parameters.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b';' | b':')) => {
            (Some(parameters), letters.as_str())
        }
        Some('@'..='~') => (None, letters.as_str()),
        // No sequence after all: what was taken for one is dropped, the text goes on.
        _ => (None, &text[end..]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(text: &str) -> Vec<(String, String)> {
        spans(text).into_iter().map(|span| (span.class, span.text)).collect()
    }

    fn pair(class: &str, text: &str) -> (String, String) {
        (class.to_owned(), text.to_owned())
    }

    #[test]
    fn colours_become_classes() {
        assert_eq!(
            look("a\u{1b}[32mb\u{1b}[1mc\u{1b}[0md"),
            [
                pair("", "a"),
                pair("td-ansi-green", "b"),
                pair("td-ansi-green td-ansi-bold", "c"),
                pair("", "d")
            ]
        );
        assert_eq!(look("\u{1b}[97;41mx"), [pair("td-ansi-bright-white td-ansi-bg-red", "x")]);
    }

    #[test]
    fn the_large_palettes_become_the_nearest_of_sixteen() {
        assert_eq!(look("\u{1b}[38;5;196mx"), [pair("td-ansi-bright-red", "x")]);
        assert_eq!(look("\u{1b}[38;2;0;120;0mx"), [pair("td-ansi-green", "x")]);
        assert_eq!(look("\u{1b}[38:5:21mx"), [pair("td-ansi-bright-blue", "x")]);
        assert_eq!(look("\u{1b}[48;5;236mx"), [pair("td-ansi-bg-black", "x")]);
    }

    #[test]
    fn markup_stays_text() {
        let text = "<script>alert(1)</script>&amp;";
        assert_eq!(look(text), [pair("", text)]);
        assert_eq!(look("\u{1b}[31m\"><img src=x>"), [pair("td-ansi-red", "\"><img src=x>")]);
    }

    #[test]
    fn a_class_holds_nothing_that_the_line_chose() {
        for text in ["\u{1b}[31\" onclick=\"x\"m<", "\u{1b}[38;5;99999mx", "\u{1b}[38;5;-1mx", "\u{1b}[<31mx"]
        {
            for span in spans(text) {
                assert!(
                    span.class.bytes().all(|b| b.is_ascii_lowercase() || b == b'-' || b == b' '),
                    "{span:?}"
                );
            }
        }
    }

    #[test]
    fn other_sequences_are_left_out() {
        assert_eq!(plain("a\u{1b}[2Jb\u{1b}[10;20Hc"), "abc");
        assert_eq!(
            plain("\u{1b}]0;title\u{7}x\u{1b}]8;;http://evil/\u{1b}\\link\u{1b}]8;;\u{1b}\\"),
            "xlink"
        );
        assert_eq!(plain("\u{1b}(Bx\u{1b}7y\u{8}\u{7}\r"), "xy");
        assert_eq!(plain("\u{1b}Pdevice\u{1b}\\ok"), "ok");
    }

    #[test]
    fn a_cut_off_sequence_ends_quietly() {
        for text in ["x\u{1b}", "x\u{1b}[", "x\u{1b}[31", "x\u{1b}]0;title", "x\u{1b}[38;5", "x\u{9b}31"] {
            assert_eq!(plain(text), "x", "{text:?}");
        }
        assert_eq!(look("\u{1b}[38;5m!"), [pair("td-ansi-black", "!")]);
    }

    #[test]
    fn any_text_is_taken() {
        // Every pair of what matters to the parser, with a letter of two bytes between.
        let parts =
            ["\u{1b}", "[", "]", "m", "3", ";", ":", "ä", "\u{7}", "\u{9b}", "\u{9c}", "\\", "?", "\u{0}"];
        for a in parts {
            for b in parts {
                for c in parts {
                    let text = format!("{a}{b}{c}ä");
                    assert!(!plain(&text).contains('\u{1b}'), "{text:?}");
                }
            }
        }
    }

    #[test]
    fn a_long_run_of_sequences_makes_no_spans() {
        assert_eq!(spans(&"\u{1b}[31m".repeat(10_000)), []);
    }
}
