//! Deployments of templates: their resources are put one after the other, each as if it had been sent alone.

use bytes::Bytes;
use hyper::Request;
use roadstead_resources::Caller;
use roadstead_wire::percent;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    arm::{Arm, Way},
    call::Call,
    op::{GROUP, NAME, subscription},
    refusal::Refusal,
    reply::Reply,
};

/// Resources of one template. Source: docs, Resource Manager limits
const RESOURCES_MAX: usize = 800;
/// What a resource of a template says beside its body.
const NOT_OF_THE_BODY: [&str; 6] = ["type", "name", "apiVersion", "dependsOn", "comments", "scope"];

/// Shape: `{"properties":{"mode":"Incremental","template":{"resources":[…]},"parameters":{}}}`.
#[derive(Deserialize)]
struct Deployment {
    properties: Properties,
}

#[derive(Deserialize)]
struct Properties {
    #[serde(default)]
    mode: Option<String>,
    template: Template,
}

#[derive(Deserialize)]
struct Template {
    resources: Vec<Map<String, Value>>,
}

/// A resource of a template, ready to be put.
struct Step {
    /// `Microsoft.Devices/IotHubs/certificates`, in pieces.
    kinds: Vec<String>,
    /// `plant/root`, in pieces, as many as there are kinds.
    names: Vec<String>,
    body: Map<String, Value>,
}

/// `PUT …/deployments/D`. What was put before a resource is refused stays, as in Azure.
pub(crate) async fn put(arm: &Arm, call: &Call, caller: &Caller, way: Way<'_>) -> Result<Reply, Refusal> {
    for step in steps(arm, call)? {
        let name = step.names.join("/");
        let inner = request(arm, call, step)?;
        arm.put_of_template(&inner, caller, way).await.map_err(|refusal| refusal.of_resource(&name))?;
    }
    Ok(Reply::ok(&shape(arm, call)))
}

/// `POST …/deployments/D/validate`: whether the template can be read, not whether each resource would be taken.
pub(crate) fn validate(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    steps(arm, call)?;
    Ok(Reply::ok(&shape(arm, call)))
}

/// Deployments end at once, and are not remembered.
pub(crate) fn list(arm: &Arm, call: &Call) -> Result<Reply, Refusal> {
    arm.resources.list_hubs(Some(call.segment(GROUP)))?;
    Ok(Reply::ok(&json!({"value": []})))
}

/// What is to be put, hubs and DPS instances before what is in them.
fn steps(arm: &Arm, call: &Call) -> Result<Vec<Step>, Refusal> {
    let asked: Deployment = call.relaxed_json()?;
    arm.resources.list_hubs(Some(call.segment(GROUP)))?;
    if asked.properties.mode.is_some_and(|mode| !mode.eq_ignore_ascii_case("incremental")) {
        return Err(Refusal::bad_template("its mode must be Incremental: nothing is deleted by a deployment"));
    }
    let resources = asked.properties.template.resources;
    if resources.len() > RESOURCES_MAX {
        return Err(Refusal::bad_template(&format!("it has more than {RESOURCES_MAX} resources")));
    }
    let mut steps = resources.into_iter().map(step).collect::<Result<Vec<_>, _>>()?;
    steps.sort_by_key(|step| step.kinds.len());
    Ok(steps)
}

fn step(mut resource: Map<String, Value>) -> Result<Step, Refusal> {
    let pieces = |member: &str| -> Result<Vec<String>, Refusal> {
        let text = resource.get(member).and_then(Value::as_str);
        let text = text.ok_or_else(|| Refusal::bad_template(&format!("a resource has no {member}")))?;
        Ok(text.split('/').map(str::to_owned).collect())
    };
    let (mut kinds, names) = (pieces("type")?, pieces("name")?);
    let shown: String = names.join("/").chars().take(200).collect();
    if !kinds.first().is_some_and(|first| first.eq_ignore_ascii_case("Microsoft.Devices")) {
        return Err(Refusal::bad_template(&format!("resource '{shown}' is not of Microsoft.Devices")));
    }
    kinds.remove(0);
    if kinds.len() != names.len() || names.iter().any(String::is_empty) {
        return Err(Refusal::bad_template(&format!("resource '{shown}' needs one name for each part of its type")));
    }
    resource.retain(|member, _| !NOT_OF_THE_BODY.contains(&member.as_str()));
    if names.iter().any(|name| is_expression(name)) || resource.values().any(has_expression) {
        let fault = format!("resource '{shown}' has an expression in brackets; only plain values are supported");
        return Err(Refusal::bad_template(&fault));
    }
    Ok(Step { kinds, names, body: resource })
}

/// `[parameters('name')]`; `[[` stands for a bracket.
fn is_expression(text: &str) -> bool {
    text.starts_with('[') && text.ends_with(']') && !text.starts_with("[[")
}

fn has_expression(value: &Value) -> bool {
    match value {
        Value::String(text) => is_expression(text),
        Value::Array(items) => items.iter().any(has_expression),
        Value::Object(members) => members.values().any(has_expression),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The request that puts one resource alone.
fn request(arm: &Arm, call: &Call, step: Step) -> Result<Call, Refusal> {
    let group = percent::encode(call.segment(GROUP));
    let mut path =
        format!("/subscriptions/{}/resourceGroups/{group}/providers/Microsoft.Devices", subscription::id(arm));
    for (kind, name) in step.kinds.iter().zip(&step.names) {
        path = format!("{path}/{}/{}", percent::encode(kind), percent::encode(name));
    }
    let body = Bytes::from(Value::Object(step.body).to_string());
    // Whichever version is there.
    let request = Request::put(path).header("if-match", "*").body(body);
    let request = request.map_err(|_| Refusal::bad_template("a resource's type or name is too odd for a path"))?;
    Ok(Call::new(request))
}

fn shape(arm: &Arm, call: &Call) -> Value {
    let (group, name) = (call.segment(GROUP), call.segment(NAME));
    let subscription = subscription::id(arm);
    json!({
        "id": format!("/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.Resources/deployments/{name}"),
        "name": name,
        "type": "Microsoft.Resources/deployments",
        "properties": {
            "provisioningState": "Succeeded",
            "mode": "Incremental",
            "parameters": {},
            "outputs": {},
            "dependencies": [],
            "providers": [],
        },
    })
}
