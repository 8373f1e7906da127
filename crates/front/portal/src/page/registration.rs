//! One registration id: whether it is enrolled, where it is registered, and what happened under it.

use crate::call::{At, Call, Frame};
use crate::fault::Fault;
use crate::page::enrollment::{self, Registration};
use crate::page::enrollments::above;
use crate::page::timeline::{self, Timeline};
use crate::reply::{self, Body};
use askama::Template;
use http::{Response, StatusCode};
use roadstead_service::{EnrollmentKind, Kind};
use serde_json::Value;

#[derive(Template)]
#[template(path = "registration.html")]
struct Page {
    frame: Frame,
    id: String,
    here: String,
    /// The page of its own enrollment.
    enrollment: Option<String>,
    registration: Option<Registration>,
    enroll: String,
    groups: String,
    timeline: Timeline,
    first: Option<String>,
    may_write: bool,
}

/// Errors: `Absent` where neither an enrollment nor a registration has the id, and nobody came with it.
pub(crate) async fn show(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, false)?;
    let dps = call.dps(at).await?;
    let enrolled: Option<Value> = dps.find(EnrollmentKind::Individual, id).await?;
    let state: Option<Value> = dps.find_registration(id).await?;
    let state = state.filter(Value::is_object);
    let (timeline, first) = timeline::of_registration(call, at, id).await?;
    if enrolled.is_none() && state.is_none() && timeline.happenings.is_empty() {
        return Err(Fault::Absent { what: "registration", name: id.to_owned() });
    }
    let hubs: Vec<Value> = call.management().await?.list(Kind::Hub, None).await.unwrap_or_default();
    let page = Page {
        frame: call.frame(id, "dps", above(at, Some(EnrollmentKind::Individual))),
        id: id.to_owned(),
        here: at.href(&["registrations", id]),
        enrollment: enrolled.map(|_| at.href(&["enrollments", "of", id])),
        registration: state.map(|state| enrollment::registered(at, &state, &hubs)),
        enroll: at.href(&["enrollments", "new"]),
        groups: at.href(&["groups"]),
        timeline,
        first,
        may_write: at.rights.data_write,
    };
    Ok(reply::page(StatusCode::OK, &page))
}

pub(crate) async fn act(call: &Call<'_>, at: &At, id: &str) -> Result<Response<Body>, Fault> {
    call.require_data(at, true)?;
    if call.ask.field("do") != "delete" {
        return Err(Fault::invalid("There is no such button."));
    }
    call.require_name(id)?;
    if !call.dps(at).await?.delete_registration(id, None).await? {
        return Err(Fault::Absent { what: "registration", name: id.to_owned() });
    }
    let text = format!("The registration of {id} is deleted. Its device stays in its hub.");
    // An id that is in no enrollment any more, and at which nothing happened, has no page of its own.
    Ok(call.done(&at.href(&["enrollments"]), text))
}
