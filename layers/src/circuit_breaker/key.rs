use std::{
    borrow::{Borrow, Cow},
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use http::Request;

use crate::Target;

/// The key of a circuit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// All requests without a [`Target`].
    Shared,
    /// A provider as a whole, or whatever a [`KeyExtractor`] has a name for.
    Name(Arc<str>),
    /// One model of one provider.
    Target {
        /// The provider's name.
        provider: Arc<str>,
        /// The model's name at that provider.
        model: Arc<str>,
    },
}

/// A [`Key`] that is not owned, so that looking for its circuit allocates nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyRef<'a> {
    /// All requests without a [`Target`].
    Shared,
    /// A provider as a whole, or any other name.
    Name(Cow<'a, str>),
    /// One model of one provider.
    Target {
        /// The provider's name.
        provider: &'a str,
        /// The model's name at that provider.
        model: &'a str,
    },
}

impl Key {
    /// The key of a provider as a whole, or of any other name.
    pub fn name(name: impl Into<Arc<str>>) -> Self {
        Self::Name(name.into())
    }
}

impl<'a> KeyRef<'a> {
    /// The key of a provider as a whole, or of any other name.
    pub fn name(name: impl Into<Cow<'a, str>>) -> Self {
        Self::Name(name.into())
    }

    /// The key as an owned one.
    pub fn to_key(&self) -> Key {
        match self {
            Self::Shared => Key::Shared,
            Self::Name(name) => Key::name(&**name),
            Self::Target { provider, model } => {
                Key::Target { provider: (*provider).into(), model: (*model).into() }
            }
        }
    }
}

impl From<&Target> for Key {
    fn from(target: &Target) -> Self {
        Self::Target { provider: target.provider.clone(), model: target.model.clone() }
    }
}

impl<'a> From<&'a Target> for KeyRef<'a> {
    fn from(target: &'a Target) -> Self {
        Self::Target { provider: &target.provider, model: &target.model }
    }
}

impl<'a> From<&'a Key> for KeyRef<'a> {
    fn from(key: &'a Key) -> Self {
        match key {
            Key::Shared => Self::Shared,
            Key::Name(name) => Self::name(&**name),
            Key::Target { provider, model } => Self::Target { provider, model },
        }
    }
}

impl fmt::Display for KeyRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shared => f.write_str("shared"),
            Self::Name(name) => f.write_str(name),
            Self::Target { provider, model } => write!(f, "{provider}/{model}"),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        KeyRef::from(self).fmt(f)
    }
}

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        KeyRef::from(self).hash(state);
    }
}

/// Both forms of a key, so that a map of owned ones can be asked with a borrowed one.
pub(super) trait AsKeyRef {
    fn as_key_ref(&self) -> KeyRef<'_>;
}

impl AsKeyRef for Key {
    fn as_key_ref(&self) -> KeyRef<'_> {
        self.into()
    }
}

impl AsKeyRef for KeyRef<'_> {
    fn as_key_ref(&self) -> KeyRef<'_> {
        match self {
            Self::Shared => KeyRef::Shared,
            Self::Name(name) => KeyRef::name(&**name),
            Self::Target { provider, model } => KeyRef::Target { provider, model },
        }
    }
}

impl<'a> Borrow<dyn AsKeyRef + 'a> for Key {
    fn borrow(&self) -> &(dyn AsKeyRef + 'a) {
        self
    }
}

impl Hash for dyn AsKeyRef + '_ {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_key_ref().hash(state);
    }
}

impl PartialEq for dyn AsKeyRef + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.as_key_ref() == other.as_key_ref()
    }
}

impl Eq for dyn AsKeyRef + '_ {}

/// Says which circuit a request belongs to. [`Scope`] is one, and so is any function from the
/// request to a [`KeyRef`].
pub trait KeyExtractor<B> {
    /// The key of this request.
    fn key<'a>(&self, request: &'a Request<B>) -> KeyRef<'a>;
}

impl<B, F> KeyExtractor<B> for F
where
    F: Fn(&Request<B>) -> KeyRef<'_>,
{
    fn key<'a>(&self, request: &'a Request<B>) -> KeyRef<'a> {
        self(request)
    }
}

/// The scope of one circuit, by the request's [`Target`]. Requests without one share the circuit
/// [`Key::Shared`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    /// Each model of each provider, so that a bad model does not take its provider down.
    #[default]
    Target,
    /// Each provider.
    Provider,
}

impl<B> KeyExtractor<B> for Scope {
    fn key<'a>(&self, request: &'a Request<B>) -> KeyRef<'a> {
        match (self, request.extensions().get::<Target>()) {
            (_, None) => KeyRef::Shared,
            (Self::Target, Some(target)) => target.into(),
            (Self::Provider, Some(target)) => KeyRef::name(&*target.provider),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn keys() -> [Key; 5] {
        let target = |provider: &str, model: &str| Key::Target {
            provider: provider.into(),
            model: model.into(),
        };
        [Key::Shared, Key::name("a"), Key::name("a/b"), target("a", "b"), target("ab", "")]
    }

    #[test]
    fn a_map_of_keys_is_asked_with_borrowed_ones() {
        let map: HashMap<Key, usize> =
            keys().into_iter().enumerate().map(|(n, key)| (key, n)).collect();
        assert_eq!(map.len(), 5);
        for (n, key) in keys().iter().enumerate() {
            let borrowed = KeyRef::from(key);
            assert_eq!(map.get(&borrowed as &dyn AsKeyRef), Some(&n), "{key}");
            assert_eq!(map.get(key), Some(&n), "{key}");
            assert_eq!(borrowed.to_key(), *key);
        }
        assert_eq!(map.get(&KeyRef::name("b") as &dyn AsKeyRef), None);
    }

    #[test]
    fn the_scope_says_how_much_of_the_target_counts() {
        let mut request = Request::new(());
        assert_eq!(Scope::Target.key(&request), KeyRef::Shared);
        assert_eq!(Scope::Provider.key(&request), KeyRef::Shared);
        let dialect = crate::Dialect::Chat;
        let target = Target { provider: "deepseek".into(), model: "deepseek-chat".into(), dialect };
        request.extensions_mut().insert(target);
        assert_eq!(Scope::Target.key(&request).to_string(), "deepseek/deepseek-chat");
        assert_eq!(Scope::Provider.key(&request).to_string(), "deepseek");
        fn by_path(request: &Request<()>) -> KeyRef<'_> {
            KeyRef::name(request.uri().path())
        }
        assert_eq!(by_path.key(&request).to_string(), "/");
    }
}
