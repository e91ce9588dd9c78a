use super::json::Put;

/// Source of the random ids of a response and its items.
#[derive(Debug)]
pub struct Ids(fastrand::Rng);

impl Ids {
    /// Different ones each time.
    pub fn random() -> Self {
        Self(fastrand::Rng::new())
    }

    /// A source that repeats its ids for the same seed.
    pub fn seeded(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    pub(super) fn next(&mut self, prefix: &'static str) -> Id {
        let number = self.0.u128(..);
        let digit = |at| b"0123456789abcdef"[(number >> (4 * at)) as usize & 15];
        Id { prefix, digits: std::array::from_fn(digit) }
    }
}

/// An id: what it is of, and 128 random bits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Id {
    prefix: &'static str,
    digits: [u8; 32],
}

impl Id {
    /// The id as the inside of a JSON string.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.put(self.prefix).bytes(&self.digits);
    }
}

impl std::fmt::Display for Id {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.prefix)?;
        self.digits.iter().try_for_each(|&digit| write!(f, "{}", char::from(digit)))
    }
}
