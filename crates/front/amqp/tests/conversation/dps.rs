//! Devices register with DPS.

use roadstead_amqp_proto::{
    AmqpError, Attach, DeliveryState, Map, Open, Performative, Protocol, Value, condition,
    message::{Message, MessageId, MessageWriter, Properties},
    sasl::{SaslInit, SaslRequest, SaslResponse},
};
use roadstead_dps::Precondition;
use roadstead_front_amqp::limits;
use roadstead_model::RegistrationId;
use roadstead_sas::{SasKey, derive_device_key};
use serde_json::{Value as Json, json};
use tokio::time::{Duration, Instant, timeout};

use crate::{
    client::{Client, body, receiver, sender},
    dps_world::{
        DPS_HOST, ROOT, SCOPE, address, by_ca, by_certificate, by_group_key, by_key, by_webhook, enabled, key, leaf,
        registration_token,
    },
    world::{HOST, World},
};

/// A frame of SASL as the server sends it: its descriptor and first field.
pub async fn hears_sasl(client: &mut Client) -> (u64, Value) {
    let body = client.hears_frame().await.expect("a SASL frame");
    let Value::Described(described) = Value::decode(&body).unwrap() else { panic!("{body:02x?}") };
    match *described {
        (Value::Ulong(code), Value::List(fields)) => (code, fields.into_iter().next().unwrap()),
        other => panic!("{other:?}"),
    }
}

pub const CHALLENGE: u64 = 0x42;
pub const OUTCOME: u64 = 0x44;

/// Chooses a mechanism.
pub async fn chooses(world: &World, mechanism: &str, response: &[u8]) -> Client {
    let (io, _) = world.pipe();
    let mut client = Client::new(io);
    client.says(&Protocol::Sasl.bytes()).await;
    client.hears_bytes(8).await;
    client.hears_frame().await.unwrap();
    let mut bytes = Vec::new();
    let init = SaslInit { mechanism, initial_response: Some(response), hostname: Some(DPS_HOST) };
    SaslRequest::Init(init).write(&mut bytes);
    client.says(&bytes).await;
    client
}

pub async fn responds(client: &mut Client, response: &[u8]) {
    let mut bytes = Vec::new();
    SaslRequest::Response(SaslResponse(response)).write(&mut bytes);
    client.says(&bytes).await;
}

/// The header behind SASL.
pub async fn goes_on(client: &mut Client) {
    client.says(&Protocol::Amqp.bytes()).await;
    assert_eq!(client.hears_bytes(8).await, Protocol::Amqp.bytes());
}

/// SASL PLAIN, which is never refused; up to the header of AMQP.
async fn plain(world: &World, id: &str, token: &str) -> Client {
    let mut client = chooses(world, "PLAIN", format!("\0{}\0{token}", address(id)).as_bytes()).await;
    assert_eq!(hears_sasl(&mut client).await, (OUTCOME, Value::Ubyte(0)));
    goes_on(&mut client).await;
    client
}

const RECEIVER: u32 = 0;
const SENDER: u32 = 1;

/// As the SDKs do: the receiver first.
pub async fn attaches(client: &mut Client, address: &str) {
    client.attaches(versioned(receiver("provision_receiver_link", RECEIVER, address))).await;
    client.credits(RECEIVER, 0, 100).await;
    client.attaches(versioned(sender("provision_sender_link", SENDER, address))).await;
}

fn versioned(attach: Attach) -> Attach {
    let version = (Value::symbol("com.microsoft:api-version"), Value::string("2019-03-31"));
    Attach { properties: Map(vec![version]), ..attach }
}

/// A device with key 1, its links attached.
async fn registrant(world: &World, id: &str, key: &SasKey) -> Client {
    let mut client = plain(world, id, &registration_token(id, key)).await;
    client.begin(DPS_HOST).await;
    attaches(&mut client, &address(id)).await;
    client
}

fn message(properties: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut message = MessageWriter::new(&mut bytes);
    message.properties(&Properties { correlation_id: Some(MessageId::String("c1")), ..Properties::default() });
    message.application_properties(|map| {
        for (name, value) in properties {
            map.string(name, value);
        }
        map.boolean("iotdps-forceRegistration", false);
    });
    message.data(body);
    bytes
}

pub fn register(body: &str) -> Vec<u8> {
    message(&[("iotdps-operation-type", "iotdps-register")], body.as_bytes())
}

fn poll(operation: &str) -> Vec<u8> {
    message(&[("iotdps-operation-type", "iotdps-get-operationstatus"), ("iotdps-operation-id", operation)], b"")
}

/// Status, seconds to wait if any are named, and body of the answer to a request that is accepted.
pub async fn asks(client: &mut Client, request: &[u8]) -> (i32, Option<i32>, Json) {
    assert_eq!(client.asks(SENDER, request).await, DeliveryState::Accepted);
    let (_, _, answer) = client.hears_message().await;
    let message = Message::decode(&answer).unwrap();
    assert_eq!(message.properties.correlation_id, Some(MessageId::String("c1")));
    let int = |name| match message.application_properties.find(name).map(|value| value.to_value()) {
        Some(Value::Int(number)) => Some(number),
        None => None,
        other => panic!("{other:?}"),
    };
    assert_eq!(int("retry-after"), int("Retry-After"));
    (int("iotdps-status").unwrap(), int("retry-after"), serde_json::from_slice(&body(&answer)).unwrap())
}

/// The refusal of a request.
pub async fn is_rejected(client: &mut Client, request: &[u8]) -> AmqpError {
    match client.asks(SENDER, request).await {
        DeliveryState::Rejected(Some(error)) => *error,
        other => panic!("{other:?}"),
    }
}

pub async fn registers(client: &mut Client) -> Json {
    let (status, retry_after, registered) = asks(client, &register("{}")).await;
    assert_eq!((status, retry_after), (200, None));
    registered
}

/// The code of a refusal, and its text.
pub fn refusal(error: &AmqpError) -> (u64, String) {
    let body: Json = serde_json::from_str(error.description.as_deref().unwrap()).unwrap();
    assert_eq!(body["trackingId"].as_str().unwrap().len(), 36);
    (body["errorCode"].as_u64().unwrap(), body["message"].as_str().unwrap().to_owned())
}

/// What `open` is answered with when the device is turned away.
pub async fn is_turned_away(mut client: Client) -> (u64, String) {
    let open = Open { hostname: Some(DPS_HOST.into()), ..Open::new("client") };
    client.sends(Performative::Open(Box::new(open)), b"").await;
    let (Performative::Open(open), _) = client.hears().await else { panic!() };
    let (Performative::Close(close), _) = client.hears().await else { panic!() };
    let error = close.error.unwrap();
    assert_eq!(&*error.condition, condition::UNAUTHORIZED_ACCESS);
    let mut described = Vec::new();
    error.encode(&mut described);
    let expected = (Value::symbol("com.microsoft:open-error"), Value::decode(&described).unwrap());
    assert_eq!(open.properties.0, [expected]);
    assert!(client.hears_or_end().await.is_none());
    refusal(&error)
}

/// The server ends the connection.
async fn is_closed(client: &mut Client) {
    loop {
        match client.hears().await.0 {
            Performative::Close(close) => {
                assert_eq!(&*close.error.unwrap().condition, condition::CONNECTION_FORCED);
                return;
            }
            Performative::Flow(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn by_symmetric_key() {
    let world = World::new().await;
    world.enroll("dev-01", by_key(), enabled()).await;
    let mut client = registrant(&world, "dev-01", &key(1)).await;
    let body = r#"{"registrationId":"dev-01","payload":null}"#;
    let (status, retry_after, registered) = asks(&mut client, &register(body)).await;
    assert_eq!((status, retry_after), (200, None));
    let state = &registered["registrationState"];
    assert_eq!((&registered["status"], &state["assignedHub"]), (&json!("assigned"), &json!(HOST)));
    assert_eq!((&state["deviceId"], &state["substatus"]), (&json!("dev-01"), &json!("initialAssignment")));
    let polled = asks(&mut client, &poll(registered["operationId"].as_str().unwrap())).await;
    assert_eq!(polled, (200, None, registered));
    client.closes().await;
}

#[tokio::test]
async fn by_the_key_of_a_group() {
    let world = World::new().await;
    world.enroll_group(by_group_key()).await;
    for byte in [3, 4] {
        let mut client = registrant(&world, "dev-01", &derive_device_key(&key(byte), "dev-01")).await;
        let state = registers(&mut client).await;
        assert_eq!(state["registrationState"]["symmetricKey"]["enrollmentGroupId"], "fleet");
    }
}

#[tokio::test]
async fn by_certificate_of_its_own_or_of_a_ca() {
    let world = World::new().await;
    let own = leaf("dev-01");
    world.enroll("dev-01", by_certificate(&own), enabled()).await;
    world.upload().await;
    world.enroll_group(by_ca()).await;
    // By DPS's own name, by any name that leads here, and by one that it shares with a hub.
    for host in [DPS_HOST, "203.0.113.9", HOST] {
        for certificate in [&own, &leaf("dev-02")] {
            let chain = [certificate.der().to_vec(), ROOT.certificate().der().to_vec()];
            let (io, _) = world.pipe_with(&chain);
            let mut client = Client::open(io, host).await;
            let id = certificate.common_name().unwrap();
            attaches(&mut client, &format!("amqps://{host}/{}", address(id))).await;
            let state = registers(&mut client).await;
            assert_eq!(state["registrationState"]["deviceId"], id);
            client.closes().await;
        }
    }
}

#[tokio::test]
async fn a_certificate_that_does_not_fit_is_told_at_the_request() {
    let world = World::new().await;
    world.enroll("dev-01", by_certificate(&leaf("dev-01")), enabled()).await;
    for (id, chain, code) in [
        ("dev-01", vec![leaf("dev-01").der().to_vec()], 401_002),
        ("dev-02", vec![leaf("dev-02").der().to_vec()], 401_002),
        ("dev-01", vec![], 401_000),
    ] {
        let (io, _) = world.pipe_with(&chain);
        let mut client = Client::open(io, DPS_HOST).await;
        attaches(&mut client, &address(id)).await;
        let error = is_rejected(&mut client, &register("{}")).await;
        assert_eq!((&*error.condition, refusal(&error).0), (condition::UNAUTHORIZED_ACCESS, code), "{id}");
        client.closes().await;
    }
}

#[tokio::test]
async fn who_is_unauthorized_is_turned_away_at_open() {
    let world = World::new().await;
    world.enroll("dev-01", by_key(), enabled()).await;
    for (user, token, words) in [
        (address("dev-01"), registration_token("dev-01", &key(9)), "not signed"),
        (address("dev-01"), registration_token("dev-02", &key(1)), "Unauthorized"),
        (address("dev-01"), "nonsense".to_owned(), "Unauthorized"),
        (address("dev-02"), registration_token("dev-02", &key(1)), "there is no individual enrollment"),
        ("0ne00000000/registrations/dev-01".to_owned(), registration_token("dev-01", &key(1)), "no DPS instance"),
    ] {
        let mut client = chooses(&world, "PLAIN", format!("\0{user}\0{token}").as_bytes()).await;
        assert_eq!(hears_sasl(&mut client).await, (OUTCOME, Value::Ubyte(0)));
        goes_on(&mut client).await;
        let (code, message) = is_turned_away(client).await;
        assert!(code == 401_002 && message.contains(words), "{code} {message}");
    }
}

#[tokio::test]
async fn links_have_one_address() {
    let world = World::new().await;
    world.enroll("dev-01", by_key(), enabled()).await;
    let mut client = plain(&world, "dev-01", &registration_token("dev-01", &key(1))).await;
    client.begin(DPS_HOST).await;
    let error = client.is_refused(receiver("r", 7, "$cbs")).await;
    let text = "The link address '$cbs' did not match any of the expected formats.";
    assert_eq!((&*error.condition, error.description.as_deref()), (condition::NOT_FOUND, Some(text)));
    for other in [address("dev-02"), "0ne00ABC124/registrations/dev-01".to_owned()] {
        let error = client.is_refused(sender("s", 7, &other)).await;
        assert_eq!(&*error.condition, condition::UNAUTHORIZED_ACCESS);
    }
    attaches(&mut client, &format!("/{}/Registrations/DEV-01", SCOPE.to_lowercase())).await;
    assert_eq!(registers(&mut client).await["status"], "assigned");
}

#[tokio::test]
async fn refused_requests_leave_the_connection() {
    let world = World::new().await;
    world.enroll("dev-01", by_key(), enabled()).await;
    let mut client = registrant(&world, "dev-01", &key(1)).await;
    for (request, condition, code) in [
        (register("["), "com.microsoft:argument-error", 400_004),
        (register(r#"{"registrationId":"dev-02"}"#), "com.microsoft:argument-error", 400_004),
        (poll("5.0.0"), condition::NOT_FOUND, 404_202),
    ] {
        let error = is_rejected(&mut client, &request).await;
        assert_eq!((&*error.condition, refusal(&error).0), (condition, code));
    }
    for operation in ["iotdps-get-registration", ""] {
        let error = is_rejected(&mut client, &message(&[("iotdps-operation-type", operation)], b"")).await;
        assert_eq!(&*error.condition, condition::NOT_FOUND);
    }
    let error = is_rejected(&mut client, b"\0\x53\x99").await;
    assert_eq!(&*error.condition, condition::DECODE_ERROR);
    assert_eq!(registers(&mut client).await["status"], "assigned");
}

#[tokio::test]
async fn a_slow_webhook_is_waited_for() {
    let world = World::new().await;
    world.enroll("dev-01", by_key(), by_webhook()).await;
    let mut client = registrant(&world, "dev-01", &key(1)).await;
    let (status, retry_after, registered) = asks(&mut client, &register("")).await;
    assert_eq!((status, retry_after, &registered["status"]), (202, Some(2), &json!("assigning")));
    let operation = registered["operationId"].as_str().unwrap().to_owned();
    assert_eq!(asks(&mut client, &poll(&operation)).await.0, 202);
    world.webhook.0.add_permits(1);
    loop {
        let (status, _, polled) = asks(&mut client, &poll(&operation)).await;
        if status == 200 {
            assert_eq!(polled["status"], "assigned");
            break;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn answers_wait_for_a_receiver_but_not_without_bound() {
    let world = World::new().await;
    world.enroll("dev-01", by_key(), enabled()).await;
    let mut client = plain(&world, "dev-01", &registration_token("dev-01", &key(1))).await;
    client.begin(DPS_HOST).await;
    client.attaches(sender("s", SENDER, &address("dev-01"))).await;
    for _ in 0..limits::DPS_ANSWERS_MAX {
        assert_eq!(client.asks(SENDER, &register("{}")).await, DeliveryState::Accepted);
    }
    let error = is_rejected(&mut client, &register("{}")).await;
    assert_eq!(&*error.condition, condition::RESOURCE_LIMIT_EXCEEDED);
    client.attaches(receiver("r", RECEIVER, &address("dev-01"))).await;
    client.credits(RECEIVER, 0, 100).await;
    for _ in 0..limits::DPS_ANSWERS_MAX {
        let answer: Json = serde_json::from_slice(&client.hears_body().await).unwrap();
        assert_eq!(answer["status"], "assigned");
    }
}

#[tokio::test]
async fn requests_of_a_connection_are_bounded() {
    let world = World::new().await;
    world.enroll("dev-01", by_key(), enabled()).await;
    let mut client = registrant(&world, "dev-01", &key(1)).await;
    for _ in 0..limits::DPS_REQUESTS_MAX {
        is_rejected(&mut client, &poll("5.0")).await;
    }
    client.transfers(SENDER, &poll("5.0")).await;
    is_closed(&mut client).await;
}

#[tokio::test(start_paused = true)]
async fn a_connection_ends_in_time() {
    let world = World::new().await;
    world.enroll("dev-01", by_key(), enabled()).await;
    let mut client = registrant(&world, "dev-01", &key(1)).await;
    let started = Instant::now();
    // Who is not heard is hung up on before.
    while timeout(Duration::from_secs(100), is_closed(&mut client)).await.is_err() {
        client.says(&[0, 0, 0, 8, 2, 0, 0, 0]).await;
    }
    assert_eq!(started.elapsed().as_secs(), limits::DPS_SESSION.as_secs());
}

#[tokio::test]
async fn a_device_whose_enrollment_ends_is_sent_away() {
    let world = World::new().await;
    world.enroll("dev-01", by_key(), enabled()).await;
    let mut client = registrant(&world, "dev-01", &key(1)).await;
    registers(&mut client).await;
    let id = RegistrationId::parse("dev-01").unwrap();
    let instance = world.dps.find(SCOPE).unwrap();
    instance.delete_enrollment(&id, Precondition::Any).await.unwrap();
    is_closed(&mut client).await;
}
