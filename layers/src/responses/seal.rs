use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand::{SecureRandom, SystemRandom},
};

/// Seals a model's reasoning, so that it can travel through the client, which must hand it back,
/// and only this installation accepts it, only from the owner it was made for.
pub trait Seal: Send + Sync + 'static {
    /// The text, sealed for the owner.
    fn seal(&self, owner: &str, text: &str) -> String;

    /// The text, if it was sealed here and for this owner.
    fn open(&self, owner: &str, sealed: &str) -> Option<String>;

    /// Whether it looks like a seal of this kind, by any key: such a one is of no use to a
    /// provider.
    fn is_ours(&self, sealed: &str) -> bool;
}

/// Seals by AES-256-GCM with a random nonce; the owner is authenticated with the text.
///
/// A seal is `st1.`, then nonce, ciphertext and tag in base64url.
///
/// ```
/// use switchtower_layers::responses::{AeadSeal, Seal};
///
/// let seal = AeadSeal::new([7; 32]);
/// let sealed = seal.seal("alice", "first, the signals");
/// assert_eq!(seal.open("alice", &sealed).as_deref(), Some("first, the signals"));
/// assert_eq!(seal.open("bob", &sealed), None);
/// ```
pub struct AeadSeal {
    key: LessSafeKey,
    random: SystemRandom,
}

impl AeadSeal {
    /// Prefix of every seal of this kind.
    pub const PREFIX: &'static str = "st1.";

    /// Seals by this key. What one key sealed, only the same key opens: keep it for as long as
    /// clients may come back.
    pub fn new(key: [u8; 32]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &key).expect("the key has the cipher's length");
        Self { key: LessSafeKey::new(key), random: SystemRandom::new() }
    }

    /// Seals with a random key that is lost when the process ends.
    ///
    /// # Panics
    ///
    /// When the system has no randomness.
    pub fn random() -> Self {
        let mut key = [0; 32];
        SystemRandom::new().fill(&mut key).expect("the system gives random bytes");
        Self::new(key)
    }
}

impl Seal for AeadSeal {
    /// # Panics
    ///
    /// When the system has no randomness.
    fn seal(&self, owner: &str, text: &str) -> String {
        let mut nonce = [0; NONCE_LEN];
        self.random.fill(&mut nonce).expect("the system gives random bytes");
        let mut sealed = Vec::with_capacity(text.len() + NONCE_LEN + AES_256_GCM.tag_len());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(text.as_bytes());
        let tag = self.key.seal_in_place_separate_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(owner),
            &mut sealed[NONCE_LEN..],
        );
        sealed.extend_from_slice(tag.expect("a text is shorter than 64 GiB").as_ref());
        let mut seal = String::from(Self::PREFIX);
        URL_SAFE_NO_PAD.encode_string(sealed, &mut seal);
        seal
    }

    fn open(&self, owner: &str, sealed: &str) -> Option<String> {
        let mut sealed = URL_SAFE_NO_PAD.decode(sealed.strip_prefix(Self::PREFIX)?).ok()?;
        let (nonce, sealed) = sealed.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.key.open_in_place(nonce, Aad::from(owner), sealed).ok()?;
        String::from_utf8(text.to_vec()).ok()
    }

    fn is_ours(&self, sealed: &str) -> bool {
        sealed.starts_with(Self::PREFIX)
    }
}

impl fmt::Debug for AeadSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AeadSeal").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PREFIX: &str = AeadSeal::PREFIX;
    const TEXT: &str = "Gleis 9¾ → 第九";

    #[test]
    fn another_key_or_owner_does_not_open_it() {
        let seal = AeadSeal::new([1; 32]);
        let sealed = seal.seal("alice", TEXT);
        assert_eq!(AeadSeal::new([1; 32]).open("alice", &sealed).as_deref(), Some(TEXT));
        assert_eq!(AeadSeal::new([2; 32]).open("alice", &sealed), None);
        assert_eq!(AeadSeal::random().open("alice", &sealed), None);
        assert_eq!(seal.open("bob", &sealed), None);
        assert_eq!(seal.open("", &sealed), None);
    }

    #[test]
    fn equal_texts_are_sealed_differently_and_say_nothing() {
        let seal = AeadSeal::random();
        let (one, two) = (seal.seal("a", TEXT), seal.seal("a", TEXT));
        assert_ne!(one, two);
        assert!(!format!("{seal:?}").contains("key"));
        assert_eq!(seal.open("a", &seal.seal("a", "")).as_deref(), Some(""));
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let seal = AeadSeal::random();
        let sealed = seal.seal("a", TEXT);
        let raw = URL_SAFE_NO_PAD.decode(&sealed[PREFIX.len()..]).unwrap();
        let of = |raw: &[u8]| format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(raw));
        assert!(seal.open("a", &of(&raw)).is_some());
        for i in 0..raw.len() {
            let mut changed = raw.clone();
            changed[i] ^= 1;
            assert_eq!(seal.open("a", &of(&changed)), None, "byte {i}");
            assert_eq!(seal.open("a", &of(&raw[..i])), None, "cut to {i}");
        }
    }

    #[test]
    fn foreign_blobs_are_told_apart() {
        let seal = AeadSeal::random();
        for foreign in ["", "gAAAAABo", "st2.AAAA", "ST1.AAAA", "st1", "{}"] {
            assert!(!seal.is_ours(foreign), "{foreign}");
            assert_eq!(seal.open("a", foreign), None, "{foreign}");
        }
        assert!(seal.is_ours(&AeadSeal::random().seal("b", TEXT)));
    }

    proptest! {
        #[test]
        fn any_text_comes_back(owner in ".{0,9}", text in ".{0,99}") {
            let seal = AeadSeal::new([3; 32]);
            prop_assert_eq!(seal.open(&owner, &seal.seal(&owner, &text)), Some(text));
        }

        #[test]
        fn any_blob_is_answered_without_panic(blob in "(st1\\.)?[A-Za-z0-9_=-]{0,60}") {
            prop_assert_eq!(AeadSeal::new([3; 32]).open("a", &blob), None);
        }
    }
}
