//! A strict reader of Prometheus' text format, 0.0.4.

use std::{collections::BTreeMap, iter::Peekable, str::Chars};

/// A parsed scrape: values by series, as `name{label="value"}` with the labels in order.
#[derive(Debug, Default)]
pub struct Scrape {
    /// Values by series, labels included.
    pub series: BTreeMap<String, f64>,
    kinds: BTreeMap<String, String>,
}

impl Scrape {
    /// Reads it, and panics at whatever Prometheus' own linter would complain about.
    pub fn parse(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line has an end");
        let mut scrape = Self::default();
        let mut family = String::new();
        let mut helped = None;
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect(line);
                assert!(!help.is_empty() && helped.replace(name.to_owned()).is_none(), "{line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect(line);
                assert_eq!(helped.take().as_deref(), Some(name), "help comes first: {line}");
                assert!(matches!(kind, "counter" | "gauge" | "histogram"), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                assert!(name_is_valid(name) && !name.contains(':'), "{line}");
                let old = scrape.kinds.insert(name.to_owned(), kind.to_owned());
                assert_eq!(old, None, "a family is in one piece: {line}");
                family = name.to_owned();
            } else {
                let (name, labels, value) = sample(line);
                let suffix = name.strip_prefix(&*family).expect(line);
                let fits = match &*scrape.kinds[&family] {
                    "histogram" => matches!(suffix, "_bucket" | "_sum" | "_count"),
                    _ => suffix.is_empty(),
                };
                assert!(fits && helped.is_none(), "{line}");
                let labels: Vec<_> = labels.iter().map(|(k, v)| format!("{k}={v:?}")).collect();
                let series = format!("{name}{{{}}}", labels.join(","));
                assert_eq!(scrape.series.insert(series, value), None, "twice: {line}");
            }
        }
        scrape.histograms_add_up();
        scrape
    }

    /// The sum of a family's series with these labels (`name="value"`).
    pub fn sum(&self, name: &str, labels: &[&str]) -> f64 {
        let series = self.series.iter().filter(|(series, _)| {
            let own = series.split_once('{').expect("braces");
            own.0 == name && labels.iter().all(|label| own.1.contains(label))
        });
        series.map(|(_, value)| value).sum()
    }

    fn histograms_add_up(&self) {
        let histograms = self.kinds.iter().filter(|(_, kind)| *kind == "histogram");
        for (name, _) in histograms {
            let mut buckets = BTreeMap::<String, Vec<(f64, f64)>>::new();
            let bucket = format!("{name}_bucket{{");
            for (series, value) in &self.series {
                let Some(labels) = series.strip_prefix(&bucket) else { continue };
                let labels = labels.trim_end_matches('}').split(',');
                let (le, others): (Vec<_>, Vec<_>) = labels.partition(|l| l.starts_with("le="));
                let le = le[0].trim_start_matches("le=").trim_matches('"').parse().expect(series);
                buckets.entry(others.join(",")).or_default().push((le, *value));
            }
            assert!(!buckets.is_empty(), "{name} has no series");
            for (labels, mut buckets) in buckets {
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                assert!(buckets.is_sorted_by_key(|bucket| bucket.1), "{name}{{{labels}}}");
                let (last, all) = buckets.pop().unwrap();
                assert_eq!(last, f64::INFINITY);
                assert_eq!(self.series[&format!("{name}_count{{{labels}}}")], all);
                assert!(self.series.contains_key(&format!("{name}_sum{{{labels}}}")));
            }
        }
    }
}

fn name_is_valid(name: &str) -> bool {
    let is_start = |c: char| c.is_ascii_alphabetic() || c == '_' || c == ':';
    name.starts_with(is_start) && name.chars().all(|c| is_start(c) || c.is_ascii_digit())
}

/// One line: the name, the labels in order, the value. There are no timestamps here.
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let (head, value) = line.rsplit_once(' ').expect(line);
    let value = value.parse().expect(line);
    let (name, rest) = head.split_at(head.find('{').unwrap_or(head.len()));
    assert!(name_is_valid(name), "{line}");
    let mut labels = BTreeMap::new();
    let mut chars = rest.chars().peekable();
    if chars.next().is_some() {
        loop {
            let label: String = std::iter::from_fn(|| chars.next_if(|&c| c != '=')).collect();
            assert!(name_is_valid(&label) && !label.contains(':'), "{line}");
            assert_eq!((chars.next(), chars.next()), (Some('='), Some('"')), "{line}");
            assert_eq!(labels.insert(label, quoted(&mut chars)), None, "{line}");
            match chars.next() {
                Some(',') if chars.peek() != Some(&'}') => {}
                Some('}') => break,
                other => panic!("{other:?} in {line}"),
            }
        }
    }
    assert_eq!(chars.next(), None, "{line}");
    (name.into(), labels, value)
}

fn quoted(chars: &mut Peekable<Chars<'_>>) -> String {
    let mut value = String::new();
    loop {
        match chars.next().expect("a closing quote") {
            '"' => return value,
            '\\' => value.push(match chars.next() {
                Some('n') => '\n',
                Some(c @ ('\\' | '"')) => c,
                other => panic!("no such escape: {other:?}"),
            }),
            c => value.push(c),
        }
    }
}
