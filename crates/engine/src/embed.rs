//! Signed tokens for widgets in other pages: which task, until when, and a mark that only this deck can make.
//!
//! A token is `embed1.{task}.{until}.{time}.{mark}`: the mark is the HMAC-SHA256 of what is before it and of the deck's
//! id, under a key that the store keeps, so that tokens outlive a restart and hold at no other deck.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use taskdeck_core::{DeckError, DeckId, TaskId, Timestamp};
use uuid::Uuid;

/// How every token begins. Another way of signing gets another number.
const PREFIX: &str = "embed1";
pub(crate) const SHORTEST_MS: u64 = 1_000;
pub(crate) const LONGEST_MS: u64 = 24 * 3_600 * 1_000;
/// Under which name the store keeps the key.
pub(crate) const SECRET: &str = "embed_key";

/// What a token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) task: TaskId,
    pub(crate) expires_at: Timestamp,
    /// How long it held when it was new: a renewed one holds as long.
    pub(crate) ttl_ms: u64,
}

/// What the deck signs with. It is not shown, not even for debugging.
pub(crate) struct EmbedKey {
    key: String,
    deck: DeckId,
}

impl EmbedKey {
    pub(crate) fn new(key: String, deck: DeckId) -> Self {
        Self { key, deck }
    }

    /// A key that nobody can guess: 244 random bits.
    pub(crate) fn fresh() -> String {
        format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
    }

    fn mac(&self, body: &str) -> Hmac<Sha256> {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.as_bytes()).expect("a key");
        mac.update(self.deck.to_string().as_bytes());
        mac.update(b"\n");
        mac.update(body.as_bytes());
        mac
    }

    pub(crate) fn sign(&self, claim: &Claim) -> String {
        let body = format!("{PREFIX}.{}.{}.{}", claim.task, claim.expires_at.as_millis(), claim.ttl_ms);
        let mark = self.mac(&body).finalize().into_bytes();
        let mark: String = mark.iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{body}.{mark}")
    }

    /// What a token says, if this deck signed it and its time is not over.
    pub(crate) fn verify(&self, token: &str, now: Timestamp) -> Result<Claim, DeckError> {
        let denied = |reason: &str| DeckError::Denied { reason: reason.to_owned() };
        let foreign = || denied("this token is none that this server gave");
        let (body, mark) = token.rsplit_once('.').ok_or_else(foreign)?;
        let mark = bytes(mark).ok_or_else(foreign)?;
        // In constant time, and before anything of the token is believed.
        self.mac(body).verify_slice(&mark).map_err(|_| foreign())?;
        let claim = read(body).ok_or_else(foreign)?;
        if now >= claim.expires_at {
            return Err(denied("this token's time is over"));
        }
        Ok(claim)
    }
}

fn read(body: &str) -> Option<Claim> {
    let mut parts = body.split('.');
    let prefix = parts.next()?;
    let task = parts.next()?.parse().ok()?;
    let expires_at = Timestamp::from_millis(parts.next()?.parse().ok()?);
    let ttl_ms = parts.next()?.parse().ok()?;
    (prefix == PREFIX && parts.next().is_none()).then_some(Claim { task, expires_at, ttl_ms })
}

/// The bytes of hexadecimal digits.
fn bytes(hex: &str) -> Option<Vec<u8>> {
    let is_hex = hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
    if is_hex { (0..hex.len()).step_by(2).map(byte).collect() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn key(secret: &str, deck: u128) -> EmbedKey {
        EmbedKey::new(secret.to_owned(), DeckId::from_uuid(Uuid::from_u128(deck)))
    }

    fn claim(task: u128) -> Claim {
        let task = TaskId::from_uuid(Uuid::from_u128(task));
        Claim { task, expires_at: NOW.plus_millis(5), ttl_ms: 5 }
    }

    #[test]
    fn a_token_says_what_was_signed_until_its_time_is_over() {
        let key = key("secret", 1);
        let token = key.sign(&claim(1));
        assert_eq!(key.verify(&token, NOW).unwrap(), claim(1));
        assert_eq!(key.verify(&token, NOW.plus_millis(4)).unwrap(), claim(1));
        assert!(key.verify(&token, NOW.plus_millis(5)).is_err());
    }

    #[test]
    fn a_token_of_another_key_or_deck_is_refused() {
        let token = key("secret", 1).sign(&claim(1));
        assert!(key("secret", 2).verify(&token, NOW).is_err());
        assert!(key("Secret", 1).verify(&token, NOW).is_err());
    }

    #[test]
    fn a_token_that_was_changed_anywhere_is_refused() {
        let key = key("secret", 1);
        let token = key.sign(&claim(1));
        for at in 0..token.len() {
            let mut changed = token.clone().into_bytes();
            changed[at] = if changed[at] == b'1' { b'2' } else { b'1' };
            let changed = String::from_utf8(changed).unwrap();
            assert!(key.verify(&changed, NOW).is_err(), "{changed}");
        }
        let other = key.sign(&claim(2));
        let (body, _) = other.rsplit_once('.').unwrap();
        let (_, mark) = token.rsplit_once('.').unwrap();
        assert!(key.verify(&format!("{body}.{mark}"), NOW).is_err());
        for none in
            ["", ".", "embed1", "embed1.a.b.c.d", &format!("{token}.{token}"), &token[..token.len() - 2]]
        {
            assert!(key.verify(none, NOW).is_err(), "{none}");
        }
    }

    #[test]
    fn the_mark_is_the_hmac_of_the_standard() {
        // RFC 4231, test case 2.
        let mut mac = Hmac::<Sha256>::new_from_slice(b"Jefe").unwrap();
        mac.update(b"what do ya want for nothing?");
        let expected = bytes("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843").unwrap();
        mac.verify_slice(&expected).unwrap();
    }

    #[test]
    fn no_two_fresh_keys_are_the_same() {
        assert_ne!(EmbedKey::fresh(), EmbedKey::fresh());
        assert_eq!(EmbedKey::fresh().len(), 64);
    }
}
