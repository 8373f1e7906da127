//! Azure's words, from bytes: nothing panics, and what is read and written again reads the same.
#![no_main]

use libfuzzer_sys::fuzz_target;
use roadstead_model::{Properties, UnixMillis};
use roadstead_wire::{
    DesiredPatch, DeviceboundTopic, DpsPublish, DpsResponse, Fault, HubFilter, MethodRequest, MethodResponse,
    TelemetryTopic, TwinRequest, TwinResponse, UserName, certificate_text, devicebound_to, devicebound_topic,
    dps_body::DeviceRegistration,
    event_stream,
    file_upload::{FileUploadRequest, FileUploadStatus},
    http_batch,
    http_headers::{self, Delivery},
    hub_error::HubError,
    hub_service::{MethodCall, MethodResult},
    object_body,
    query::QuerySpecification,
    telemetry_topic,
};

fuzz_target!(|bytes: &[u8]| {
    read_bodies(bytes);
    if let Ok(text) = std::str::from_utf8(bytes) {
        read_texts(text);
    }
});

fn read_bodies(bytes: &[u8]) {
    if let Ok(registration) = DeviceRegistration::parse(bytes) {
        let again = DeviceRegistration::parse(&registration.to_json());
        assert_eq!(again.expect("what was written is valid"), registration);
    }
    let _ = HubError::parse(bytes);
    let _ = QuerySpecification::parse(bytes).map(|query| query.is_everything());
    let _ = http_batch::parse(bytes);
    let _ = object_body::parse::<roadstead_wire::hub_service::Device>(bytes);
    let _ = object_body::parse::<roadstead_wire::dps_service::IndividualEnrollment>(bytes);
    let _ = object_body::parse::<FileUploadRequest>(bytes);
    let _ = object_body::parse::<FileUploadStatus>(bytes);
    if let Ok(call) = object_body::parse::<MethodCall>(bytes) {
        assert!(MethodResult::of(200, call.device_body().as_bytes()).is_ok());
    }
    let _ = MethodResult::of(0, bytes);
}

fn read_texts(text: &str) {
    match UserName::parse(text) {
        Some(UserName::Hub(name)) => assert!(!name.device_id.is_empty()),
        Some(UserName::Dps(name)) => assert!(!name.registration_id.is_empty()),
        None => {}
    }
    if let Some(request) = DpsPublish::parse(text) {
        assert_eq!(DpsPublish::parse(&request.to_string()), Some(request));
    }
    if let Some(answer) = DpsResponse::parse(text) {
        assert_eq!(DpsResponse::parse(&answer.to_string()), Some(answer));
    }
    let _ = devicebound_to::parse(text);
    let _ = HubFilter::classify(text, "dev1", Some("mod1"));
    let _ = certificate_text::parse_der(text);
    let _ = event_stream::parse_position(text);
    read_twin_and_method_topics(text);
    let bag = DeviceboundTopic::parse(text).map(|topic| topic.bag);
    read_bag(bag.or_else(|| TelemetryTopic::parse(text).map(|topic| topic.bag)).unwrap_or(text));
}

fn read_twin_and_method_topics(text: &str) {
    if let Some(request) = TwinRequest::parse(text) {
        assert_eq!(TwinRequest::parse(&request.to_string()), Some(request));
    }
    if let Some(answer) = TwinResponse::parse(text) {
        assert_eq!(TwinResponse::parse(&answer.to_string()), Some(answer));
    }
    if let Some(patch) = DesiredPatch::parse(text) {
        assert_eq!(DesiredPatch::parse(&patch.to_string()), Some(patch));
    }
    if let Some(call) = MethodRequest::parse(text) {
        assert_eq!(MethodRequest::parse(&call.to_string()), Some(call));
    }
    if let Some(answer) = MethodResponse::parse(text) {
        assert_eq!(MethodResponse::parse(&answer.to_string()), Some(answer));
    }
}

fn read_bag(bag: &str) {
    let (mut scratch, mut properties, mut again) = (String::new(), Properties::new(), Properties::new());
    telemetry_topic::fill(bag, &mut scratch, &mut properties);
    let mut topic = String::new();
    telemetry_topic::write("dev1", None, &properties, &mut topic);
    let written = TelemetryTopic::parse(&topic).expect("what was written is a topic");
    telemetry_topic::fill(written.bag, &mut scratch, &mut again);
    assert_eq!(again, properties);
    let _ = Fault::from_properties(&properties);
    read_headers(&properties);
    read_devicebound_bag(&properties);
}

fn read_devicebound_bag(properties: &Properties) {
    let (mut topic, mut repeated, mut again) = (String::new(), String::new(), Properties::new());
    devicebound_topic::write("dev1", None, properties, &mut topic);
    let written = DeviceboundTopic::parse(&topic).expect("what was written is a topic");
    telemetry_topic::fill(written.bag, &mut String::new(), &mut again);
    devicebound_topic::write("dev1", None, &again, &mut repeated);
    assert_eq!(repeated, topic);
}

fn read_headers(properties: &Properties) {
    let delivery = Delivery { lock_token: "", sequence: 0, enqueued: UnixMillis(0), delivery_count: 0 };
    let mut again = Properties::new();
    for (name, value) in http_headers::write_devicebound(&delivery, properties) {
        assert!(name.is_ascii() && !value.contains(['\r', '\n']));
        http_headers::read_devicebound(&name, &value, &mut again);
    }
}
