use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::{gateway, mesh};

/// Two types of the same name would be one in the document, and one of them wrong.
#[test]
fn no_two_schemas_have_the_same_name() {
    let mut seen: BTreeMap<String, Value> = BTreeMap::new();
    for part in mesh::parts().into_iter().chain([gateway()]) {
        let Some(components) = part.into_openapi().components else { continue };
        for (name, schema) in components.schemas {
            let schema = serde_json::to_value(schema).unwrap();
            if let Some(other) = seen.insert(name.clone(), schema.clone()) {
                assert_eq!(other, schema, "{name}: say #[schema(as = ...)] to one of them");
            }
        }
    }
    assert!(seen.contains_key("ErrorEnvelope"));
}
