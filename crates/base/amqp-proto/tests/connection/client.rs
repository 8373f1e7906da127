//! A client that writes its frames itself, and the connection it speaks to.

use roadstead_amqp_proto::connection::{Answer, ConnectionError, Event, LinkId, SessionId, Settings};
use roadstead_amqp_proto::frame::{self, first_frame};
use roadstead_amqp_proto::{
    Attach, Begin, Connection, Flow, FrameType, Map, Open, Performative, Protocol, Role, Source, Target, Transfer,
};

/// A performative that came back, and the payload behind it.
pub type Said = (u16, Performative<'static>, Vec<u8>);

pub struct Client {
    pub connection: Connection,
    /// What the connection wrote and [`Client::heard`] has not looked at.
    pub out: Vec<u8>,
    pub now_ms: u64,
}

/// Tests are short.
fn leak(bytes: &[u8]) -> &'static [u8] {
    bytes.to_vec().leak()
}

pub fn performative(channel: u16, performative: &Performative<'_>, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::write(&mut bytes, FrameType::Amqp, channel, |out| {
        performative.encode(out);
        out.extend(payload);
    });
    bytes
}

pub fn begin() -> Begin {
    Begin {
        remote_channel: None,
        next_outgoing_id: 0,
        incoming_window: 2048,
        outgoing_window: 2048,
        handle_max: 255,
        offered_capabilities: vec![],
        desired_capabilities: vec![],
        properties: Map::default(),
    }
}

pub fn attach(name: &str, handle: u32, role: Role) -> Attach {
    Attach {
        source: Some(Source::new(&format!("from-{name}"))),
        target: Some(Target::new(&format!("to-{name}"))),
        ..Attach::new(name, handle, role)
    }
}

/// A flow as a client writes it that has seen no transfer yet.
pub fn credit(handle: u32, delivery_count: u32, credit: u32) -> Flow {
    Flow {
        next_incoming_id: Some(1),
        incoming_window: 2048,
        outgoing_window: 2048,
        handle: Some(handle),
        delivery_count: Some(delivery_count),
        link_credit: Some(credit),
        ..Flow::default()
    }
}

impl Client {
    pub fn new(settings: Settings) -> Self {
        Self { connection: Connection::new(settings, 0), out: Vec::new(), now_ms: 0 }
    }

    /// With `open` said and answered.
    pub fn open(settings: Settings, open: &Open) -> Self {
        let mut client = Self::new(settings);
        assert_eq!(client.says(&Protocol::Amqp.bytes()), []);
        let events = client.says(&performative(0, &Performative::Open(Box::new(open.clone())), b""));
        assert!(matches!(&events[..], [Event::Opened(opened)] if **opened == *open), "{events:?}");
        client.connection.open("server", Map::default(), &mut client.out);
        assert!(client.out.starts_with(&Protocol::Amqp.bytes()));
        client.out.drain(..Protocol::BYTES);
        client.heard();
        client
    }

    /// With a session on channel 0, too.
    pub fn begun(settings: Settings) -> Self {
        let mut client = Self::open(settings, &Open::new("client"));
        assert_eq!(client.sends(0, Performative::Begin(Box::new(begin()))), []);
        client.heard();
        client
    }

    pub fn try_says(&mut self, bytes: &[u8]) -> Result<Vec<Event<'static>>, ConnectionError> {
        let mut input = leak(bytes);
        let mut events = Vec::new();
        loop {
            let step = self.connection.read(input, self.now_ms, &mut self.out)?;
            input = &input[step.consumed..];
            let Some(event) = step.event else {
                assert!(input.is_empty(), "{} bytes not read", input.len());
                return Ok(events);
            };
            events.push(event);
        }
    }

    pub fn says(&mut self, bytes: &[u8]) -> Vec<Event<'static>> {
        self.try_says(bytes).unwrap()
    }

    pub fn sends(&mut self, channel: u16, body: Performative<'_>) -> Vec<Event<'static>> {
        self.says(&performative(channel, &body, b""))
    }

    pub fn transfers(&mut self, transfer: Transfer<'_>, payload: &[u8]) -> Vec<Event<'static>> {
        self.says(&performative(0, &Performative::Transfer(transfer), payload))
    }

    /// All frames the connection wrote since the last time.
    pub fn heard(&mut self) -> Vec<Said> {
        let mut rest = leak(&std::mem::take(&mut self.out));
        let mut said = Vec::new();
        while let Some((frame, len)) = first_frame(rest, usize::MAX).unwrap() {
            rest = &rest[len..];
            if !frame.body.is_empty() {
                let (performative, payload) = Performative::decode(frame.body).unwrap();
                said.push((frame.channel, performative, payload.to_vec()));
            }
        }
        assert_eq!(rest, b"");
        said
    }

    /// The one frame that was written.
    pub fn heard_one(&mut self) -> Said {
        let mut said = self.heard();
        assert_eq!(said.len(), 1, "{said:?}");
        said.remove(0)
    }

    /// A link that the connection's caller accepted.
    pub fn attached(&mut self, handle: u32, role: Role, max_message_size: u64) -> LinkId {
        let wanted = attach(&format!("link-{handle}"), handle, role);
        let events = self.sends(0, Performative::Attach(Box::new(wanted)));
        let [Event::Attach { link, attach }] = &events[..] else { panic!("{events:?}") };
        let answer = Answer { max_message_size, ..Answer::default() };
        assert!(self.connection.accept(*link, attach, answer, &mut self.out));
        self.heard();
        *link
    }

    /// A link on which the client sends, with credit.
    pub fn sender(&mut self, handle: u32, credit: u32) -> LinkId {
        let link = self.attached(handle, Role::Sender, 1000);
        self.connection.grant(link, credit, &mut self.out);
        self.heard();
        link
    }

    /// A link on which the client receives, with credit granted.
    pub fn receiver(&mut self, handle: u32, granted: u32) -> LinkId {
        let link = self.attached(handle, Role::Receiver, 0);
        let events = self.sends(0, Performative::Flow(credit(handle, 0, granted)));
        assert_eq!(events, [Event::Credit { link, credit: granted, drain: false }]);
        link
    }
}

pub fn session(link: LinkId) -> SessionId {
    link.session()
}
