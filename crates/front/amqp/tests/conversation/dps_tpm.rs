//! The SASL mechanism TPM.

use base64::{Engine, engine::general_purpose::STANDARD};
use roadstead_amqp_proto::{Value, condition};
use roadstead_dps::AttestationDraft;
use roadstead_sas::SasKey;
use roadstead_testkit::SoftTpm;
use serde_json::Value as Json;

use crate::{
    client::Client,
    dps::{
        CHALLENGE, OUTCOME, attaches, chooses, goes_on, hears_sasl, is_rejected, is_turned_away, refusal, register,
        registers, responds,
    },
    dps_world::{DPS_HOST, SCOPE, address, enabled, registration_token},
    world::World,
};

fn raw(key: &str) -> Vec<u8> {
    STANDARD.decode(key).unwrap()
}

fn init(id: &str, tpm: &SoftTpm) -> Vec<u8> {
    [format!("\0{SCOPE}\0{id}\0").as_bytes(), &raw(&tpm.endorsement_key())].concat()
}

async fn challenge(client: &mut Client) -> Vec<u8> {
    match hears_sasl(client).await {
        (CHALLENGE, Value::Binary(challenge)) => challenge.into(),
        other => panic!("{other:?}"),
    }
}

/// Answers the challenge as the Node SDK does, up to the header of AMQP. Tells how many pieces it had.
async fn proves(world: &World, id: &str, tpm: &SoftTpm) -> (Client, usize) {
    let mut client = chooses(world, "TPM", &init(id, tpm)).await;
    assert_eq!(challenge(&mut client).await, [0]);
    responds(&mut client, &[&[0], &*raw(&tpm.storage_root_key())].concat()).await;
    let (mut blob, mut pieces) = (Vec::new(), 0);
    loop {
        let piece = challenge(&mut client).await;
        assert_eq!(usize::from(piece[0] & 0x3f), pieces);
        blob.extend(&piece[1..]);
        pieces += 1;
        if piece[0] & 0xc0 == 0xc0 {
            break;
        }
        assert_eq!(piece[0] & 0xc0, 0x80);
        responds(&mut client, &[0]).await;
    }
    let key = SasKey::from_bytes(tpm.activate(&blob).expect("it is for this TPM"));
    responds(&mut client, format!("\0{}", registration_token(id, &key)).as_bytes()).await;
    assert_eq!(hears_sasl(&mut client).await, (OUTCOME, Value::Ubyte(0)));
    goes_on(&mut client).await;
    (client, pieces)
}

async fn world_of(tpm: &SoftTpm) -> World {
    let world = World::new().await;
    let attestation = AttestationDraft::Tpm { endorsement_key: tpm.endorsement_key(), storage_root_key: None };
    world.enroll("dev-01", attestation, enabled()).await;
    world
}

#[tokio::test]
async fn a_tpm_takes_its_challenge_in_pieces_and_gets_the_key_for_its_hub() {
    let tpm = SoftTpm::new();
    let world = world_of(&tpm).await;
    let (mut client, pieces) = proves(&world, "dev-01", &tpm).await;
    assert!(pieces > 1, "{pieces}");
    client.begin(DPS_HOST).await;
    attaches(&mut client, &address("dev-01")).await;
    let registered: Json = registers(&mut client).await;
    let blob = registered["registrationState"]["tpm"]["authenticationKey"].as_str().unwrap();
    assert_eq!(tpm.activate(&raw(blob)).unwrap().len(), 32);
    client.closes().await;
}

#[tokio::test]
async fn a_stranger_is_told_behind_the_challenge() {
    let (tpm, other) = (SoftTpm::new(), SoftTpm::new());
    let world = world_of(&tpm).await;
    let (client, _) = proves(&world, "dev-01", &other).await;
    let (code, message) = is_turned_away(client).await;
    assert!(code == 401_002 && message.contains("endorsement key"), "{code} {message}");

    let (mut client, _) = proves(&world, "dev-02", &other).await;
    client.begin(DPS_HOST).await;
    attaches(&mut client, &address("dev-02")).await;
    let error = is_rejected(&mut client, &register("{}")).await;
    assert_eq!((&*error.condition, refusal(&error).0), (condition::NOT_FOUND, 404_201));
}

#[tokio::test]
async fn what_is_not_as_it_should_be_ends_sasl() {
    let tpm = SoftTpm::new();
    let world = world_of(&tpm).await;
    for response in [&b""[..], b"\0", b"\x000ne00ABC123\0dev-01"] {
        let mut client = chooses(&world, "TPM", response).await;
        assert_eq!(hears_sasl(&mut client).await, (OUTCOME, Value::Ubyte(1)), "{response:?}");
        assert!(client.hears_or_end().await.is_none());
    }
    for response in [&b""[..], b"\0", b"\x01\x02", b"\0\x01\x02"] {
        let mut client = chooses(&world, "TPM", &init("dev-02", &tpm)).await;
        challenge(&mut client).await;
        responds(&mut client, response).await;
        assert_eq!(hears_sasl(&mut client).await, (OUTCOME, Value::Ubyte(1)), "{response:?}");
        assert!(client.hears_or_end().await.is_none());
    }
}
