/// The fields that a request gets on its way, and that no client could leave out: a provider that
/// refuses one of them is asked again without it.
#[derive(Debug)]
pub(super) struct Added<'r> {
    refused: &'r [Box<str>],
    fields: Vec<Box<str>>,
}

impl<'r> Added<'r> {
    /// Nothing yet; the refused fields are left out.
    pub(super) fn without(refused: &'r [Box<str>]) -> Self {
        Self { refused, fields: Vec::new() }
    }

    /// Whether the field is to be written, which is noted then.
    pub(super) fn write(&mut self, field: &str) -> bool {
        if self.refused.iter().any(|refused| &**refused == field) {
            return false;
        }
        if !self.fields.iter().any(|known| &**known == field) {
            self.fields.push(field.into());
        }
        true
    }

    /// The fields that were written.
    pub(super) fn into_fields(self) -> Vec<Box<str>> {
        self.fields
    }
}
