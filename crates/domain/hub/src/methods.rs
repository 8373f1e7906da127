//! Direct methods: a back end asks a connected device something and waits for its answer.

use std::{
    collections::HashMap,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicU32, AtomicUsize, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use roadstead_model::{IdentityId, Random};
use serde_json::value::RawValue;
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

use crate::{
    error::HubError,
    hub::Hub,
    limits,
    mailbox::{Mailbox, MethodCall, Notice},
    session::Session,
    throttle::Operation,
};

/// What a back end asks of a device.
#[derive(Debug, Clone)]
pub struct MethodRequest {
    /// US-ASCII without control characters; compared with case, by the device.
    pub name: String,
    /// JSON, passed on byte by byte; the device is sent `null` when there is none.
    pub payload: Option<Box<RawValue>>,
    /// How long the device may take to answer.
    pub response_timeout: Duration,
    /// How long a device that is not there is waited for.
    pub connect_timeout: Duration,
}

/// What the device answered.
#[derive(Debug, Clone)]
pub struct MethodAnswer {
    /// The device's own code.
    pub status: i32,
    /// JSON, byte by byte as the device sent it; `None` when it sent nothing.
    pub payload: Option<Box<RawValue>>,
}

/// How a call ended that reached its session.
#[derive(Debug)]
enum Outcome {
    Answered(MethodAnswer),
    /// Why the answer cannot be passed on.
    Unfit(String),
    /// The device does not listen to this method.
    Unheard,
}

/// The calls a session has still to answer. Empty on nearly every session, and then without an allocation.
#[derive(Debug)]
pub(crate) struct Calls(Mutex<Option<Vec<Waiting>>>);

/// A call by its id, and who made it.
#[derive(Debug)]
struct Waiting {
    id: u32,
    caller: oneshot::Sender<Outcome>,
}

impl Calls {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Some(Vec::new())))
    }

    /// Ends all calls, and takes no more: the session is over.
    pub(crate) fn hang_up(&self) {
        *self.0.lock() = None;
    }

    /// `None` when the session is over. Errors: `TooManyCalls`.
    fn add(&self, id: u32) -> Result<Option<oneshot::Receiver<Outcome>>, HubError> {
        let mut calls = self.0.lock();
        let Some(calls) = calls.as_mut() else { return Ok(None) };
        if calls.len() >= limits::METHODS_PER_SESSION_MAX {
            return Err(HubError::TooManyCalls { max: limits::METHODS_PER_SESSION_MAX });
        }
        let (caller, answer) = oneshot::channel();
        calls.push(Waiting { id, caller });
        Ok(Some(answer))
    }

    fn take(&self, id: u32) -> Option<oneshot::Sender<Outcome>> {
        let mut calls = self.0.lock();
        let calls = calls.as_mut()?;
        let at = calls.iter().position(|waiting| waiting.id == id)?;
        Some(calls.swap_remove(at).caller)
    }
}

/// What a hub keeps of the calls under way.
#[derive(Debug)]
pub(crate) struct Methods {
    /// The id of the last call. Starts anywhere, so that an answer to a call of an earlier run is nobody's.
    last: AtomicU32,
    under_way: AtomicUsize,
    /// The identities, by their text, that calls wait for.
    awaited: Mutex<HashMap<Box<str>, Awaited>>,
    awaited_count: AtomicUsize,
}

/// An identity that calls wait for.
#[derive(Debug, Default)]
struct Awaited {
    calls: usize,
    listens: Arc<Notify>,
}

impl Methods {
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut bytes = [0; 4];
        random.fill(&mut bytes);
        Self {
            last: AtomicU32::new(u32::from_ne_bytes(bytes)),
            under_way: AtomicUsize::new(0),
            awaited: Mutex::default(),
            awaited_count: AtomicUsize::new(0),
        }
    }

    /// Tells the calls that wait for this identity that it listens now.
    pub(crate) fn arrived(&self, key: &str) {
        if self.awaited_count.load(Ordering::SeqCst) == 0 {
            return;
        }
        if let Some(awaited) = self.awaited.lock().get(key) {
            awaited.listens.notify_waiters();
        }
    }

    /// Errors: `TooManyCalls`.
    fn enter(&self) -> Result<Place<'_>, HubError> {
        let place = Place(&self.under_way);
        match self.under_way.fetch_add(1, Ordering::Relaxed) {
            others if others < limits::METHODS_PER_HUB_MAX => Ok(place),
            _ => Err(HubError::TooManyCalls { max: limits::METHODS_PER_HUB_MAX }),
        }
    }

    fn watch<'a>(&'a self, key: &'a str) -> Watch<'a> {
        self.awaited_count.fetch_add(1, Ordering::SeqCst);
        let mut awaited = self.awaited.lock();
        let awaited = awaited.entry(key.into()).or_default();
        awaited.calls += 1;
        Watch { methods: self, key, listens: awaited.listens.clone() }
    }
}

/// A call's place among those under way.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Hears of an identity that begins to listen.
struct Watch<'a> {
    methods: &'a Methods,
    key: &'a str,
    listens: Arc<Notify>,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        let mut all = self.methods.awaited.lock();
        if let Some(awaited) = all.get_mut(self.key) {
            awaited.calls -= 1;
            if awaited.calls == 0 {
                all.remove(self.key);
            }
        }
        self.methods.awaited_count.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A call that was handed to a session. Dropping it withdraws it.
struct Placed {
    mailbox: Arc<Mailbox>,
    id: u32,
    answer: oneshot::Receiver<Outcome>,
}

impl Drop for Placed {
    fn drop(&mut self) {
        if self.mailbox.calls().take(self.id).is_some() {
            self.mailbox.withdraw(self.id);
        }
    }
}

impl Hub {
    /// Asks a device or module, and waits for its answer. Dropping the future gives the call up.
    ///
    /// Errors: `Invalid`, `PayloadTooLarge`, `Throttled`, `QuotaExceeded`, `TooManyCalls`, `DeviceNotFound`, `ModuleNotFound`,
    /// `DeviceNotOnline`, `DeviceConnectionClosedRemotely`, `MethodTimedOut`, `MethodAnswerUnfit`, `Internal`.
    pub async fn invoke_method(&self, id: &IdentityId, request: MethodRequest) -> Result<MethodAnswer, HubError> {
        check(&request)?;
        let bytes = request.payload.as_ref().map_or(0, |json| json.get().len());
        let meters = bytes.div_ceil(limits::METHOD_METER_BYTES).max(1);
        self.throttle_many(Operation::MethodCall, u32::try_from(meters).unwrap_or(u32::MAX))?;
        self.check_quota()?;
        let _place = self.methods().enter()?;
        let key = id.to_string();
        if !self.sessions().is_live(&key) {
            self.find_identity(id).await?;
        }
        self.charge(|| bytes);
        let MethodRequest { response_timeout, connect_timeout, .. } = request;
        let offline = HubError::DeviceNotOnline { waited: connect_timeout };
        let Ok(placed) = timeout(connect_timeout, self.place(&key, request)).await else { return Err(offline) };
        let mut placed = placed?;
        match timeout(response_timeout, &mut placed.answer).await {
            Ok(Ok(Outcome::Answered(answer))) => {
                self.charge(|| answer.payload.as_ref().map_or(0, |json| json.get().len()));
                Ok(answer)
            }
            Ok(Ok(Outcome::Unfit(why))) => Err(HubError::MethodAnswerUnfit(why)),
            Ok(Ok(Outcome::Unheard)) => Err(offline),
            Ok(Err(_)) => Err(HubError::DeviceConnectionClosedRemotely),
            Err(_) => Err(HubError::MethodTimedOut { waited: response_timeout }),
        }
    }

    /// Hands the call to the identity's session as soon as there is one that listens.
    async fn place(&self, key: &str, request: MethodRequest) -> Result<Placed, HubError> {
        let watch = self.methods().watch(key);
        loop {
            let mut listens = pin!(watch.listens.notified());
            listens.as_mut().enable();
            let listening = self.sessions().find(key).filter(|mailbox| mailbox.interests().methods);
            if let Some(mailbox) = listening {
                let id = self.methods().last.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
                if let Some(answer) = mailbox.calls().add(id)? {
                    let placed = Placed { mailbox, id, answer };
                    let payload = request.payload.map_or_else(|| "null".to_owned(), |json| json.get().to_owned());
                    placed.mailbox.post(Notice::Method(MethodCall { id, name: request.name, payload }));
                    return Ok(placed);
                }
            }
            listens.await;
        }
    }
}

impl Session {
    /// Takes a device's answer: to the call with this id, with JSON or nothing in its body. Answers to calls that nobody
    /// waits for any more are passed over.
    pub fn answer_method(&self, id: u32, status: i32, body: &[u8]) {
        self.heard();
        if let Some(caller) = self.mailbox().calls().take(id) {
            let outcome = match read_answer(body) {
                Ok(payload) => Outcome::Answered(MethodAnswer { status, payload }),
                Err(why) => Outcome::Unfit(why),
            };
            // Whoever asked may have gone this very moment.
            let _ = caller.send(outcome);
        }
    }

    /// Says that the device does not listen to the method of this call.
    pub fn decline_method(&self, id: u32) {
        if let Some(caller) = self.mailbox().calls().take(id) {
            let _ = caller.send(Outcome::Unheard);
        }
    }
}

fn read_answer(body: &[u8]) -> Result<Option<Box<RawValue>>, String> {
    if body.len() > limits::METHOD_PAYLOAD_BYTES_MAX {
        let (bytes, max) = (body.len(), limits::METHOD_PAYLOAD_BYTES_MAX);
        return Err(format!("it has {bytes} bytes, at most {max} are allowed"));
    }
    match body.trim_ascii() {
        b"" => Ok(None),
        json => serde_json::from_slice(json).map(Some).map_err(|error| format!("it is no JSON: {error}")),
    }
}

fn check(request: &MethodRequest) -> Result<(), HubError> {
    let MethodRequest { name, payload, response_timeout, connect_timeout } = request;
    if name.is_empty() || name.len() > limits::METHOD_NAME_BYTES_MAX {
        let (bytes, max) = (name.len(), limits::METHOD_NAME_BYTES_MAX);
        return Err(HubError::Invalid(format!("the method name has {bytes} characters, it must have 1 to {max}")));
    }
    if !name.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Err(HubError::Invalid("the method name must be printable US-ASCII".to_owned()));
    }
    let bytes = payload.as_ref().map_or(0, |json| json.get().len());
    if bytes > limits::METHOD_PAYLOAD_BYTES_MAX {
        return Err(HubError::PayloadTooLarge { bytes, bytes_max: limits::METHOD_PAYLOAD_BYTES_MAX });
    }
    check_timeout(
        "response",
        *response_timeout,
        limits::METHOD_RESPONSE_TIMEOUT_MIN,
        limits::METHOD_RESPONSE_TIMEOUT_MAX,
    )?;
    check_timeout("connect", *connect_timeout, Duration::ZERO, limits::METHOD_CONNECT_TIMEOUT_MAX)
}

fn check_timeout(which: &str, timeout: Duration, min: Duration, max: Duration) -> Result<(), HubError> {
    if (min..=max).contains(&timeout) {
        return Ok(());
    }
    let (given, min, max) = (timeout.as_secs(), min.as_secs(), max.as_secs());
    Err(HubError::Invalid(format!("the {which} timeout is {given} s, it must be {min} to {max} s")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, response_s: u64, connect_s: u64) -> MethodRequest {
        let (response_timeout, connect_timeout) = (Duration::from_secs(response_s), Duration::from_secs(connect_s));
        MethodRequest { name: name.to_owned(), payload: None, response_timeout, connect_timeout }
    }

    #[test]
    fn only_calls_within_bounds_are_made() {
        let long = "n".repeat(limits::METHOD_NAME_BYTES_MAX);
        for good in [request("reboot", 30, 0), request("a/b c~", 5, 300), request(&long, 3600, 1)] {
            assert!(check(&good).is_ok(), "{good:?}");
        }
        for bad in [
            request("", 30, 0),
            request(&format!("{long}n"), 30, 0),
            request("a\n", 30, 0),
            request("ä", 30, 0),
            request("m", 4, 0),
            request("m", 0, 0),
            request("m", 3601, 0),
            request("m", 30, 301),
        ] {
            assert!(matches!(check(&bad), Err(HubError::Invalid(_))), "{bad:?}");
        }
        let json = |bytes: usize| RawValue::from_string(format!("\"{}\"", "x".repeat(bytes - 2))).unwrap();
        let biggest = MethodRequest { payload: Some(json(128 * 1024)), ..request("m", 30, 0) };
        assert!(check(&biggest).is_ok());
        let bigger = MethodRequest { payload: Some(json(128 * 1024 + 1)), ..biggest };
        assert!(matches!(check(&bigger), Err(HubError::PayloadTooLarge { bytes: 131_073, bytes_max: 131_072 })));
    }

    #[test]
    fn answers_are_json_or_nothing() {
        for (body, expected) in [
            ("", None),
            (" \r\n", None),
            ("null", Some("null")),
            (" 1.50 ", Some("1.50")),
            ("{\"a\" : [1,\t2]}", Some("{\"a\" : [1,\t2]}")),
            ("\"ü\\u00e4\"", Some("\"ü\\u00e4\"")),
        ] {
            let payload = read_answer(body.as_bytes()).unwrap();
            assert_eq!(payload.as_deref().map(RawValue::get), expected, "{body:?}");
        }
        let long = format!("\"{}\"", "x".repeat(limits::METHOD_PAYLOAD_BYTES_MAX));
        for body in [&b"{"[..], b"ok", b"1 2", b"\xff", b"\"\xff\"", long.as_bytes()] {
            assert!(read_answer(body).is_err(), "{}", body.len());
        }
    }
}
