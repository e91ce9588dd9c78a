/// Filter of an event stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Events of this task.
    pub task: Option<String>,
    /// Events of this space, and of the tasks that belong to it.
    pub space: Option<String>,
}

impl Filter {
    /// Whether an event about these is wanted. Without either wish everything is; with both, what
    /// fulfils one of them.
    pub(super) fn wants(&self, task: Option<&str>, space: Option<&str>) -> bool {
        let is =
            |wish: &Option<String>, about: Option<&str>| wish.is_some() && wish.as_deref() == about;
        (self.task.is_none() && self.space.is_none())
            || is(&self.task, task)
            || is(&self.space, space)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_lets_pass_what_it_names() {
        let filter = |task: Option<&str>, space: Option<&str>| Filter {
            task: task.map(Into::into),
            space: space.map(Into::into),
        };
        for (filter, expected) in [
            (filter(None, None), [true, true, true, true]),
            (filter(Some("t"), None), [false, true, false, false]),
            (filter(None, Some("s")), [false, false, true, true]),
            (filter(Some("t"), Some("s")), [false, true, true, true]),
        ] {
            let about =
                [(None, None), (Some("t"), None), (None, Some("s")), (Some("u"), Some("s"))];
            let wanted = about.map(|(task, space)| filter.wants(task, space));
            assert_eq!(wanted, expected, "{filter:?}");
        }
    }
}
