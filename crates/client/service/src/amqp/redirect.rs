//! From a hub's own address to its built-in endpoint. Source: `reference/hub-service.md` 3.1

use super::endpoint::{EventHub, split_port};
use super::fault::refused;
use super::line::{Asking, Line};
use crate::error::ServiceError;
use crate::limits::SAS_LIFETIME_S;
use crate::policy::Policy;
use crate::transport::Transport;
use fe2o3_amqp::Receiver;
use fe2o3_amqp::link::{LinkStateError, ReceiverAttachError, RecvError};
use fe2o3_amqp::types::definitions::{Error, ErrorCondition, LinkError};
use fe2o3_amqp::types::messaging::Body;
use fe2o3_amqp::types::primitives::{Symbol, Value};
use roadstead_sas::{SasKey, sign};
use roadstead_wire::amqp::redirect;

/// Asks the hub at `host` where its events are.
pub(crate) async fn find(
    transport: &Transport,
    host: &str,
    port: u16,
    policy: &Policy,
) -> Result<EventHub, ServiceError> {
    let mut line = Line::open(transport, host, port, false).await?;
    let found = ask(&mut line, host, policy, transport).await;
    line.close().await;
    found
}

async fn ask(line: &mut Line, host: &str, policy: &Policy, transport: &Transport) -> Result<EventHub, ServiceError> {
    let expiry_s = transport.now().seconds().0.saturating_add(SAS_LIFETIME_S);
    let token = sign(host, &policy.key, expiry_s, Some(&policy.name));
    Asking::attach(line, "$cbs").await?.put_token(host, token).await?;
    let faults = line.faults.clone();
    let address = format!("amqps://{host}/messages/events/$management");
    let attached = Receiver::attach(&mut line.session, "events", address).await;
    let told = match attached {
        Err(ReceiverAttachError::RemoteClosedWithError(error)) => error,
        Err(other) => return Err(faults.receiver(other)),
        // Some libraries tell of the detach only to who goes on.
        Ok(mut receiver) => match receiver.recv::<Body<Value>>().await {
            Err(RecvError::LinkStateError(
                LinkStateError::RemoteClosedWithError(error) | LinkStateError::RemoteDetachedWithError(error),
            )) => error,
            Err(other) => return Err(faults.recv(other)),
            Ok(_) => return Err(faults.odd("a message where events are not")),
        },
    };
    if told.condition != ErrorCondition::LinkError(LinkError::Redirect) {
        return Err(refused(&told));
    }
    // Event Hubs sign with the key's text. Source: `reference/hub-service.md` 5
    let text = policy.key.to_base64();
    let policy = Policy { name: policy.name.clone(), key: SasKey::from_bytes(text.as_bytes().to_vec()) };
    read(&told, policy).ok_or_else(|| faults.odd("a redirect that leads nowhere"))
}

/// `address` is `amqps://HOST:PORT/ENTITY/$management`.
fn read(error: &Error, policy: Policy) -> Option<EventHub> {
    let Value::String(address) = error.info.as_ref()?.get(&Symbol::from(redirect::ADDRESS))? else { return None };
    let (authority, path) = address.strip_prefix("amqps://")?.split_once('/')?;
    let (host, port) = split_port(authority)?;
    let entity = path.split('/').next().filter(|entity| !entity.is_empty())?.to_owned();
    Some(EventHub { host, port: port.unwrap_or(crate::limits::AMQP_PORT), is_plain: false, entity, policy })
}

#[cfg(test)]
mod tests {
    use super::*;
    use fe2o3_amqp::types::definitions::Fields;

    #[test]
    fn where_redirects_lead() {
        let policy = || Policy { name: "p".to_owned(), key: SasKey::from_bytes(vec![1]) };
        for (address, expected) in [
            ("amqps://h.example:5671/e/$management", Some(("h.example", 5671, "e"))),
            ("amqps://h.example/e/$management", Some(("h.example", 5671, "e"))),
            ("amqps://h.example:15671/e", Some(("h.example", 15671, "e"))),
            ("amqps://h.example:5671/", None),
            ("amqps://:5671/e", None),
            ("amqps://h.example:x/e", None),
            ("amqp://h.example/e", None),
            ("h.example/e", None),
        ] {
            let mut info = Fields::new();
            info.insert(redirect::ADDRESS.into(), Value::String(address.to_owned()));
            let found = read(&Error::new(LinkError::Redirect, None, info), policy());
            let found = found.as_ref().map(|hub| (hub.host.as_str(), hub.port, hub.entity.as_str()));
            assert_eq!(found, expected, "{address}");
        }
        assert!(read(&Error::new(LinkError::Redirect, None, None), policy()).is_none());
    }
}
