//! Edge devices: the scope of each, the modules it is born with, and whose parent it is.
//! Source: `reference/hub-service.md` 1.4; docs, IoT Edge gateways (one parent, five layers)

use roadstead_model::{Device, DeviceAuth, DeviceId, Etag, GenerationId, InitialTwin, Module, ModuleId, Twin};

use crate::{error::HubError, hub::Hub, limits, modules::Newborn, registry::fresh_generation};

const SCOPE_SCHEME: &str = "ms-azure-iot-edge://";

/// The modules of which the edge runtime consists.
const RUNTIME_MODULES: [&str; 2] = ["$edgeAgent", "$edgeHub"];

/// Who the hub says looks after them.
const MANAGED_BY: &str = "iotEdge";

/// The scopes that a back end asks for. `None` leaves what is there; an empty text or list takes it away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeSpec {
    /// The parent's scope, for a device that is no edge device; an edge device's own is not for back ends to choose.
    pub scope: Option<String>,
    /// The parent's scope alone, or nothing.
    pub parents: Option<Vec<String>>,
}

/// What a device has of its own scope (or its parent's), and of its parents'.
pub(crate) type Scopes = (Option<String>, Vec<String>);

/// The scope of an edge device: `ms-azure-iot-edge://edge1-638994563210000000`.
pub(crate) fn own_scope(id: &DeviceId, generation: GenerationId) -> String {
    format!("{SCOPE_SCHEME}{id}-{generation}")
}

/// The edge device that a scope belongs to.
fn owner_of(scope: &str) -> Option<DeviceId> {
    let (id, number) = scope.strip_prefix(SCOPE_SCHEME)?.rsplit_once('-')?;
    let numbered = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    DeviceId::parse(id).ok().filter(|_| numbered)
}

impl Hub {
    /// The scopes a device gets: `before` is what is stored of it, `device` the same device as it shall be but for them.
    /// Errors: `Invalid`.
    pub(crate) async fn decide_scopes(
        &self,
        asked: &ScopeSpec,
        before: Option<&Device>,
        device: &Device,
    ) -> Result<Scopes, HubError> {
        let known = before.map_or(&[][..], |before| &before.parent_scopes);
        let parents = if device.iot_edge {
            let kept = || known.to_vec();
            asked.parents.as_ref().map_or_else(kept, |parents| without_empty(parents))
        } else {
            leafs_parents(asked, known)?
        };
        if parents.len() > limits::PARENTS_MAX {
            return Err(HubError::Invalid(format!(
                "parentScopes has {} entries, at most {} is allowed",
                parents.len(),
                limits::PARENTS_MAX
            )));
        }
        for scope in parents.iter().filter(|scope| !known.contains(scope)) {
            self.check_parent(device, scope).await?;
        }
        let own = device.iot_edge.then(|| own_scope(&device.id, device.generation));
        Ok((own.or_else(|| parents.first().cloned()), parents))
    }

    /// A parent must be an edge device of this hub and no descendant of its child.
    async fn check_parent(&self, child: &Device, scope: &str) -> Result<(), HubError> {
        let mut above = Some(scope.to_owned());
        for _ in 0..limits::EDGE_LAYERS_MAX {
            let Some(scope) = above else { return Ok(()) };
            let owner = match owner_of(&scope) {
                Some(id) => self.records().find_device(self.key(), &id).await?,
                None => None,
            };
            let Some(owner) = owner.filter(|owner| owner.iot_edge && owner.scope.as_deref() == Some(&scope)) else {
                let text = format!("scope `{scope}` is that of no edge device of this hub");
                return Err(HubError::Invalid(text));
            };
            if owner.id == child.id {
                return Err(HubError::Invalid(format!("device `{}` cannot be its own parent", child.id)));
            }
            above = owner.parent_scopes.into_iter().next();
        }
        match above {
            None => Ok(()),
            Some(_) => Err(HubError::Invalid(format!(
                "device `{}` would have more than {} edge devices above it",
                child.id,
                limits::EDGE_LAYERS_MAX
            ))),
        }
    }

    /// The modules that a device needs when it becomes an edge device, beside those that are `there`. They prove themselves
    /// with nothing until the runtime gives them keys, `guess (?)`.
    pub(crate) fn runtime_modules(&self, device: &Device, there: &[Module]) -> Vec<Newborn> {
        let now = self.now();
        let missing = RUNTIME_MODULES.into_iter().filter(|id| there.iter().all(|module| module.id.as_str() != *id));
        missing
            .map(|id| {
                let module = Module {
                    device: device.id.clone(),
                    id: ModuleId::parse(id).expect("a dollar sign and letters make an id"),
                    generation: fresh_generation(now, self.random()),
                    etag: Etag::fresh(self.random()),
                    auth: DeviceAuth::None,
                    managed_by: Some(MANAGED_BY.to_owned()),
                    created: now,
                };
                (module, Twin::new(&InitialTwin::default(), now))
            })
            .collect()
    }
}

/// A leaf's parent may be said in two ways, and clients send back what they read in both. What differs from what is known
/// decides.
fn leafs_parents(asked: &ScopeSpec, known: &[String]) -> Result<Vec<String>, HubError> {
    let by_scope = asked.scope.as_ref().map(|scope| without_empty(std::slice::from_ref(scope)));
    let by_parents = asked.parents.as_ref().map(|parents| without_empty(parents));
    let changed = |parents: &Vec<String>| parents != known;
    match (by_scope.filter(changed), by_parents.filter(changed)) {
        (Some(scope), Some(parents)) if scope != parents => {
            Err(HubError::Invalid("deviceScope and parentScopes name different parents".to_owned()))
        }
        (Some(parents), _) | (None, Some(parents)) => Ok(parents),
        (None, None) => Ok(known.to_vec()),
    }
}

fn without_empty(scopes: &[String]) -> Vec<String> {
    scopes.iter().filter(|scope| !scope.is_empty()).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_name_their_owner() {
        let id = |text| DeviceId::parse(text).unwrap();
        for text in ["edge1", "edge-1", "edge-1-2"] {
            assert_eq!(owner_of(&own_scope(&id(text), GenerationId(638))), Some(id(text)));
        }
        for bad in ["", "edge1-1", "ms-azure-iot-edge://edge1", "ms-azure-iot-edge://edge1-", "ms-azure-iot-edge://-1"]
        {
            assert_eq!(owner_of(bad), None, "{bad}");
        }
    }

    #[test]
    fn of_a_leafs_two_scopes_the_changed_one_decides() {
        let list = |scopes: &[&str]| scopes.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        let known = list(&["p"]);
        for (scope, parents, expected) in [
            (None, None, Some(&["p"][..])),
            (Some("p"), Some(&["p"][..]), Some(&["p"])),
            (Some("q"), Some(&["p"]), Some(&["q"])),
            (Some("p"), Some(&["q"]), Some(&["q"])),
            (Some("q"), Some(&["q"]), Some(&["q"])),
            (Some(""), Some(&["p"]), Some(&[])),
            (Some("p"), Some(&[]), Some(&[])),
            (Some(""), None, Some(&[])),
            (None, Some(&["q"]), Some(&["q"])),
            (Some("q"), Some(&["r"]), None),
            (Some(""), Some(&["r"]), None),
        ] {
            let asked = ScopeSpec { scope: scope.map(str::to_owned), parents: parents.map(list) };
            assert_eq!(leafs_parents(&asked, &known).ok(), expected.map(list), "{asked:?}");
        }
    }
}
