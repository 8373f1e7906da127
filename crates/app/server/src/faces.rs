//! What joins faces that must not know each other.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use roadstead_auth::{AuthRefusal, BearerUse, Permission, Target};
use roadstead_front_amqp::AmqpFront;
use roadstead_front_arm::Arm;
use roadstead_front_http::{BearerAt, Bearers, Management, WebSockets};
use roadstead_front_mqtt::MqttFront;
use roadstead_front_transport::{
    Peer,
    websocket::{ByteStream, Subprotocol},
};
use roadstead_resources::{Access, Resources};

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

/// Who logged in, at the service APIs of hubs and DPS instances.
pub struct LoggedInCallers {
    pub access: Arc<Access>,
    pub resources: Arc<Resources>,
}

impl Bearers for LoggedInCallers {
    fn judge(&self, token: &str, at: BearerAt<'_>, permission: Permission) -> Result<(), AuthRefusal> {
        let usage = match at {
            BearerAt::Hub(_) => BearerUse::Hub,
            BearerAt::Dps(_) => BearerUse::Dps,
        };
        let caller = self.access.admit(token, usage)?;
        let directory = self.resources.directory();
        let may = match at {
            BearerAt::Hub(key) => directory
                .find_hub_by_key(key)
                .is_some_and(|hub| caller.may(permission, Target::Hub(hub.group.as_str(), key))),
            BearerAt::Dps(scope) => directory
                .find_dps_by_scope(scope)
                .is_some_and(|dps| caller.may(permission, Target::Dps(dps.group.as_str(), scope))),
        };
        if may { Ok(()) } else { Err(AuthRefusal::RoleLacks { name: caller.name, permission }) }
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
