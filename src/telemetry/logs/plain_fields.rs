use std::{error::Error, fmt};

use tracing::field::{Field, Visit};
use tracing_subscriber::{
    field::RecordFields,
    fmt::{
        FormatFields,
        format::{DefaultVisitor, Writer},
    },
};

/// Formats fields as the default formatter does without colour, for a third of its instructions:
/// the default formatter writes each name through two styled wrappers, colour or not.
#[derive(Debug)]
pub(super) struct PlainFields;

impl<'writer> FormatFields<'writer> for PlainFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut visitor = PlainVisitor { writer, is_empty: true, result: Ok(()) };
        fields.record(&mut visitor);
        visitor.result
    }
}

struct PlainVisitor<'writer> {
    writer: Writer<'writer>,
    is_empty: bool,
    result: fmt::Result,
}

impl PlainVisitor<'_> {
    /// Writes `name=` and the value, unless the field is the message, which has no name and is
    /// stripped of control characters by the default formatter.
    fn field(
        &mut self,
        field: &Field,
        value: &dyn fmt::Debug,
        write: impl FnOnce(&mut Writer<'_>) -> fmt::Result,
    ) {
        let name = field.name();
        if name == "message" {
            return self.by_default(|visitor| visitor.record_debug(field, value));
        }
        if self.result.is_ok() {
            self.result =
                self.name(name.trim_start_matches("r#")).and_then(|()| write(&mut self.writer));
        }
    }

    fn name(&mut self, name: &str) -> fmt::Result {
        if !std::mem::take(&mut self.is_empty) {
            self.writer.write_char(' ')?;
        }
        self.writer.write_str(name)?;
        self.writer.write_char('=')
    }

    fn by_default(&mut self, record: impl FnOnce(&mut DefaultVisitor<'_>)) {
        if self.result.is_err() {
            return;
        }
        if !std::mem::take(&mut self.is_empty) {
            self.result = self.writer.write_char(' ');
        }
        record(&mut DefaultVisitor::new(self.writer.by_ref(), true));
    }
}

impl Visit for PlainVisitor<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.field(field, value, |writer| write!(writer, "{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.field(field, &format_args!("{value}"), |writer| write!(writer, "{value:?}"));
    }

    /// The sources of an error are a second field.
    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        self.by_default(|visitor| visitor.record_error(field, value));
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{self, Write},
        sync::Arc,
    };

    use parking_lot::Mutex;
    use tracing_subscriber::{Layer as _, fmt, layer::SubscriberExt as _};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged with the default formatter, or with this one.
    fn logged(is_plain: bool) -> String {
        let written = Lines::default();
        let writer = {
            let written = written.clone();
            move || written.clone()
        };
        let lines = fmt::layer().with_writer(writer).with_ansi(false).without_time();
        let lines = if is_plain { lines.fmt_fields(PlainFields).boxed() } else { lines.boxed() };
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            let late = tracing::field::Empty;
            let span = tracing::info_span!("request", id = "a b\"\u{1b}", n = 3, late);
            span.record("late", tracing::field::display("here"));
            let _entered = span.enter();
            let error = io::Error::other(io::Error::other("the \u{1b}[31mcause"));
            let wrapped = io::Error::other(Box::new(error) as Box<dyn Error + Send + Sync>);
            tracing::info!(
                r#type = "x\ny",
                ms = -4_i64,
                on = true,
                f = 1.5,
                "a \u{1b}[31mred {}",
                1
            );
            tracing::warn!(error = &wrapped as &dyn Error, big = u128::MAX, "failed");
            tracing::info!(only = ?Some("field"));
            tracing::info!("");
        });
        let bytes = written.0.lock().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn lines_are_those_of_the_default_formatter() {
        let lines = logged(true);
        assert!(lines.contains("id=\"a b\\\"\\u{1b}\" n=3 late=here"), "{lines}");
        assert_eq!(lines, logged(false));
    }
}
