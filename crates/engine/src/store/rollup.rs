//! How a histogram is stored: for each bucket that is not empty its number, a byte, and its count, seven bits a byte,
//! the lowest first.

use taskdeck_core::Histogram;

pub(crate) fn encode(histogram: &Histogram) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (bucket, mut n) in histogram.filled() {
        bytes.push(u8::try_from(bucket).unwrap_or(u8::MAX));
        while n >= 0x80 {
            bytes.push((n & 0x7f) as u8 | 0x80);
            n >>= 7;
        }
        bytes.push((n & 0x7f) as u8);
    }
    bytes
}

/// Adds a stored histogram to `to`; `None` when the bytes are none.
pub(crate) fn decode_into(to: &mut Histogram, bytes: &[u8]) -> Option<()> {
    let mut bytes = bytes.iter().copied();
    while let Some(bucket) = bytes.next() {
        let (mut n, mut shift) = (0_u64, 0);
        loop {
            let byte = bytes.next()?;
            n |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                break;
            }
            shift += 7;
        }
        to.add_to(usize::from(bucket), n);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_stored_comes_back(counts in proptest::collection::vec((0..64_usize, any::<u64>()), 0..64)) {
            let mut histogram = Histogram::default();
            for (bucket, n) in counts {
                histogram.add_to(bucket, n);
            }
            let mut back = Histogram::default();
            prop_assert_eq!(decode_into(&mut back, &encode(&histogram)), Some(()));
            prop_assert_eq!(back, histogram);
        }

        #[test]
        fn what_is_no_histogram_is_refused_or_read_without_harm(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            decode_into(&mut Histogram::default(), &bytes);
        }
    }

    #[test]
    fn a_count_that_breaks_off_is_refused() {
        assert_eq!(decode_into(&mut Histogram::default(), &[3]), None);
        assert_eq!(decode_into(&mut Histogram::default(), &[3, 0x80]), None);
    }
}
