//! The page on which a person types the code that a device shows (`az login --use-device-code`).
//!
//! Name and password are asked for on the same page: there is no session in the browser that another page could misuse. No
//! script, no style, nothing loaded from anywhere.

use hyper::StatusCode;
use roadstead_model::Secret;
use tracing::{info, warn};

use crate::{
    arm::{Arm, Way},
    call::Call,
    op::token::field,
    reply::Reply,
};

/// The form, with the code filled in when the address has one.
pub(crate) fn show(call: &Call) -> Reply {
    page(StatusCode::OK, "", &call.argument("user_code").unwrap_or_default())
}

pub(crate) async fn approve(arm: &Arm, call: &Call, way: Way<'_>) -> Reply {
    let text = |name| field(&call.body, name).unwrap_or_default();
    let (code, name) = (text("user_code"), text("username"));
    match arm.access.approve_device(&code, &name, Secret::new(text("password")), way.address).await {
        Ok(()) => {
            info!(name, address = %way.address, "a device's log-in was approved");
            Reply::html(StatusCode::OK, document("<p>Logged in. You can close this page.</p>"))
        }
        Err(refusal) => {
            warn!(address = %way.address, %refusal, "a device's log-in was not approved");
            page(StatusCode::FORBIDDEN, &refusal.to_string(), &code)
        }
    }
}

fn page(status: StatusCode, note: &str, code: &str) -> Reply {
    let note = if note.is_empty() { String::new() } else { format!("<p role=\"alert\">{}</p>", escaped(note)) };
    let form = format!(
        "{note}<form method=\"post\" action=\"deviceauth\" autocomplete=\"off\">\
         <p>Type the code only if you started this log-in yourself.</p>\
         <p><label>Code <input name=\"user_code\" value=\"{}\" maxlength=\"16\" required autofocus></label></p>\
         <p><label>User name <input name=\"username\" maxlength=\"113\" required></label></p>\
         <p><label>Password <input name=\"password\" type=\"password\" maxlength=\"256\" required></label></p>\
         <p><button>Log in</button></p></form>",
        escaped(&code.chars().take(16).collect::<String>())
    );
    Reply::html(status, document(&form))
}

fn document(content: &str) -> String {
    format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>Roadstead</title></head><body><main><h1>Roadstead</h1>{content}</main></body></html>"
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}
