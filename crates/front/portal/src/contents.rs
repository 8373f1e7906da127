//! What a deletion takes along, in words.

use crate::fault::Fault;
use crate::size;
use roadstead_service::{Contents, Deletion, Management, Resource};

fn describe(contents: &Contents) -> String {
    roadstead_service::contents::describe(contents, "message", size::words)
}

/// What is in a hub or DPS instance, in words.
pub(crate) async fn held(management: &Management, resource: &Resource) -> Result<String, Fault> {
    match management.count(resource).await {
        Ok(Some(held)) => Ok(describe(&held)),
        // It could not be counted: nobody is kept from deleting it for that.
        Ok(None) => Ok("all that is in it".to_owned()),
        Err(error) if error.status().is_some_and(|status| status >= 500) => Ok("all that is in it".to_owned()),
        Err(error) => Err(error.into()),
    }
}

/// What is gone, in words.
pub(crate) fn deleted(name: &str, gone: Deletion) -> String {
    match gone {
        Deletion::Absent => format!("{name} was gone already."),
        Deletion::Done(Some(held)) => format!("{name} is deleted, with {}.", describe(&held)),
        Deletion::Done(None) => format!("{name} is deleted."),
    }
}
