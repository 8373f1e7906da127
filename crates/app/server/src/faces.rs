//! What joins faces that must not know each other.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use roadstead_auth::{AuthRefusal, BearerUse, Permission, Target};
use roadstead_front_amqp::{AmqpFront, BearerGrant};
use roadstead_front_arm::Arm;
use roadstead_front_http::{BearerAt, Bearers, Management, WebSockets};
use roadstead_front_mqtt::MqttFront;
use roadstead_front_transport::{
    HandshakeObserver, Peer, RefusedHandshake,
    websocket::{ByteStream, Subprotocol},
};
use roadstead_journal::{Journal, Refused};
use roadstead_model::{DeviceProtocol, HubKey, IdScope, JournalOwner, Origin, RefusalCause};
use roadstead_resources::{Access, Caller, Resources};

/// Resource Manager behind the HTTPS port.
pub struct ResourceManager(pub Arm);

#[async_trait]
impl Management for ResourceManager {
    fn claims(&self, path: &str) -> bool {
        Arm::claims(path)
    }

    async fn answer(&self, request: Request<Bytes>, base_url: &str, address: IpAddr) -> Response<Bytes> {
        self.0.answer(request, base_url, address).await
    }
}

/// Who logged in, at the service APIs of hubs and DPS instances, by HTTPS and AMQP.
pub struct LoggedInCallers {
    pub access: Arc<Access>,
    pub resources: Arc<Resources>,
}

impl LoggedInCallers {
    fn admit_to_hub(&self, token: &str, key: HubKey, permission: Permission) -> Result<Caller, AuthRefusal> {
        let caller = self.access.admit(token, BearerUse::Hub)?;
        let directory = self.resources.directory();
        let hub = directory.find_hub_by_key(key);
        let may = hub.is_some_and(|hub| caller.may(permission, Target::Hub(hub.group.as_str(), key)));
        allow(caller, permission, may)
    }

    fn admit_to_dps(&self, token: &str, scope: &IdScope, permission: Permission) -> Result<Caller, AuthRefusal> {
        let caller = self.access.admit(token, BearerUse::Dps)?;
        let directory = self.resources.directory();
        let dps = directory.find_dps_by_scope(scope);
        let may = dps.is_some_and(|dps| caller.may(permission, Target::Dps(dps.group.as_str(), scope)));
        allow(caller, permission, may)
    }
}

fn allow(caller: Caller, permission: Permission, may: bool) -> Result<Caller, AuthRefusal> {
    if may { Ok(caller) } else { Err(AuthRefusal::RoleLacks { name: caller.name, permission }) }
}

impl Bearers for LoggedInCallers {
    fn judge(&self, token: &str, at: BearerAt<'_>, permission: Permission) -> Result<String, AuthRefusal> {
        let admitted = match at {
            BearerAt::Hub(key) => self.admit_to_hub(token, key, permission),
            BearerAt::Dps(scope) => self.admit_to_dps(token, scope, permission),
        };
        admitted.map(|caller| caller.name)
    }
}

impl roadstead_front_amqp::Bearers for LoggedInCallers {
    fn judge(&self, token: &str, hub: HubKey, permission: Permission) -> Result<BearerGrant, AuthRefusal> {
        let caller = self.admit_to_hub(token, hub, permission)?;
        Ok(BearerGrant { principal: caller.id, expires: caller.expires })
    }
}

/// What is spoken inside WebSockets.
pub struct Inside {
    pub mqtt: Arc<MqttFront>,
    pub amqp: Arc<AmqpFront>,
}

#[async_trait]
impl WebSockets for Inside {
    async fn serve(&self, io: TokioIo<Upgraded>, subprotocol: Subprotocol, caller: roadstead_front_http::Caller) {
        let roadstead_front_http::Caller { address, certificates, connection, .. } = caller;
        let bytes = ByteStream::new(io).await;
        match subprotocol {
            Subprotocol::Mqtt => {
                let caller = roadstead_front_mqtt::Caller { address, certificates, connection };
                self.mqtt.serve(bytes, caller).await;
            }
            Subprotocol::Amqp => {
                let caller = roadstead_front_amqp::Caller { address, certificates, connection };
                self.amqp.serve(bytes, caller).await;
            }
        }
    }
}

pub fn mqtt_caller(peer: &Peer, connection: u64) -> roadstead_front_mqtt::Caller {
    roadstead_front_mqtt::Caller { address: peer.address, certificates: peer.certificates.clone(), connection }
}

pub fn amqp_caller(peer: &Peer, connection: u64) -> roadstead_front_amqp::Caller {
    roadstead_front_amqp::Caller { address: peer.address, certificates: peer.certificates.clone(), connection }
}

pub fn http_caller(peer: &Peer, connection: u64) -> roadstead_front_http::Caller {
    roadstead_front_http::Caller {
        address: peer.address,
        certificates: peer.certificates.clone(),
        server_name: peer.server_name.clone(),
        connection,
    }
}

/// Writes down who got no further than TLS: nobody knows whom it wanted.
pub fn handshakes(journal: Arc<Journal>) -> HandshakeObserver {
    Arc::new(move |refused: RefusedHandshake| {
        let protocol = match refused.listener {
            "mqtt" => DeviceProtocol::Mqtt,
            "amqp" => DeviceProtocol::Amqp,
            _ => DeviceProtocol::Https,
        };
        let cause = if refused.is_server_untrusted { RefusalCause::ServerNotTrusted } else { RefusalCause::TlsFailed };
        journal.refused(Refused {
            owner: JournalOwner::NoHub,
            id: "",
            origin: Origin { protocol, address: Some(refused.address.ip()) },
            target: "",
            cause,
            code: refused.code,
            message: refused.message,
        });
    })
}
