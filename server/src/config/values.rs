//! From text to the value of a setting.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use taskdeck::Durability;
use taskdeck::LogLevel;

use super::server::Store;

/// Why a text is no value of its setting.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It is not among what is allowed.
    Allowed(&'static str),
    /// It is understood, but cannot be done. The text is not repeated: it may hold a password.
    Refused(&'static str),
}

type Parsed<T> = Result<T, Fault>;

pub(crate) fn count(text: &str) -> Parsed<usize> {
    match text.trim().parse() {
        Ok(number @ 1..=1_000_000) => Ok(number),
        _ => Err(Fault::Allowed("a whole number from 1 to 1000000")),
    }
}

pub(crate) fn connections(text: &str) -> Parsed<usize> {
    match text.trim().parse() {
        Ok(number @ 3..=1_000) => Ok(number),
        _ => Err(Fault::Allowed("a whole number from 3 to 1000")),
    }
}

pub(crate) fn duration(text: &str) -> Parsed<Duration> {
    taskdeck::axum::parse_duration(text)
        .ok()
        .filter(|duration| !duration.is_zero())
        .ok_or(Fault::Allowed("a length of time such as 500ms, 30s, 5m or 1h"))
}

pub(crate) fn days(text: &str) -> Parsed<Duration> {
    const DAY: f64 = 24.0 * 3600.0;
    match text.trim().parse::<f64>() {
        Ok(days) if days > 0.0 && days <= 36_500.0 => Ok(Duration::from_secs_f64(days * DAY)),
        _ => Err(Fault::Allowed("a number of days above 0, up to 36500")),
    }
}

pub(crate) fn switch(text: &str) -> Parsed<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Ok(true),
        "false" | "0" | "no" | "off" => Ok(false),
        _ => Err(Fault::Allowed("true or false")),
    }
}

pub(crate) fn durability(text: &str) -> Parsed<Durability> {
    match text.trim().to_ascii_lowercase().as_str() {
        "full" => Ok(Durability::Full),
        "normal" => Ok(Durability::Normal),
        _ => Err(Fault::Allowed("full or normal")),
    }
}

pub(crate) fn log_level(text: &str) -> Parsed<LogLevel> {
    let levels = [LogLevel::Trace, LogLevel::Debug, LogLevel::Info, LogLevel::Warn, LogLevel::Error];
    let wanted = text.trim().to_ascii_lowercase();
    levels
        .into_iter()
        .find(|level| level.name() == wanted)
        .ok_or(Fault::Allowed("trace, debug, info, warn or error"))
}

/// A number of bytes: plain, or with kB, MB, GB, TB (1,000) or KiB, MiB, GiB, TiB (1,024).
pub(crate) fn size(text: &str) -> Parsed<u64> {
    const FAULT: Fault = Fault::Allowed("a size above 0 such as 500MB, 2GB or 2GiB");
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" => 1_000,
        "m" | "mb" => 1_000_000,
        "g" | "gb" => 1_000_000_000,
        "t" | "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(FAULT),
    };
    let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    bytes.filter(|bytes| *bytes > 0).ok_or(FAULT)
}

pub(crate) fn store(text: &str) -> Parsed<Store> {
    let text = text.trim();
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        if cfg!(feature = "postgres") {
            return Ok(Store::Postgres(text.to_owned()));
        }
        return Err(Fault::Refused("this build has no PostgreSQL store; use sqlite:PATH"));
    }
    let path = text.strip_prefix("sqlite:").unwrap_or_default();
    match path.strip_prefix("//").unwrap_or(path) {
        ":memory:" => Ok(Store::Memory),
        "" => Err(Fault::Allowed(
            "sqlite:PATH, postgres://USER@HOST/DATABASE, or sqlite::memory: for one that ends with the process",
        )),
        path => Ok(Store::Sqlite(PathBuf::from(path))),
    }
}

/// A path to be mounted at: segments of letters, digits, `-`, `_` and `.`; a slash alone is none.
pub(crate) fn base(text: &str) -> Parsed<String> {
    const ALLOWED: Fault = Fault::Allowed("a path such as /deck or /tools/deck");
    let path = text.trim().trim_end_matches('/');
    let is_plain = |segment: &str| {
        let plain = |letter: u8| letter.is_ascii_alphanumeric() || b"-_.".contains(&letter);
        !segment.is_empty() && !segment.starts_with('.') && segment.bytes().all(plain)
    };
    match path.strip_prefix('/') {
        None if path.is_empty() => Ok(String::new()),
        Some(segments) if segments.split('/').all(is_plain) => Ok(path.to_owned()),
        _ => Err(ALLOWED),
    }
}

/// Origins, with a comma between: a scheme, a host, and a port where it is not the usual one. No wildcard: whoever may
/// show widgets is named.
pub(crate) fn origins(text: &str) -> Parsed<Vec<String>> {
    const ALLOWED: Fault = Fault::Allowed("origins such as https://shop.example,http://localhost:8080");
    let origin = |text: &str| {
        let text = text.trim().to_ascii_lowercase();
        let uri: http::Uri = text.parse().ok()?;
        let is_web = matches!(uri.scheme_str(), Some("http" | "https"));
        let authority = uri.authority()?.as_str();
        // As a browser writes it: nothing after the port, and no port where it is the usual one.
        let plain = text == format!("{}://{authority}", uri.scheme_str()?) && !authority.contains(['@', '*']);
        let usual = matches!(
            (uri.scheme_str(), uri.port_u16()),
            (Some("http"), Some(80)) | (Some("https"), Some(443))
        );
        (is_web && plain && !usual).then_some(text)
    };
    text.split(',').map(|text| origin(text).ok_or(ALLOWED)).collect()
}

pub(crate) fn path(text: &str) -> Parsed<PathBuf> {
    Ok(PathBuf::from(text))
}

/// Where to listen: loopback only. Whoever reaches the port may do everything, so the port must not be reached.
pub(crate) fn bind(text: &str) -> Parsed<SocketAddr> {
    const ALLOWED: Fault = Fault::Allowed("a loopback address with a port, such as 127.0.0.1:3000");
    let text = text.trim();
    let address = match text.strip_prefix("localhost:") {
        Some(port) => SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.parse().map_err(|_| ALLOWED)?),
        None => text.parse().map_err(|_| ALLOWED)?,
    };
    if address.ip() != IpAddr::V4(Ipv4Addr::LOCALHOST)
        && address.ip() != IpAddr::from([0, 0, 0, 0, 0, 0, 0, 1])
    {
        return Err(Fault::Refused(
            "sign-in is not there yet, so anybody who reaches this address could do everything; \
             use 127.0.0.1:PORT or [::1]:PORT",
        ));
    }
    Ok(address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read() {
        let sizes =
            [("1", 1), ("500MB", 500_000_000), ("2 GB", 2_000_000_000), ("2gib", 2 << 30), ("1k", 1_000)];
        for (text, bytes) in sizes {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "0", "GB", "-1", "1.5GB", "1 XB", "99999999TB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn stores_are_read() {
        assert_eq!(store("sqlite:a/b.db"), Ok(Store::Sqlite(PathBuf::from("a/b.db"))));
        assert_eq!(store("sqlite:/var/b.db"), Ok(Store::Sqlite(PathBuf::from("/var/b.db"))));
        assert_eq!(store("sqlite:///var/b.db"), Ok(Store::Sqlite(PathBuf::from("/var/b.db"))));
        assert_eq!(store("sqlite::memory:"), Ok(Store::Memory));
        for text in ["taskdeck.db", "sqlite:", "mysql://a"] {
            assert!(matches!(store(text), Err(Fault::Allowed(_))), "{text}");
        }
        let postgres = store("postgres://ann:secret@db/tasks");
        assert_eq!(postgres.is_ok(), cfg!(feature = "postgres"), "{postgres:?}");
    }

    #[test]
    fn base_paths_are_read() {
        for (text, path) in [("/deck", "/deck"), ("/a/b-c_1.d/", "/a/b-c_1.d"), ("/", ""), ("", "")] {
            assert_eq!(base(text).as_deref(), Ok(path), "{text}");
        }
        for text in ["deck", "//deck", "/a//b", "/../a", "/a b", "/a?b", "/{id}", "/*"] {
            assert!(base(text).is_err(), "{text}");
        }
    }

    #[test]
    fn only_loopback_is_listened_at() {
        for text in ["127.0.0.1:3000", "[::1]:0", "localhost:80"] {
            assert!(bind(text).is_ok(), "{text}");
        }
        for text in ["0.0.0.0:3000", "[::]:3000", "192.168.1.7:3000", "127.0.0.2:3000"] {
            assert!(matches!(bind(text), Err(Fault::Refused(_))), "{text}");
        }
        for text in ["127.0.0.1", "3000", "example.com:80", "localhost:x"] {
            assert!(matches!(bind(text), Err(Fault::Allowed(_))), "{text}");
        }
    }

    #[test]
    fn origins_are_read_as_browsers_write_them() {
        let two = ["https://shop.example".to_owned(), "http://localhost:8080".to_owned()];
        assert_eq!(origins("https://Shop.example, http://localhost:8080"), Ok(two.to_vec()));
        for bad in [
            "",
            "*",
            "https://*.shop.example",
            "shop.example",
            "https://shop.example/",
            "https://a.example/x",
            "https://a.example:443",
            "ws://a.example",
            "https://u@a.example",
            "https://a.example,,",
        ] {
            assert!(origins(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn other_values_are_read() {
        assert_eq!(count("4"), Ok(4));
        assert!(count("0").is_err() && count("-1").is_err() && count("many").is_err());
        assert_eq!(days("0.5"), Ok(Duration::from_secs(12 * 3600)));
        assert!(days("0").is_err() && days("NaN").is_err() && days("inf").is_err());
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert!(duration("0s").is_err());
        assert_eq!(switch("Off"), Ok(false));
        assert_eq!(log_level("WARN"), Ok(LogLevel::Warn));
        assert_eq!(durability("normal"), Ok(Durability::Normal));
    }
}
