//! Prints how fast this machine appends, reads and opens events: `cargo run --release --example append [directory]`.
//!
//! Each row is one thread of so many tasks with so many events in flight, as a server on one core is: pin the process to one core for
//! that. The last rows spend 10 us more on each event, about what TLS and MQTT cost. Beside each row stands a log that does nothing but
//! write and sync as many bytes, which is what ours is measured against.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use async_trait::async_trait;
use parking_lot::{Condvar, Mutex};
use roadstead_model::{AuthMethod, Event, EventSource, GenerationId, HubKey, Properties, SystemProperty, UnixMillis};
use roadstead_store::{EventLog, HubLog, Retention};
use roadstead_store_embedded::{DataDirectory, EmbeddedEventLog};
use tokio::sync::watch;

const SPAN: Duration = Duration::from_secs(3);
const BODY: [u8; 256] = [b'x'; 256];
const PARTITIONS: u16 = 4;
const RETENTION: Retention = Retention { age_ms: i64::MAX, bytes_max: u64::MAX };

/// What a log is to one who publishes.
#[async_trait]
trait Appends: Send + Sync + 'static {
    fn append(&self, device: u16, properties: &Properties) -> u64;
    async fn wait(&self, ticket: u64);
}

struct Ours(Arc<dyn HubLog>);

#[async_trait]
impl Appends for Ours {
    fn append(&self, device: u16, properties: &Properties) -> u64 {
        let event = Event {
            source: EventSource::Telemetry,
            auth: AuthMethod::X509,
            device_id: "device-000001",
            module_id: None,
            generation: GenerationId(638_678_451_234_567_890),
            properties,
            body: &BODY,
        };
        self.0.append(device % PARTITIONS, &event, UnixMillis(1_795_291_370_000)).unwrap().0
    }

    async fn wait(&self, ticket: u64) {
        self.0.commits().wait(roadstead_store::Ticket(ticket)).await.unwrap();
    }
}

/// Appends bytes to memory; a thread writes and syncs them.
struct Bare {
    pending: Mutex<(Vec<u8>, u64)>,
    wake: Condvar,
    durable: watch::Sender<u64>,
}

impl Bare {
    fn start(path: &Path) -> Arc<Self> {
        let mut file = File::create(path).unwrap();
        let log = Arc::new(Self { pending: Mutex::default(), wake: Condvar::new(), durable: watch::channel(0).0 });
        let writer = log.clone();
        thread::spawn(move || {
            let mut block = Vec::new();
            loop {
                let mut pending = writer.pending.lock();
                while pending.0.is_empty() {
                    writer.wake.wait(&mut pending);
                }
                block.clear();
                std::mem::swap(&mut block, &mut pending.0);
                let last = pending.1;
                drop(pending);
                file.write_all(&block).unwrap();
                file.sync_data().unwrap();
                writer.durable.send_replace(last);
            }
        });
        log
    }
}

#[async_trait]
impl Appends for Arc<Bare> {
    fn append(&self, _: u16, _: &Properties) -> u64 {
        let mut pending = self.pending.lock();
        pending.0.extend_from_slice(&[0; 64]);
        pending.0.extend_from_slice(&BODY);
        pending.1 += 1;
        let ticket = pending.1;
        drop(pending);
        self.wake.notify_one();
        ticket
    }

    async fn wait(&self, ticket: u64) {
        self.durable.subscribe().wait_for(|last| *last >= ticket).await.unwrap();
    }
}

fn properties() -> Properties {
    let mut properties = Properties::new();
    properties.push_system(SystemProperty::ContentType, "application/json");
    properties
}

/// Processor time of this process so far.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks = stat.rsplit(") ").next().unwrap_or_default().split(' ').skip(11).take(2);
    Duration::from_millis(ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10)
}

#[derive(Clone, Copy)]
struct Load {
    tasks: u16,
    window: u32,
    work: Duration,
}

const LOADS: [(u16, u32, u64); 10] = [
    (1, 1, 0),
    (1, 8, 0),
    (1, 64, 0),
    (1, 512, 0),
    (1, 4096, 0),
    (1000, 1, 0),
    (100, 8, 0),
    (100, 1, 10),
    (1000, 1, 10),
    (100, 8, 10),
];

fn spin(span: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < span {
        std::hint::spin_loop();
    }
}

/// Tasks that each append `window` events and wait for them, over and over.
async fn fleet(name: &str, log: Arc<dyn Appends>, Load { tasks, window, work }: Load) {
    let (begun, cpu_before) = (Instant::now(), cpu());
    let tasks: Vec<_> = (0..tasks)
        .map(|device| {
            let log = log.clone();
            tokio::spawn(async move {
                let properties = properties();
                let (mut count, mut waits) = (0u32, Vec::new());
                while begun.elapsed() < SPAN {
                    let asked = Instant::now();
                    let tickets = (0..window).map(|_| {
                        spin(work);
                        log.append(device, &properties)
                    });
                    let last = tickets.fold(0, |_, ticket| ticket);
                    log.wait(last).await;
                    waits.push(asked.elapsed());
                    count += window;
                }
                (count, waits)
            })
        })
        .collect();
    let clients = tasks.len();
    let (mut count, mut waits) = (0, Vec::new());
    for task in tasks {
        let (more, some) = task.await.unwrap();
        count += more;
        waits.extend(some);
    }
    let (took, used) = (begun.elapsed(), cpu().saturating_sub(cpu_before));
    waits.sort_unstable();
    let at = |share: usize| waits[(waits.len() - 1) * share / 100];
    println!(
        "{name:5} {clients:5} x {window:4} + {work:>4?}: {:9.0} events/s, {:5.2} us of CPU each, p50 {:?}, p99 {:?}",
        f64::from(count) / took.as_secs_f64(),
        used.as_secs_f64() * 1e6 / f64::from(count),
        at(50),
        at(99)
    );
}

async fn read_back(log: &dyn HubLog) {
    let (begun, mut count, mut at) = (Instant::now(), 0u32, 0);
    while begun.elapsed() < SPAN {
        let events = log.read(0, at, 1 << 20).await.unwrap();
        let Some(last) = events.last() else { break };
        at = last.offset + 1;
        count += events.len() as u32;
    }
    println!("read partition 0 of {PARTITIONS}: {:.0} events/s", f64::from(count) / begun.elapsed().as_secs_f64());
}

async fn open(path: &Path) -> (EmbeddedEventLog, Arc<dyn HubLog>) {
    let begun = Instant::now();
    let engine = EmbeddedEventLog::open(DataDirectory::open(path).unwrap()).unwrap();
    let log = engine.open(HubKey(1), PARTITIONS, RETENTION).await.unwrap();
    println!("opened {} events in {:?}", log.bounds(0).next * u64::from(PARTITIONS), begun.elapsed());
    (engine, log)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let temporary = tempfile::tempdir().unwrap();
    let path = std::env::args_os().nth(1).map_or(temporary.path().to_owned(), Into::into);
    {
        let (_engine, log) = open(&path).await;
        let bare = path.join("bare.log");
        for (tasks, window, work_us) in LOADS {
            let load = Load { tasks, window, work: Duration::from_micros(work_us) };
            fleet("bare", Arc::new(Bare::start(&bare)), load).await;
            fleet("ours", Arc::new(Ours(log.clone())), load).await;
        }
        std::fs::remove_file(&bare).unwrap();
        read_back(&*log).await;
    }
    open(&path).await;
}
