//! Prints how fast the built-in endpoint hands out what is stored: readers that only count, so that the server is what is measured.
//!
//! `roadstead env` sets what it reads: `EVENTHUB_CONNECTION_STRING`, whose AMQP is without TLS. Store events first, then
//! `cargo run --release -p roadstead-simulator --example event_rates -- [readers] [seconds]`. Each reader is a connection and a thread,
//! and reads all partitions from the first event on. One line of JSON: events and bytes of frames of all readers, and the seconds
//! from the first to the last. `tests/clients/event_rates.py` does all of it, beside readers on `azure-eventhub`.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]

use std::{
    env,
    io::{Read, Write},
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use roadstead_amqp_proto::{
    Attach, Begin, Flow, FrameType, Open, Performative, Protocol, Role, Source, Target, condition,
    frame::{self, first_frame},
    sasl::{SaslInit, SaslRequest},
};
use roadstead_sas::{SasKey, sign};

/// More partitions than any hub has: those that are none are refused.
const PARTITIONS_MAX: u32 = 32;
const FRAME_BYTES_MAX: u32 = 64 * 1024;
const BUFFER_BYTES: usize = 1 << 20;
/// Transfers and deliveries beyond any run.
const ALL: u32 = i32::MAX.cast_unsigned();
/// Code of the outcome that lets a client in, where it stands in its frame: behind the header, the descriptor, the list's, the type.
const SASL_OK_AT: usize = 8 + 3 + 3 + 1;

/// What `Endpoint=sb://HOST:PORT;SharedAccessKeyName=…;SharedAccessKey=…;EntityPath=…;…` says.
#[derive(Clone)]
struct Endpoint {
    host: String,
    port: u16,
    policy: String,
    key: SasKey,
    entity: String,
}

#[derive(Default)]
struct Counted {
    events: u64,
    bytes: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

impl Endpoint {
    fn from_env() -> Self {
        let text = env::var("EVENTHUB_CONNECTION_STRING").unwrap();
        let part = |name: &str| text.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('=')).unwrap();
        let authority = part("Endpoint").trim_start_matches("sb://").trim_end_matches('/');
        let (host, port) = authority.rsplit_once(':').unwrap_or((authority, "5672"));
        Self {
            host: host.to_owned(),
            port: port.parse().unwrap(),
            policy: part("SharedAccessKeyName").to_owned(),
            key: SasKey::from_base64(part("SharedAccessKey")).unwrap(),
            entity: part("EntityPath").to_owned(),
        }
    }

    /// Counts what comes until `end`.
    fn read(&self, end: Instant) -> Counted {
        let mut io = self.attached();
        let mut counted = Counted::default();
        let (mut buffer, mut filled) = (vec![0; BUFFER_BYTES], 0);
        loop {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return counted;
            }
            io.set_read_timeout(Some(left)).unwrap();
            let Ok(read) = io.read(&mut buffer[filled..]) else { return counted };
            assert!(read > 0, "the server hung up");
            filled += read;
            let mut done = 0;
            let before = counted.events;
            while let Some((frame, len)) = first_frame(&buffer[done..filled], FRAME_BYTES_MAX as usize).unwrap() {
                done += len;
                counted.take(frame.body, len);
            }
            if counted.events > before {
                counted.last = Some(Instant::now());
                counted.first = counted.first.or(counted.last);
            }
            buffer.copy_within(done..filled, 0);
            filled -= done;
        }
    }

    /// A connection that is logged in, with a link from each partition, and credit for everything.
    fn attached(&self) -> TcpStream {
        let mut io = TcpStream::connect((&*self.host, self.port)).unwrap();
        let label = self.host.split('.').next().unwrap();
        let token = sign(&self.host, &self.key, 4_000_000_000, Some(&self.policy));
        let proof = format!("\0{}@sas.root.{label}\0{token}", self.policy);
        let mut out = Protocol::Sasl.bytes().to_vec();
        let init =
            SaslInit { mechanism: "PLAIN", initial_response: Some(proof.as_bytes()), hostname: Some(&self.host) };
        SaslRequest::Init(init).write(&mut out);
        io.write_all(&out).unwrap();
        let mut header = [0; Protocol::BYTES];
        io.read_exact(&mut header).unwrap();
        next_frame(&mut io); // the mechanisms
        assert_eq!(next_frame(&mut io).get(SASL_OK_AT), Some(&0), "not logged in");

        let mut out = Protocol::Amqp.bytes().to_vec();
        let open =
            Open { hostname: Some(self.host.as_str().into()), max_frame_size: FRAME_BYTES_MAX, ..Open::new("counts") };
        say(&mut out, &Performative::Open(Box::new(open)));
        let begin = Begin {
            remote_channel: None,
            next_outgoing_id: 0,
            incoming_window: ALL,
            outgoing_window: ALL,
            handle_max: PARTITIONS_MAX,
            offered_capabilities: Vec::new(),
            desired_capabilities: Vec::new(),
            properties: roadstead_amqp_proto::Map::default(),
        };
        say(&mut out, &Performative::Begin(Box::new(begin)));
        for partition in 0..PARTITIONS_MAX {
            let address = format!("{}/ConsumerGroups/$Default/Partitions/{partition}", self.entity);
            let attach = Attach {
                source: Some(Source::new(&address)),
                target: Some(Target::new("here")),
                ..Attach::new(&address, partition, Role::Receiver)
            };
            say(&mut out, &Performative::Attach(Box::new(attach)));
            let flow = Flow {
                incoming_window: ALL,
                outgoing_window: ALL,
                handle: Some(partition),
                link_credit: Some(ALL),
                ..Flow::default()
            };
            say(&mut out, &Performative::Flow(flow));
        }
        io.write_all(&out).unwrap();
        io.read_exact(&mut header).unwrap();
        io
    }
}

impl Counted {
    fn take(&mut self, body: &[u8], len: usize) {
        if body.is_empty() {
            return;
        }
        match Performative::decode(body).unwrap().0 {
            Performative::Transfer(transfer) => {
                self.events += u64::from(!transfer.more);
                self.bytes += len as u64;
            }
            Performative::Detach(detach) => {
                let error = detach.error.unwrap();
                assert_eq!(&*error.condition, condition::NOT_FOUND, "{error}");
            }
            Performative::End(_) | Performative::Close(_) => panic!("the server gave up"),
            _ => {}
        }
    }
}

fn say(out: &mut Vec<u8>, performative: &Performative<'_>) {
    frame::write(out, FrameType::Amqp, 0, |out| performative.encode(out));
}

/// The next frame, header included, and no byte more.
fn next_frame(io: &mut TcpStream) -> Vec<u8> {
    let mut frame = vec![0; 4];
    io.read_exact(&mut frame).unwrap();
    let len = u32::from_be_bytes(*frame.first_chunk().unwrap()) as usize;
    frame.resize(len, 0);
    io.read_exact(&mut frame[4..]).unwrap();
    frame
}

fn main() {
    let mut arguments = env::args().skip(1).map(|argument| argument.parse::<u64>().unwrap());
    let (readers, seconds) = (arguments.next().unwrap_or(1), arguments.next().unwrap_or(5));
    let endpoint = Endpoint::from_env();
    let end = Instant::now() + Duration::from_secs(seconds);
    let threads: Vec<_> = (0..readers)
        .map(|_| {
            let endpoint = endpoint.clone();
            thread::spawn(move || endpoint.read(end))
        })
        .collect();
    let counted: Vec<Counted> = threads.into_iter().map(|reader| reader.join().unwrap()).collect();
    let events: u64 = counted.iter().map(|one| one.events).sum();
    let bytes: u64 = counted.iter().map(|one| one.bytes).sum();
    let first = counted.iter().filter_map(|one| one.first).min();
    let last = counted.iter().filter_map(|one| one.last).max();
    let took = first.zip(last).map_or(0.0, |(first, last)| (last - first).as_secs_f64());
    println!("{{\"events\": {events}, \"bytes\": {bytes}, \"seconds\": {took:.3}}}");
}
