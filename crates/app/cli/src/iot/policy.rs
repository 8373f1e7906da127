//! `roadstead iot hub policy` and `roadstead iot dps policy`: all policies are shown, changed and put back with their hub or
//! DPS, as `az` does it, unless somebody else changed that in between.

use super::lookup::{Found, absent_policy, find, find_policy, text};
use crate::args::Global;
use crate::args::certificate::OfHub;
use crate::args::policy::{DpsPolicies, DpsPolicy, DpsPolicyCommand, HubPolicy, HubPolicyCommand};
use crate::args::value::{DpsRight, HubRight, PolicyKey};
use crate::context::Server;
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_service::{Kind, Management};
use serde_json::{Value, json};

pub async fn run_hub(command: &HubPolicyCommand, global: &Global) -> Result<Printed, Failure> {
    let management = Server::open(global)?.management;
    let hub = async |of: &OfHub| find(&management, Kind::Hub, &of.hub_name, of.within.resource_group.as_deref()).await;
    Ok(match command {
        HubPolicyCommand::List(of) => list(&management, &hub(of).await?).await?.into(),
        HubPolicyCommand::Show(HubPolicy { name, of }) => find_policy(&management, &hub(of).await?, name).await?.into(),
        HubPolicyCommand::Create(create) => {
            let HubPolicy { name, of } = &create.policy;
            let rights = rights(&create.permissions, HubRight::word);
            let policy = json!({"keyName": name, "rights": rights});
            rewrite(&management, &hub(of).await?, |policies, hub| add(policies, policy, hub)).await?.into()
        }
        HubPolicyCommand::RenewKey(renew) => {
            let HubPolicy { name, of } = &renew.policy;
            let hub = hub(of).await?;
            rewrite(&management, &hub, |policies, hub| {
                renew_key(one(policies, name, hub)?, renew.renew_key);
                Ok(())
            })
            .await?;
            find_policy(&management, &hub, name).await?.into()
        }
        HubPolicyCommand::Delete(HubPolicy { name, of }) => {
            rewrite(&management, &hub(of).await?, |policies, hub| remove(policies, name, hub)).await?.into()
        }
    })
}

pub async fn run_dps(command: &DpsPolicyCommand, global: &Global) -> Result<Printed, Failure> {
    let management = Server::open(global)?.management;
    let dps =
        async |of: &DpsPolicies| find(&management, Kind::Dps, &of.dps_name, of.within.resource_group.as_deref()).await;
    Ok(match command {
        DpsPolicyCommand::List(of) => list(&management, &dps(of).await?).await?.into(),
        DpsPolicyCommand::Show(DpsPolicy { policy_name, of }) => {
            find_policy(&management, &dps(of).await?, policy_name).await?.into()
        }
        DpsPolicyCommand::Create(create) => {
            let DpsPolicy { policy_name, of } = &create.policy;
            let mut policy = json!({"keyName": policy_name, "rights": rights(&create.rights, DpsRight::word)});
            give(&mut policy, create.primary_key.as_deref(), create.secondary_key.as_deref());
            let dps = dps(of).await?;
            rewrite(&management, &dps, |policies, dps| add(policies, policy, dps)).await?;
            find_policy(&management, &dps, policy_name).await?.into()
        }
        DpsPolicyCommand::Update(update) => {
            let DpsPolicy { policy_name, of } = &update.policy;
            if update.rights.is_empty() && update.primary_key.is_none() && update.secondary_key.is_none() {
                return Err(
                    Failure::usage("nothing to change").hint("say `--rights`, `--primary-key` or `--secondary-key`")
                );
            }
            let dps = dps(of).await?;
            rewrite(&management, &dps, |policies, dps| {
                let policy = one(policies, policy_name, dps)?;
                if !update.rights.is_empty() {
                    policy["rights"] = rights(&update.rights, DpsRight::word).into();
                }
                give(policy, update.primary_key.as_deref(), update.secondary_key.as_deref());
                Ok(())
            })
            .await?;
            find_policy(&management, &dps, policy_name).await?.into()
        }
        DpsPolicyCommand::Delete(delete) => {
            let DpsPolicy { policy_name, of } = &delete.policy;
            let dps = dps(of).await?;
            rewrite(&management, &dps, |policies, dps| remove(policies, policy_name, dps)).await?;
            list(&management, &dps).await?.into()
        }
    })
}

async fn list(management: &Management, of: &Found) -> Result<Vec<Value>, Failure> {
    Ok(management.list_keys(&of.resource).await?)
}

/// Puts the hub or DPS back with other policies.
async fn rewrite(
    management: &Management,
    of: &Found,
    change: impl FnOnce(&mut Vec<Value>, &Found) -> Result<(), Failure>,
) -> Result<Value, Failure> {
    let mut policies = list(management, of).await?;
    change(&mut policies, of)?;
    let mut document = of.document.clone();
    document["properties"]["authorizationPolicies"] = policies.into();
    let etag = of.document.get("etag").and_then(Value::as_str);
    Ok(management.put(&of.resource, &document, etag).await?)
}

fn is_named(policy: &Value, name: &str) -> bool {
    text(policy, "/keyName").eq_ignore_ascii_case(name)
}

fn one<'a>(policies: &'a mut [Value], name: &str, of: &Found) -> Result<&'a mut Value, Failure> {
    policies.iter_mut().find(|policy| is_named(policy, name)).ok_or_else(|| absent_policy(name, of))
}

fn add(policies: &mut Vec<Value>, policy: Value, of: &Found) -> Result<(), Failure> {
    let name = text(&policy, "/keyName").to_owned();
    if policies.iter().any(|policy| is_named(policy, &name)) {
        return Err(Failure::error(format!("policy `{name}` exists already in {}", of.label()))
            .hint("choose another name, or delete it first"));
    }
    policies.push(policy);
    Ok(())
}

fn remove(policies: &mut Vec<Value>, name: &str, of: &Found) -> Result<(), Failure> {
    let before = policies.len();
    policies.retain(|policy| !is_named(policy, name));
    if policies.len() == before { Err(absent_policy(name, of)) } else { Ok(()) }
}

/// A key that is absent is made by the server.
fn renew_key(policy: &mut Value, which: PolicyKey) {
    match which {
        PolicyKey::Primary => policy["primaryKey"] = Value::Null,
        PolicyKey::Secondary => policy["secondaryKey"] = Value::Null,
        PolicyKey::Swap => {
            let primary = policy["primaryKey"].take();
            policy["primaryKey"] = policy["secondaryKey"].take();
            policy["secondaryKey"] = primary;
        }
    }
}

/// Keys that were said; an empty text stands for one that the server makes.
fn give(policy: &mut Value, primary: Option<&str>, secondary: Option<&str>) {
    for (member, key) in [("primaryKey", primary), ("secondaryKey", secondary)] {
        if let Some(key) = key {
            policy[member] = if key.is_empty() { Value::Null } else { key.into() };
        }
    }
}

/// `RegistryRead, ServiceConnect`
fn rights<R: Copy>(rights: &[R], word: fn(R) -> &'static str) -> String {
    rights.iter().map(|right| word(*right)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use roadstead_service::Resource;

    fn found() -> Found {
        let resource = Resource { kind: Kind::Dps, group: "g".to_owned(), name: "d".to_owned() };
        Found { resource, document: json!({}) }
    }

    fn policy() -> Value {
        json!({"keyName": "Mine", "primaryKey": "1", "secondaryKey": "2", "rights": "ServiceConfig"})
    }

    #[test]
    fn keys_are_made_anew_or_swapped() {
        for (which, expected) in [
            (PolicyKey::Primary, (json!(null), json!("2"))),
            (PolicyKey::Secondary, (json!("1"), json!(null))),
            (PolicyKey::Swap, (json!("2"), json!("1"))),
        ] {
            let mut renewed = policy();
            renew_key(&mut renewed, which);
            assert_eq!((renewed["primaryKey"].clone(), renewed["secondaryKey"].clone()), expected, "{which:?}");
        }
        let mut given = policy();
        give(&mut given, Some(""), None);
        assert_eq!((&given["primaryKey"], &given["secondaryKey"]), (&json!(null), &json!("2")));
    }

    #[test]
    fn names_are_compared_as_azure_does() {
        let of = found();
        let mut policies = vec![policy()];
        insta::assert_snapshot!(add(&mut policies, json!({"keyName": "mine"}), &of).unwrap_err().text(false), @"
        error: policy `mine` exists already in DPS `d`

        hint: choose another name, or delete it first
        ");
        insta::assert_snapshot!(remove(&mut policies, "other", &of).unwrap_err().text(false), @"
        error: policy `other` not found in DPS `d`

        hint: `roadstead iot dps policy list --dps-name d` shows those there are
        ");
        assert!(one(&mut policies, "MINE", &of).is_ok());
        remove(&mut policies, "MINE", &of).unwrap();
        assert_eq!(policies, Vec::<Value>::new());
    }

    #[test]
    fn rights_are_written_as_they_are_shown() {
        assert_eq!(
            rights(&[HubRight::RegistryRead, HubRight::ServiceConnect], HubRight::word),
            "RegistryRead, ServiceConnect"
        );
    }
}
