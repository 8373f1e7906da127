//! The page of what went wrong.

use crate::call::{Call, Frame};
use crate::fault::Fault;
use crate::reply::{self, Body};
use askama::Template;
use http::Response;

#[derive(Template)]
#[template(path = "fault.html")]
struct Page {
    frame: Frame,
    text: String,
    hint: Option<String>,
}

pub(crate) fn show(call: &Call<'_>, fault: &Fault) -> Response<Body> {
    let frame = call.frame(fault.title(), "", Vec::new());
    reply::page(fault.status(), &Page { frame, text: fault.text(), hint: fault.hint() })
}
