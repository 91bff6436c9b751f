//! How a histogram is stored: a byte that says by which buckets, then for each bucket that is not empty its number, a
//! byte, and its count, seven bits a byte, the lowest first. An empty one is stored as nothing.
//!
//! Decks of before that byte have two buckets for each doubling. What they counted is read as the middle of its bucket.

use taskdeck_core::Histogram;

/// Says that the buckets are those of [`Histogram`]: no bucket of either way has this number.
const FINE: u8 = u8::MAX;

pub(crate) fn encode(histogram: &Histogram) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (bucket, mut n) in histogram.filled() {
        if bytes.is_empty() {
            bytes.push(FINE);
        }
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
    let (is_fine, bytes) = match bytes {
        [FINE, bytes @ ..] => (true, bytes),
        bytes => (false, bytes),
    };
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
        if is_fine {
            to.add_to(usize::from(bucket), n);
        } else {
            to.add_many(middle_of_coarse(bucket), n);
        }
    }
    Some(())
}

/// The middle of a bucket of which there are two for each doubling: 0 ms, 1 ms, 2, 3, 4 to 5, 6 to 7, 8 to 11, and so on.
fn middle_of_coarse(bucket: u8) -> u64 {
    let least = |bucket: u64| if bucket < 2 { bucket } else { (2 + bucket % 2) << (bucket / 2 - 1) };
    let bucket = u64::from(bucket.min(63));
    (least(bucket) + least(bucket + 1) - 1) / 2
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_stored_comes_back(counts in proptest::collection::vec((0..Histogram::BUCKETS, any::<u64>()), 0..64)) {
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
        assert_eq!(decode_into(&mut Histogram::default(), &[FINE, 3]), None);
        assert_eq!(decode_into(&mut Histogram::default(), &[3]), None);
        assert_eq!(decode_into(&mut Histogram::default(), &[3, 0x80]), None);
    }

    #[test]
    fn what_was_stored_by_coarse_buckets_is_read_as_their_middle() {
        let mut read = Histogram::default();
        // Of 8 to 11 ms three, of 4,096 to 6,143 ms one, of 4,294,967,296 to 6,442,450,943 ms one.
        decode_into(&mut read, &[6, 3, 24, 1, 64, 1]).unwrap();
        let percentile = |percent| read.percentile(percent).unwrap();
        assert_eq!((read.count(), percentile(50)), (5, 9));
        assert!((4_800..5_440).contains(&percentile(80)), "{}", percentile(80));
    }
}
