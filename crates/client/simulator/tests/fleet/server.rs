//! DPS and a hub in one, just real enough for fleets.

use crate::stub::{Peer, Received, Stub, assigned};
use roadstead_device::{SasKey, derive_device_key};
use roadstead_mqtt_proto::{Connack, Packet, QoS, Refusal, SubackCode, decode, encode};
use roadstead_pki::Certificate;
use roadstead_sas::SasToken;
use roadstead_wire::UserName;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::sync::watch;
use tokio::task::AbortHandle;

#[derive(Default)]
pub struct Behaviour {
    /// Whose derived keys are taken; any credential else.
    pub group_key: Option<SasKey>,
    /// So many connects to the hub are told that it is busy.
    pub busy_connects: u32,
    /// The first connection of each device to the hub ends after so many messages, the last of them not acknowledged.
    pub drop_after: Option<usize>,
}

/// What was seen of a device.
#[derive(Clone, Default)]
pub struct Seen {
    pub certificate: Option<Certificate>,
    pub connects: u32,
    /// Each message once.
    pub messages: Vec<Vec<u8>>,
}

pub struct Server {
    pub address: SocketAddr,
    pub ca_pem: String,
    shared: Arc<Shared>,
    task: AbortHandle,
}

struct Shared {
    behaviour: Behaviour,
    seen: Mutex<BTreeMap<String, Seen>>,
    busy: Mutex<u32>,
    messages: watch::Sender<usize>,
}

impl Server {
    pub async fn start(behaviour: Behaviour) -> Self {
        let stub = Stub::start().await;
        let (address, ca_pem) = (stub.address, stub.ca_pem.clone());
        let (busy, seen) = (Mutex::new(behaviour.busy_connects), Mutex::default());
        let shared = Arc::new(Shared { behaviour, seen, busy, messages: watch::Sender::new(0) });
        let served = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            loop {
                if let Some(peer) = stub.try_accept().await {
                    tokio::spawn(serve(peer, Arc::clone(&served)));
                }
            }
        });
        Self { address, ca_pem, shared, task: task.abort_handle() }
    }

    pub fn seen(&self) -> BTreeMap<String, Seen> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Ready when so many messages have come.
    pub async fn messages(&self, count: usize) {
        self.shared.messages.subscribe().wait_for(|seen| *seen >= count).await.unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut peer: Peer, shared: Arc<Shared>) {
    let login = peer.connect().await;
    let id = login.client_id.clone();
    let is_dps = matches!(UserName::parse(&login.user_name), Some(UserName::Dps(_)));
    if is_dps {
        let proven = match (&shared.behaviour.group_key, &login.password) {
            (Some(key), Some(token)) => SasToken::parse(token).unwrap().signed_by(&derive_device_key(key, &id)),
            (Some(_), None) => false,
            (None, _) => true,
        };
        accept(&mut peer).await;
        register(&mut peer, &id, proven).await;
        return;
    }
    if take_busy(&shared) {
        peer.send(|out| encode::connack(out, Connack::Refused(Refusal::ServerUnavailable))).await;
        return;
    }
    let certificate = peer.certificate.as_ref().map(|der| Certificate::from_der(der).unwrap());
    let connects = {
        let mut seen = shared.seen.lock().unwrap();
        let device = seen.entry(id.clone()).or_default();
        device.certificate = certificate;
        device.connects += 1;
        device.connects
    };
    accept(&mut peer).await;
    let drop_after = shared.behaviour.drop_after.filter(|_| connects == 1);
    let mut count = 0;
    while let Some(packet) = peer.next().await {
        let Packet::Publish(publish) = decode(&packet).unwrap() else { break };
        let packet_id = publish.packet_id.unwrap();
        remember(&shared, &id, publish.payload);
        count += 1;
        if drop_after == Some(count) {
            return;
        }
        peer.puback(packet_id).await;
    }
}

async fn accept(peer: &mut Peer) {
    peer.send(|out| encode::connack(out, Connack::Accepted { session_present: false })).await;
}

async fn register(peer: &mut Peer, id: &str, proven: bool) {
    let packet = peer.next().await.unwrap();
    let Packet::Subscribe(subscribe) = decode(&packet).unwrap() else { panic!("{packet:?}") };
    let subscribed = subscribe.packet_id;
    peer.send(|out| encode::suback(out, subscribed, [SubackCode::Granted(QoS::AtLeastOnce)]).unwrap()).await;
    let request: Received = peer.publish().await;
    let refusal = r#"{"errorCode":401002,"message":"wrong key"}"#;
    if proven {
        peer.respond(&request, 202, None, &assigned(id)).await;
    } else {
        peer.respond(&request, 401, None, refusal).await;
    }
    while peer.next().await.is_some() {}
}

fn take_busy(shared: &Shared) -> bool {
    let mut busy = shared.busy.lock().unwrap();
    let is_busy = *busy > 0;
    *busy = busy.saturating_sub(1);
    is_busy
}

fn remember(shared: &Shared, id: &str, body: &[u8]) {
    {
        let mut seen = shared.seen.lock().unwrap();
        let messages = &mut seen.entry(id.to_owned()).or_default().messages;
        if !messages.iter().any(|known| known == body) {
            messages.push(body.to_vec());
        }
    }
    shared.messages.send_modify(|messages| *messages += 1);
}
