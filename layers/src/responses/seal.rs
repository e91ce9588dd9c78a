/// Seals a model's reasoning, so that it can travel through the client, which must hand it back,
/// and only this installation accepts it, only from the owner it was made for.
pub trait Seal: Send + Sync + 'static {
    /// The text, sealed for the owner.
    fn seal(&self, owner: &str, text: &str) -> String;

    /// The text, if it was sealed here and for this owner.
    fn open(&self, owner: &str, sealed: &str) -> Option<String>;

    /// Whether it looks like a seal of this kind, whoever made it: such a one is of no use to a
    /// provider.
    fn is_ours(&self, sealed: &str) -> bool;
}
