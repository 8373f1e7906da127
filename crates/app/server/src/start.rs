//! Puts a server together and takes it apart again.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::{Context, Result};
use arc_swap::ArcSwapOption;
use roadstead_config::Settings;
use roadstead_dps::{Instances, Ports};
use roadstead_front_amqp::AmqpFront;
use roadstead_front_arm::Arm;
use roadstead_front_http::{HttpFront, Parts};
use roadstead_front_mqtt::MqttFront;
use roadstead_front_portal::Portal;
use roadstead_front_transport::{
    Capacity, Conn, Drain, HandshakeObserver, Listener, limits as transport_limits, server_config,
};
use roadstead_hub::{CloseReason, Hubs};
use roadstead_journal::Journal;
use roadstead_meter::Meters;
use roadstead_model::{Clock, Random, UnixMillis};
use roadstead_resources::{Access, Naming, Resources};
use roadstead_store::{Blobs, EventLog, Records};
use roadstead_store_embedded::{DataDirectory, EmbeddedBlobs, EmbeddedEventLog, EmbeddedRecords};
use roadstead_store_object::ObjectBlobs;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::{
    disk::DataDisk,
    faces::{self, Inside, LoggedInCallers, ResourceManager},
    installation,
    issuers::HttpIssuers,
    limits,
    link::Links,
    metrics::{self, Pulse},
    names::Names,
    own_ca,
    portal::{Pages, PublicApis},
    reading::read_meters,
    system::{SystemClock, SystemRandom},
    webhook::HttpWebhook,
    world::World,
};

/// A server that takes traffic.
pub struct Server {
    pub resources: Arc<Resources>,
    /// Its pages are on the HTTPS port.
    pub portal: Arc<Portal>,
    pub https: SocketAddr,
    pub mqtt: SocketAddr,
    pub amqp: SocketAddr,
    /// AMQP without TLS, if it was asked for.
    pub amqp_plain: Option<SocketAddr>,
    /// The CA that clients must trust; `None` when the administrator's own certificate is shown.
    pub ca_file: Option<PathBuf>,
    world: Arc<World>,
    capacity: Arc<Capacity>,
    drain: Drain,
    tasks: Vec<JoinHandle<()>>,
}

/// Ports that were bound before the rest of the server starts, so that a taken port is told of at once.
struct Doors {
    https: Listener,
    mqtt: Listener,
    amqp: Listener,
    amqp_plain: Option<Listener>,
}

impl Doors {
    fn observed_by(self, observer: &HandshakeObserver) -> Self {
        Self {
            https: self.https.observed_by(observer.clone()),
            mqtt: self.mqtt.observed_by(observer.clone()),
            amqp: self.amqp.observed_by(observer.clone()),
            amqp_plain: self.amqp_plain,
        }
    }
}

impl Server {
    /// Starts a server. `machine`: names and addresses of this machine for the certificate shown to who names none of ours.
    pub async fn start(settings: &Settings, machine: Vec<String>) -> Result<Self> {
        let (clock, random): (Arc<dyn Clock>, Arc<dyn Random>) = (Arc::new(SystemClock), Arc::new(SystemRandom));
        let recorder = metrics::recorder();
        // Whoever builds a TLS client without naming a provider (webhooks) gets the one everything else uses.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let directory = DataDirectory::open(&settings.data_dir)?;
        let seal_key = directory.seal_key(&*random)?;
        let blobs = blobs(settings, &directory)?;
        let disk = Arc::new(DataDisk { directory: directory.clone(), has_files: settings.blobs.url.is_none() });
        let log: Arc<dyn EventLog> = Arc::new(EmbeddedEventLog::open(directory.clone())?);
        let records: Arc<dyn Records> = Arc::new(EmbeddedRecords::open(directory, &seal_key)?);
        let names = Arc::new(Names::open(&settings.data_dir, &settings.tls, machine, clock.clone())?);
        let capacity = Capacity::new(transport_limits::CONNECTIONS_MAX, transport_limits::HANDSHAKES_MAX);
        let doors = bind(settings, &names, &capacity)?;
        let (https, mqtt, amqp) =
            (doors.https.local_address()?, doors.mqtt.local_address()?, doors.amqp.local_address()?);
        let amqp_plain = doors.amqp_plain.as_ref().map(Listener::local_address).transpose()?;

        let hubs = Arc::new(Hubs::new());
        let journal = Journal::new(records.clone(), clock.clone());
        let ports = Ports {
            records: records.clone(),
            hubs: Arc::new(Links::new(hubs.clone(), clock.clone(), &settings.links)?),
            webhooks: Arc::new(HttpWebhook::new()?),
            clock: clock.clone(),
            random: random.clone(),
            journal: journal.clone(),
        };
        let dps = Arc::new(Instances::open(ports).await?);
        let world = Arc::new(World {
            hubs: hubs.clone(),
            dps: dps.clone(),
            names: names.clone(),
            records: records.clone(),
            log,
            blobs,
            upload_secret: installation::token_key(&settings.data_dir, &*random)?,
            clock: clock.clone(),
            random: random.clone(),
            journal: journal.clone(),
            hub_bytes_max: settings.events.hub_mib_max.saturating_mul(1024 * 1024),
            resources: ArcSwapOption::empty(),
            renewing: tokio::sync::Mutex::default(),
            removing: tokio::sync::Mutex::default(),
        });
        let naming = Naming {
            hub_domain: settings.names.hub_domain.clone(),
            dps_domain: settings.names.dps_domain().to_owned(),
        };
        let resources = Arc::new(Resources::open(records, world.clone(), clock.clone(), random.clone(), naming).await?);
        world.resources.store(Some(resources.clone()));
        world.renew_all().await?;
        dps.observe_trust(world.clone());

        let installation = installation::installation(&settings.administrator)?;
        let token_key = installation::token_key(&settings.data_dir, &*random)?;
        let issuers = Arc::new(HttpIssuers::new(&settings.issuers, clock.clone())?);
        let access = Arc::new(Access::new(installation, &token_key, resources.clone(), issuers.clone()));
        let meters = Arc::new(Meters::new());
        let arm = Arm::new(
            resources.clone(),
            access.clone(),
            hubs.clone(),
            meters.clone(),
            disk.clone(),
            clock.clone(),
            random.clone(),
        );
        let mqtt_front = Arc::new(MqttFront::new(hubs.clone(), dps.clone(), clock.clone(), journal.clone()));
        let callers = Arc::new(LoggedInCallers { access, resources: resources.clone() });
        let amqp_front = Arc::new(AmqpFront::new(
            hubs.clone(),
            dps.clone(),
            callers.clone(),
            clock.clone(),
            journal.clone(),
            amqp.port(),
        ));
        let drain = Drain::new();
        let pulse = Pulse { recorder, hubs: hubs.clone(), disk, drain: drain.watch() };
        let parts = Parts {
            hubs,
            dps,
            journal: journal.clone(),
            clock: clock.clone(),
            management: Arc::new(ResourceManager(arm)),
            portal: None,
            bearers: callers,
            websockets: Arc::new(Inside { mqtt: mqtt_front.clone(), amqp: amqp_front.clone() }),
            operations: Arc::new(pulse),
        };
        let apis = PublicApis::new(HttpFront::new(parts.clone()), drain.watch(), clock.clone())?;
        let portal = Arc::new(Portal::new(Arc::new(apis), issuers, clock, random));
        let http_front = HttpFront::new(Parts { portal: Some(Arc::new(Pages(portal.clone()))), ..parts });
        let doors = doors.observed_by(&faces::handshakes(journal.clone()));
        let mut tasks = serve(doors, mqtt_front, amqp_front, http_front, &drain);
        tasks.push(tokio::spawn(keep_house(world.clone(), names.clone())));
        tasks.push(tokio::spawn(finish_deletions(world.clone())));
        tasks.push(tokio::spawn(read_meters(world.clone(), meters)));
        tasks.push(tokio::spawn(async move { journal.keep().await }));
        let ca_file = names.ca_file().cloned();
        info!(%https, %mqtt, %amqp, data_dir = %settings.data_dir.display(), "listening");
        Ok(Self { resources, portal, https, mqtt, amqp, amqp_plain, ca_file, world, capacity, drain, tasks })
    }

    /// Reads certificate files again. What was shown stays when that fails.
    pub fn reload_certificates(&self) -> Result<()> {
        self.world.names.renew()
    }

    /// Takes no new connection, lets what is under way finish, closes the rest, and returns when all is written.
    pub async fn stop(self) {
        self.drain.start();
        self.close_sessions();
        if tokio::time::timeout(limits::DRAIN, self.capacity.emptied()).await.is_err() {
            warn!(connections = self.capacity.connections(), "closing connections that did not end by themselves");
        }
        for hub in self.world.hubs.all() {
            if let Err(cause) = hub.flush_presence().await {
                warn!(hub = %hub.resource().name, %cause, "when devices were last connected could not be stored");
            }
        }
        if let Err(cause) = self.world.journal.flush().await {
            warn!(%cause, "what happened to devices at last could not be stored");
        }
        for task in self.tasks {
            task.abort();
        }
    }

    fn close_sessions(&self) {
        for hub in self.world.hubs.all() {
            hub.close(CloseReason::ShuttingDown);
        }
    }
}

/// Where uploaded files are kept.
fn blobs(settings: &Settings, directory: &Arc<DataDirectory>) -> Result<Arc<dyn Blobs>> {
    let hub_bytes_max = settings.blobs.hub_mib_max.saturating_mul(1024 * 1024);
    Ok(match &settings.blobs.url {
        None => Arc::new(EmbeddedBlobs::open(directory.clone(), hub_bytes_max)?),
        Some(url) => {
            let place = roadstead_store_object::open(url).context("blobs.url")?;
            Arc::new(ObjectBlobs::new(place, hub_bytes_max))
        }
    })
}

fn bind(settings: &Settings, names: &Names, capacity: &Arc<Capacity>) -> Result<Doors> {
    let tls = server_config(names.shown())?;
    let open = |name, address: SocketAddr| {
        Listener::bind(name, address, tls.clone(), capacity.clone())
            .with_context(|| format!("cannot listen on {address} for {}", name_of(name)))
    };
    let plain = |address: SocketAddr| {
        Listener::bind_plain("amqp_plain", address, capacity.clone())
            .with_context(|| format!("cannot listen on {address} for AMQP without TLS"))
    };
    let listen = &settings.listen;
    Ok(Doors {
        https: open("https", listen.https)?,
        mqtt: open("mqtt", listen.mqtt)?,
        amqp: open("amqp", listen.amqp)?,
        amqp_plain: listen.amqp_plain.map(plain).transpose()?,
    })
}

fn name_of(listener: &str) -> &'static str {
    match listener {
        "mqtt" => "MQTT",
        "amqp" => "AMQP",
        _ => "HTTPS",
    }
}

fn serve(
    doors: Doors,
    mqtt: Arc<MqttFront>,
    amqp: Arc<AmqpFront>,
    http: HttpFront,
    drain: &Drain,
) -> Vec<JoinHandle<()>> {
    let numbers = Arc::new(AtomicU64::new(1));
    let next = move || numbers.fetch_add(1, Ordering::Relaxed);
    let (mqtt_numbers, amqp_numbers) = (next.clone(), next.clone());
    let on_mqtt = move |conn: Conn| {
        let (front, caller) = (mqtt.clone(), faces::mqtt_caller(conn.peer(), mqtt_numbers()));
        async move { front.serve(conn, caller).await }
    };
    let on_amqp = move |conn: Conn| {
        let (front, caller) = (amqp.clone(), faces::amqp_caller(conn.peer(), amqp_numbers()));
        async move { front.serve(conn, caller).await }
    };
    let watch = drain.watch();
    let on_https = move |conn: Conn| {
        let (front, caller, mut watch) = (http.clone(), faces::http_caller(conn.peer(), next()), watch.clone());
        async move { front.serve(conn, caller, async move { watch.started().await }).await }
    };
    let mut tasks = vec![
        tokio::spawn(doors.mqtt.serve(on_mqtt, drain.watch())),
        tokio::spawn(doors.https.serve(on_https, drain.watch())),
    ];
    tasks.extend(doors.amqp_plain.map(|door| tokio::spawn(door.serve(on_amqp.clone(), drain.watch()))));
    tasks.push(tokio::spawn(doors.amqp.serve(on_amqp, drain.watch())));
    tasks
}

/// What must be done now and then: retention, the expiry of messages, and certificates before they expire or when their files change.
async fn keep_house(world: Arc<World>, names: Arc<Names>) {
    let mut tick = tokio::time::interval(limits::HOUSEKEEPING);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut renewed = world.clock.now();
    let mut seen = modified(&names);
    let mut swept = UnixMillis(i64::MIN);
    loop {
        tick.tick().await;
        let now = world.clock.now();
        for hub in world.hubs.all() {
            if let Err(cause) = hub.retain_events(now).await {
                warn!(hub = %hub.resource().name, %cause, "old events could not be dropped");
            }
            if let Err(cause) = hub.sweep_messages().await {
                warn!(hub = %hub.resource().name, %cause, "expired messages to devices could not be ended");
            }
        }
        if now.0.saturating_sub(swept.0) >= limits::BLOCK_SWEEP_MS {
            swept = now;
            if let Err(cause) = world.blobs.sweep(now.plus_ms(-limits::BLOCK_AGE_MS)).await {
                warn!(%cause, "blocks of unfinished uploads could not be dropped");
            }
        }
        let files = modified(&names);
        let is_due = names.files().is_none() && now.0 - renewed.0 > own_ca::RENEWAL_S * 1000;
        if files != seen || is_due {
            match names.renew() {
                Ok(()) => info!("server certificates renewed"),
                Err(cause) => warn!("server certificates could not be renewed, the old ones stay: {cause:#}"),
            }
            (seen, renewed) = (files, now);
        }
    }
}

/// Removes what deletions of hubs left behind when the server was killed, or a store of files was away. By itself, since such a
/// store may take its time.
async fn finish_deletions(world: Arc<World>) {
    let mut tick = tokio::time::interval(limits::HOUSEKEEPING);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        if let Err(cause) = world.remove_remains().await {
            warn!("it could not be read which hubs were deleted: {cause:#}");
        }
    }
}

fn modified(names: &Names) -> Option<[Option<std::time::SystemTime>; 2]> {
    let time = |path: &std::path::Path| path.metadata().and_then(|found| found.modified()).ok();
    names.files().map(|files| files.map(time))
}
