//! Back ends that go about their business meanwhile.

use std::{sync::Arc, time::Duration};

use roadstead_hub::{
    AuthSpec, HubError, IdentitySpec, IfMatch, MethodRequest, NewMessage, SectionChange, TwinChange, TwinWrite,
};
use roadstead_model::{Ack, DeviceStatus, Properties, SystemProperty};
use serde_json::{Map, Value, value::RawValue};
use tokio::time::{Instant, sleep, timeout};

use super::{Simulation, Who, chance::Chance, device_id};

pub async fn patches(sim: Arc<Simulation>, who: Who, mut chance: Chance) {
    while sim.is_storming() {
        sleep(chance.ms(1, 4000)).await;
        patch(&sim, who, &mut chance).await;
    }
}

/// Changes one of a few keys, or removes it.
pub async fn patch(sim: &Simulation, who: Who, chance: &mut Chance) {
    let value = if chance.percent(20) { Value::Null } else { chance.below(1000).into() };
    let patch = Map::from_iter([(format!("d{}", chance.below(5)), value)]);
    let change = TwinChange { desired: SectionChange::Write(patch), ..TwinChange::default() };
    match sim.hub.update_twin(&who.id(), change, TwinWrite::Patch, IfMatch::Any).await {
        Ok(_) | Err(HubError::Internal(_)) => {}
        Err(error) => sim.ledger.lock().violate(format!("a patch was refused: {error:?}")),
    }
}

pub async fn calls(sim: Arc<Simulation>, who: Who, mut chance: Chance) {
    while sim.is_storming() {
        sleep(chance.ms(1, 4000)).await;
        let (sim, wait) = (sim.clone(), *chance.one_of(&[0, 1, 10]));
        tokio::spawn(async move { call(&sim, who, wait).await });
    }
}

/// Calls, and says whether there was an answer. It must be the one of the connection that was asked.
pub async fn call(sim: &Simulation, who: Who, wait_s: u64) -> bool {
    let call = sim.ledger.lock().number();
    let request = MethodRequest {
        name: "m".to_owned(),
        payload: Some(RawValue::from_string(call.to_string()).unwrap()),
        response_timeout: Duration::from_secs(8),
        connect_timeout: Duration::from_secs(wait_s),
    };
    let limit = Duration::from_secs(8 + wait_s + 2);
    let Ok(outcome) = timeout(limit, sim.hub.invoke_method(&who.id(), request)).await else {
        sim.ledger.lock().violate(format!("call {call} did not end in time"));
        return false;
    };
    let mut ledger = sim.ledger.lock();
    let asked = ledger.calls.get(&call).copied();
    match outcome {
        Ok(answer) => {
            let body: Vec<u64> = serde_json::from_str(answer.payload.unwrap().get()).unwrap();
            if asked.map(|connection| vec![call, connection as u64]) != Some(body.clone()) {
                ledger.violate(format!("call {call} to connection {asked:?} was answered {body:?}"));
            }
            true
        }
        Err(HubError::DeviceNotOnline { .. }) => {
            if let Some(asked) = asked {
                ledger.violate(format!("call {call} went to {asked}, and yet nobody was online"));
            }
            false
        }
        Err(HubError::DeviceConnectionClosedRemotely | HubError::MethodTimedOut { .. }) => false,
        Err(error) => {
            ledger.violate(format!("call {call} was refused: {error:?}"));
            false
        }
    }
}

/// One sender, so that the order of numbers is that of the queue.
pub async fn messages(sim: Arc<Simulation>, mut chance: Chance) {
    while sim.is_storming() {
        sleep(chance.ms(1, 2500)).await;
        send(&sim).await;
    }
}

pub async fn send(sim: &Simulation) {
    let number = {
        let mut ledger = sim.ledger.lock();
        let number = ledger.number();
        // It may arrive before its sender is told that it was taken.
        ledger.messages.entry(number).or_default();
        number.to_string()
    };
    let mut properties = Properties::new();
    properties.push_system(SystemProperty::MessageId, &number);
    let new = NewMessage { properties, body: number.clone().into_bytes(), ack: Ack::Full, expiry: None };
    match sim.hub.send_message(&device_id(), new).await {
        Ok(()) => sim.ledger.lock().messages.get_mut(&number.parse().unwrap()).unwrap().is_enqueued = true,
        Err(HubError::Internal(_) | HubError::QueueFull { .. }) => {}
        Err(error) => sim.ledger.lock().violate(format!("message {number} was refused: {error:?}")),
    }
}

pub async fn purges(sim: Arc<Simulation>, mut chance: Chance) {
    while sim.is_storming() {
        sleep(chance.ms(5000, 40_000)).await;
        match sim.hub.purge_messages(&device_id()).await {
            Ok(purged) => sim.purged.lock().0 += purged,
            Err(_) => sim.purged.lock().1 = false,
        }
    }
}

/// Disables the device for a while, and gives it other keys.
pub async fn administration(sim: Arc<Simulation>, mut chance: Chance) {
    while sim.is_storming() {
        sleep(chance.ms(2000, 30_000)).await;
        if chance.percent(50) {
            rekey(&sim).await;
        } else if set(&sim, DeviceStatus::Disabled, None).await {
            for _ in 0..3 {
                for who in Who::ALL {
                    if sim.hub.find_identity(&who.id()).await.unwrap().presence.connected {
                        sim.ledger.lock().violate(format!("{who:?} is connected although the device is disabled"));
                    }
                }
                sleep(chance.ms(0, 3000)).await;
            }
        }
        enable(&sim).await;
    }
}

pub async fn enable(sim: &Simulation) {
    while !set(sim, DeviceStatus::Enabled, None).await {}
}

async fn rekey(sim: &Simulation) {
    let next = sim.ledger.lock().key_gone.len();
    if set(sim, DeviceStatus::Enabled, Some(next)).await {
        let mut ledger = sim.ledger.lock();
        ledger.key_gone[next - 1] = Some(Instant::now());
        ledger.key_gone.push(None);
    }
}

/// Whether it was done.
async fn set(sim: &Simulation, status: DeviceStatus, key: Option<usize>) -> bool {
    let (primary, secondary) = (key.map(super::secret), key.map(super::secret));
    let spec = IdentitySpec { status, ..IdentitySpec::new(device_id(), AuthSpec::Sas { primary, secondary }) };
    match sim.hub.update_device(spec, IfMatch::Any).await {
        Ok(_) => true,
        Err(HubError::Internal(_)) => false,
        Err(error) => {
            sim.ledger.lock().violate(format!("a change of the device was refused: {error:?}"));
            false
        }
    }
}
