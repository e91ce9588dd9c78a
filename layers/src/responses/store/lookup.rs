use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use http::{HeaderValue, Request, header::CONTENT_LENGTH};

use super::{
    Item, PreviousResponse, Store, errors, expand::expand, future::LookUp, persist::Persist,
    references::Reference, write::now,
};
use crate::{Buffered, Rejection};

/// The request with all that it refers to in it, if that is not larger than the cap.
pub(super) fn expanded(mut keep: Persist, mut request: Request<Buffered>, cap: u64) -> LookUp {
    Box::pin(async move {
        let (store, owner, asked) = (&*keep.store, &*keep.owner, &mut keep.asked);
        if let Some(Reference { id, .. }) = &asked.ask.previous {
            let stored = store.get(owner, id, now()).await;
            let stored = stored.map_err(|error| errors::broken(&*error))?;
            let stored = stored.ok_or_else(|| errors::unknown_previous(id))?;
            asked.prior = stored.items().cloned().collect();
            request.extensions_mut().insert(PreviousResponse(id.clone()));
        }
        let ids = asked.ask.references.iter().map(|reference| reference.id.clone()).collect();
        asked.found = items(store, owner, ids, &asked.prior).await?;
        // Before it is made: a few bytes can refer to any number of large items.
        let added = asked.prior.iter().chain(&asked.found).map(|item| item.json.len() as u64);
        if request.body().len().saturating_add(added.sum()) > cap {
            return Err(errors::too_large(cap));
        }
        let body = expand(request.body(), &asked.ask, &asked.prior, &asked.found);
        if request.headers().contains_key(CONTENT_LENGTH) {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        *request.body_mut() = body;
        Ok((request, keep))
    })
}

/// The items of these ids, in this order; those of the conversation itself count first.
async fn items(
    store: &dyn Store,
    owner: &str,
    ids: Vec<Arc<str>>,
    prior: &[Item],
) -> Result<Vec<Item>, Rejection> {
    let mut missing: HashSet<Arc<str>> = ids.iter().cloned().collect();
    let mut known: HashMap<Arc<str>, Item> =
        prior.iter().filter(|item| missing.contains(&item.id)).map(by_id).collect();
    missing.retain(|id| !known.contains_key(id));
    if !missing.is_empty() {
        let found = store.items(owner, missing.into_iter().collect(), now()).await;
        known.extend(found.map_err(|error| errors::broken(&*error))?.iter().map(by_id));
    }
    ids.iter().map(|id| known.get(id).cloned().ok_or_else(|| errors::unknown_item(id))).collect()
}

fn by_id(item: &Item) -> (Arc<str>, Item) {
    (item.id.clone(), item.clone())
}
