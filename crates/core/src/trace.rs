//! The W3C trace context, as it comes in a header.

/// The parts of a W3C `traceparent` header: the trace id, and the parent's span with its flags.
///
/// <https://www.w3.org/TR/trace-context/#traceparent-header>
///
/// ```
/// use taskdeck_core::traceparent;
/// let (trace, span) = traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01").unwrap();
/// assert_eq!((&*trace, &*span), ("0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331-01"));
/// ```
#[must_use]
pub fn traceparent(text: &str) -> Option<(String, String)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, digits: usize| {
        text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zeros = |text: &str| text.bytes().all(|byte| byte == b'0');
    // Version 00 has exactly four parts; later ones may have more, and ff is forbidden.
    let fits = hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    let fits = fits && hex(trace, 32) && !zeros(trace) && hex(span, 16) && !zeros(span) && hex(flags, 2);
    fits.then(|| (trace.to_owned(), format!("{span}-{flags}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_taken_apart_and_a_wrong_one_refused() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let (trace, span) = traceparent(header).expect("is valid");
        assert_eq!(trace, "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(span, "b7ad6b7169203331-01");
        assert!(traceparent(&header.replace("00-", "cc-")).is_some(), "a later version");
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
        ] {
            assert_eq!(traceparent(wrong), None, "{wrong}");
        }
    }
}
