//! DPS.

use crate::stub::{Stub, assigned, validity};
use crate::{KEY, key, provisioning};
use roadstead_device::{ConnectError, Credentials, Device, Provisioning, RegisterError, SasKey, Substatus, Trust};
use roadstead_mqtt_proto::{Connack, Packet, PacketId, Refusal, SubackCode, decode, encode};
use roadstead_pki::{Authority, KeyKind};
use roadstead_sas::SasToken;
use roadstead_wire::{DpsPublish, UserName};
use serde_json::json;
use tokio::join;

#[tokio::test]
async fn a_key_registers_after_polling_and_the_device_connects_where_it_was_told() {
    let stub = Stub::start().await;
    let server = async {
        let mut peer = stub.accept().await;
        assert_eq!(peer.certificate, None);
        let login = peer.login_to_dps().await;
        let Some(UserName::Dps(name)) = UserName::parse(&login.user_name) else { panic!("{login:?}") };
        assert_eq!((name.id_scope, name.registration_id), ("0ne00ABC123", "thermo-7"));
        assert_eq!(name.api_version.as_deref(), Some("2021-06-01"));
        assert_eq!((&*login.client_id, login.clean_session), ("thermo-7", true));
        let token = SasToken::parse(login.password.as_deref().unwrap()).unwrap();
        assert!(token.signed_by(&SasKey::from_base64(KEY).unwrap()));
        assert_eq!((token.resource(), token.key_name()), ("0ne00ABC123/registrations/thermo-7", Some("registration")));

        let register = peer.publish().await;
        assert!(matches!(DpsPublish::parse(&register.topic), Some(DpsPublish::Register { .. })), "{register:?}");
        let body: serde_json::Value = serde_json::from_slice(&register.payload).unwrap();
        assert_eq!(body, json!({ "registrationId": "thermo-7", "payload": { "model": "m7" } }));
        // Someone else's answer first.
        let other = crate::stub::Received { topic: register.topic.replace("$rid=", "$rid=x"), ..peer_copy(&register) };
        peer.respond(&other, 200, None, &assigned("other")).await;
        peer.expect(Packet::Puback(PacketId::new(77).unwrap())).await;
        peer.respond(&register, 202, Some(0), r#"{"operationId":"5.316a/b1","status":"assigning"}"#).await;
        peer.expect(Packet::Puback(PacketId::new(77).unwrap())).await;

        let poll = peer.publish().await;
        let Some(DpsPublish::Status { operation_id, .. }) = DpsPublish::parse(&poll.topic) else { panic!("{poll:?}") };
        assert_eq!((operation_id, &*poll.payload), ("5.316a%2Fb1", &b" "[..]));
        peer.respond(&poll, 200, None, &assigned("thermo-7")).await;
        peer.expect(Packet::Puback(PacketId::new(77).unwrap())).await;
        peer.expect(Packet::Disconnect).await;
        assert_eq!(peer.next().await, None);

        let mut peer = stub.accept().await;
        let login = peer.login().await;
        let Some(UserName::Hub(name)) = UserName::parse(&login.user_name) else { panic!("{login:?}") };
        assert_eq!((name.host, name.device_id, name.module_id), ("hub.localhost", "thermo-7", None));
        assert_eq!((&*login.client_id, login.clean_session), ("thermo-7", false));
        let token = SasToken::parse(login.password.as_deref().unwrap()).unwrap();
        assert!(token.signed_by(&SasKey::from_base64(KEY).unwrap()));
        assert_eq!((token.resource(), token.key_name()), ("hub.localhost/devices/thermo-7", None));
        peer
    };
    let client = async {
        let registration = provisioning(&stub, key()).payload(json!({ "model": "m7" })).register().await.unwrap();
        assert_eq!((&*registration.assigned_hub, &*registration.device_id), ("hub.localhost", "thermo-7"));
        assert_eq!(registration.substatus, Some(Substatus::InitialAssignment));
        assert!(!format!("{registration:?}").contains(KEY));
        Device::connect(registration).await.unwrap()
    };
    join!(server, client);
}

fn peer_copy(received: &crate::stub::Received) -> crate::stub::Received {
    crate::stub::Received { topic: String::new(), payload: Vec::new(), id: received.id, dup: false }
}

#[tokio::test]
async fn a_certificate_registers_without_a_password_and_is_shown_to_the_hub_too() {
    let stub = Stub::start().await;
    let ca = Authority::root("fleet", KeyKind::P256, validity()).unwrap();
    let leaf = ca.device("thermo-7", KeyKind::P256, validity()).unwrap();
    let credentials = Credentials::x509_pem(&leaf.certificate.to_pem(), &leaf.key_pem).unwrap();
    let server = async {
        let mut peer = stub.accept().await;
        assert_eq!(peer.certificate.as_deref(), Some(leaf.certificate.der()));
        assert_eq!(peer.login_to_dps().await.password, None);
        let register = peer.publish().await;
        // A server that has decided at once says so in the first answer.
        peer.respond(&register, 202, None, &assigned("thermo-7")).await;
        let mut peer = stub.accept().await;
        assert_eq!(peer.certificate.as_deref(), Some(leaf.certificate.der()));
        assert_eq!(peer.login().await.password, None);
        peer
    };
    let client = async {
        let registration = provisioning(&stub, credentials).register().await.unwrap();
        Device::connect(registration.device()).await.unwrap()
    };
    join!(server, client);
}

#[tokio::test]
async fn a_busy_service_is_asked_again_on_the_same_connection() {
    let stub = Stub::start().await;
    let server = async {
        let mut peer = stub.accept().await;
        peer.login_to_dps().await;
        for (status, body) in [(429, r#"{"errorCode":429001}"#), (500, ""), (202, &assigned("thermo-7"))] {
            let request = peer.publish().await;
            assert!(matches!(DpsPublish::parse(&request.topic), Some(DpsPublish::Register { .. })), "{request:?}");
            peer.respond(&request, status, Some(0), body).await;
            peer.expect(Packet::Puback(PacketId::new(77).unwrap())).await;
        }
    };
    let (registration, ()) = join!(async { provisioning(&stub, key()).register().await }, server);
    assert_eq!(registration.unwrap().device_id, "thermo-7");
}

#[tokio::test]
async fn refusals_of_the_service_are_told_apart() {
    let state = r#"{"registrationId":"thermo-7","status":"failed","errorCode":400208,"errorMessage":"no hub"}"#;
    for (status, body, expected) in [
        (
            401,
            r#"{"errorCode":401002,"trackingId":"t-1","message":"Invalid certificate"}"#.to_owned(),
            RegisterError::Refused {
                code: 401_002,
                message: "Invalid certificate".to_owned(),
                tracking_id: Some("t-1".to_owned()),
            },
        ),
        (
            200,
            r#"{"operationId":"1","status":"disabled"}"#.to_owned(),
            RegisterError::Disabled { registration_id: "thermo-7".to_owned() },
        ),
        (
            200,
            format!(r#"{{"operationId":"1","status":"failed","registrationState":{state}}}"#),
            RegisterError::Failed {
                registration_id: "thermo-7".to_owned(),
                code: 400_208,
                message: "no hub".to_owned(),
            },
        ),
    ] {
        let stub = Stub::start().await;
        let server = async {
            let mut peer = stub.accept().await;
            peer.login_to_dps().await;
            let request = peer.publish().await;
            peer.respond(&request, status, None, &body).await;
            peer.expect(Packet::Puback(PacketId::new(77).unwrap())).await;
            peer.expect(Packet::Disconnect).await;
        };
        let (outcome, ()) = join!(async { provisioning(&stub, key()).register().await }, server);
        assert_eq!(outcome.unwrap_err(), expected);
    }
}

#[tokio::test]
async fn a_refusal_before_any_question() {
    let stub = Stub::start().await;
    let refused = |outcome: Result<_, RegisterError>| match outcome.map(|_: roadstead_device::Registration| ()) {
        Err(RegisterError::Connect(error)) => error,
        other => panic!("{other:?}"),
    };
    let connack = async {
        let mut peer = stub.accept().await;
        peer.connect().await;
        peer.send(|out| encode::connack(out, Connack::Refused(Refusal::BadUserNameOrPassword))).await;
    };
    let (outcome, ()) = join!(async { provisioning(&stub, key()).register().await }, connack);
    let expected = ConnectError::Refused { host: "dps.localhost".to_owned(), code: Refusal::BadUserNameOrPassword };
    assert_eq!(refused(outcome), expected);

    let suback = async {
        let mut peer = stub.accept().await;
        peer.login().await;
        let packet = peer.next().await.unwrap();
        let Packet::Subscribe(subscribe) = decode(&packet).unwrap() else { panic!("{packet:?}") };
        let id = subscribe.packet_id;
        peer.send(|out| encode::suback(out, id, [SubackCode::Failure]).unwrap()).await;
        peer
    };
    let (outcome, _peer) = join!(async { provisioning(&stub, key()).register().await }, suback);
    assert!(refused(outcome).to_string().contains("not granted"));
}

#[tokio::test]
async fn what_cannot_be_asked_is_said_before_a_connection() {
    let stub = Stub::start().await;
    let nobody = Provisioning::new("dps.localhost", "0ne", "bad id!", key()).register().await.unwrap_err();
    assert!(matches!(nobody, RegisterError::RegistrationId(_)), "{nobody}");
    let missing = Trust::file("/no/such/ca.pem").unwrap_err();
    assert!(missing.to_string().contains("/no/such/ca.pem"), "{missing}");
    let other = Authority::root("other", KeyKind::P256, validity()).unwrap();
    let trust = Trust::pem(&other.certificate().to_pem()).unwrap();
    let untrusted = provisioning(&stub, key()).trust(trust);
    let (outcome, peer) = join!(async { untrusted.register().await }, stub.try_accept());
    assert!(peer.is_none());
    let RegisterError::Connect(ConnectError::Tls { cause, .. }) = outcome.unwrap_err() else { panic!() };
    assert!(cause.contains("SSL_CERT_FILE"), "{cause}");
}
