use super::*;

fn agent(id: &str, origin: Origin) -> Arc<Agent> {
    Arc::new(Agent {
        id: id.to_owned(),
        name: id.to_owned(),
        kind: Kind::Http,
        capabilities: Vec::new(),
        timeout: None,
        origin,
        reach: Transport::Endpoint(Uri::from_static("http://127.0.0.1")),
    })
}

fn ids(registry: &Registry) -> Vec<String> {
    registry.list().into_iter().map(|one| one.id).collect()
}

#[test]
fn one_that_is_built_in_is_listed_when_it_is_there_or_named() {
    let mut registry = Registry::default();
    let built_in = agent("b", Origin::BuiltIn { is_named: false });
    registry.put(agent("a", Origin::Configured));
    registry.put(built_in.clone());
    registry.put(agent("c", Origin::BuiltIn { is_named: true }));
    registry.put(agent("d", Origin::Registered));
    assert_eq!(ids(&registry), ["a", "c", "d"]);
    assert_eq!(registry.summary("b"), None);
    registry.saw(&built_in, Reachability::Broken, 5);
    assert_eq!(ids(&registry), ["a", "b", "c", "d"]);
    let seen = registry.summary("b").unwrap();
    assert_eq!((seen.status, seen.last_seen), (Status::Offline, None));
    assert_eq!(registry.registered(), 1);
}

#[test]
fn it_is_busy_until_its_last_task_ends() {
    let mut registry = Registry::default();
    let one = agent("a", Origin::Configured);
    registry.put(one.clone());
    let status = |registry: &Registry| registry.summary("a").unwrap().status;
    assert_eq!(status(&registry), Status::Offline);
    registry.saw(&one, Reachability::There(None), 7);
    registry.begin("a");
    registry.begin("a");
    registry.end("a");
    assert_eq!(status(&registry), Status::Busy);
    registry.end("a");
    assert_eq!(status(&registry), Status::Online);
    registry.saw(&one, Reachability::Missing, 9);
    assert_eq!(registry.summary("a").unwrap().last_seen, Some(7));
    registry.has_answered(&one, 11);
    let summary = registry.summary("a").unwrap();
    assert_eq!((summary.status, summary.last_seen), (Status::Online, Some(11)));
}

#[test]
fn what_was_seen_of_another_does_not_count() {
    let mut registry = Registry::default();
    let (old, new) = (agent("a", Origin::Registered), agent("a", Origin::Registered));
    registry.put(old.clone());
    registry.put(new.clone());
    registry.saw(&old, Reachability::There(None), 1);
    assert_eq!(registry.summary("a").unwrap().status, Status::Offline);
    assert_eq!(registry.sight(&old), None);
    assert_eq!(registry.sight(&new), Some(Reachability::Missing));
}

fn at(id: &str, endpoint: &'static str, name: &str) -> Arc<Agent> {
    let agent = agent(id, Origin::Configured);
    let agent = Arc::into_inner(agent).unwrap();
    let reach = Transport::Endpoint(Uri::from_static(endpoint));
    Arc::new(Agent { name: name.to_owned(), reach, ..agent })
}

#[test]
fn others_take_the_place_of_what_was_configured() {
    let mut registry = Registry::default();
    let before = ["same", "renamed", "moved", "gone"].map(|id| at(id, "http://127.0.0.1", id));
    registry.replace(before.clone());
    for id in ["mine", "taken"] {
        registry.put(agent(id, Origin::Registered));
    }
    for agent in registry.all() {
        registry.saw(&agent, Reachability::There(None), 7);
        registry.begin(&agent.id);
    }
    registry.replace([
        at("new", "http://127.0.0.1", "new"),
        at("taken", "http://127.0.0.2", "taken"),
        at("moved", "http://127.0.0.2", "moved"),
        at("renamed", "http://127.0.0.1", "Renamed"),
        at("same", "http://127.0.0.1", "same"),
    ]);
    let listed: Vec<_> =
        registry.list().into_iter().map(|one| (one.name, one.status, one.last_seen)).collect();
    let expected = [
        ("new", Status::Offline, None),
        ("taken", Status::Offline, None),
        ("moved", Status::Offline, None),
        ("Renamed", Status::Busy, Some(7)),
        ("same", Status::Busy, Some(7)),
        ("mine", Status::Busy, Some(7)),
    ];
    assert_eq!(listed, expected.map(|(name, status, seen)| (name.to_owned(), status, seen)));

    // Running tasks and health checks still refer to this one.
    assert!(Arc::ptr_eq(&before[0], &registry.get("same").unwrap()));
    // What began before counts, whatever it is now.
    let moved = registry.get("moved").unwrap();
    registry.saw(&moved, Reachability::There(None), 8);
    assert_eq!(registry.summary("moved").unwrap().status, Status::Busy);
    for id in ["moved", "gone"] {
        registry.end(id);
    }
    assert_eq!(registry.summary("moved").unwrap().status, Status::Online);
    assert!(!registry.at_work.contains_key("gone"));
}
