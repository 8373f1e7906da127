//! What runs a server, or asks one about itself.

use clap::Args;
use std::path::PathBuf;

/// Run a hub and a DPS instance on this machine, with nothing to configure
#[derive(Debug, Args)]
pub struct Dev {
    /// Forget everything at the end; without --data-dir, in a temporary directory
    #[arg(long)]
    pub ephemeral: bool,
    /// Name of the hub, also reachable by other machines; must have a dot
    #[arg(long, value_name = "NAME")]
    pub hostname: Option<String>,
    /// Further name or address in the server's certificate (repeatable)
    #[arg(long, value_name = "NAME")]
    pub san: Vec<String>,
    /// Port of HTTPS and WebSockets [default: 443, else the first free one from 8443]
    #[arg(long, value_name = "PORT")]
    pub https_port: Option<u16>,
    /// Port of MQTT; SDKs know only 8883
    #[arg(long, value_name = "PORT", default_value_t = 8883)]
    pub mqtt_port: u16,
    /// Port of AMQP with TLS [default: 5671, else the first free one from 8571]
    #[arg(long, value_name = "PORT")]
    pub amqp_port: Option<u16>,
    /// Port of AMQP without TLS, on this machine only [default: 5672, else the first free one from 8672]
    #[arg(long, value_name = "PORT")]
    pub amqp_plain_port: Option<u16>,
    /// Make the groups, hubs, devices, enrollments and CAs of this TOML file
    #[arg(long, value_name = "FILE")]
    pub seed: Option<PathBuf>,
    /// What is logged on stderr: `debug`, or per module `info,roadstead_front_mqtt=debug`
    #[arg(long, value_name = "FILTER", default_value = "info")]
    pub log: String,
}

/// Run in production, as `roadstead.toml` says
#[derive(Debug, Args)]
pub struct Serve {
    /// The configuration
    #[arg(long, value_name = "FILE", default_value = "roadstead.toml")]
    pub config: PathBuf,
    /// What is logged, in place of the configuration's `log.filter`
    #[arg(long, value_name = "FILTER")]
    pub log: Option<String>,
}

/// Write a commented configuration with fresh secrets
#[derive(Debug, Args)]
pub struct Init {
    /// The configuration to write
    #[arg(long, value_name = "FILE", default_value = "roadstead.toml")]
    pub config: PathBuf,
    /// What follows a hub's name: hub `plant` is `plant.<DOMAIN>`
    #[arg(long, value_name = "DOMAIN", default_value = "localhost")]
    pub hub_domain: String,
}

/// Print hosts-file lines for every hub, and for Azure's own names
#[derive(Debug, Args)]
pub struct Hosts {
    /// Write them into /etc/hosts
    #[arg(long)]
    pub install: bool,
    /// The address the names lead to
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    pub address: std::net::IpAddr,
}

/// Check configuration, ports, certificates, clock, disk and a live server
#[derive(Debug, Args)]
pub struct Doctor {
    /// Check this configuration too
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// Say what became of a device: whether it is known and connected, why it was refused, and what mends that
#[derive(Debug, Args)]
pub struct Why {
    /// Device id, `DEVICE/MODULE`, registration id, or a back end's `policy/NAME` or `principal/NAME`
    #[arg(value_name = "ID")]
    pub id: String,
}

/// Run a fleet of devices that provision themselves and send telemetry
#[derive(Debug, Args)]
pub struct Simulate {
    /// How many devices
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub devices: u32,
    /// Messages per second of each device
    #[arg(long, value_name = "RATE", default_value_t = 1.0)]
    pub rate: f64,
    /// Messages per second of all devices together, in place of --rate
    #[arg(long, value_name = "RATE", conflicts_with = "rate")]
    pub total_rate: Option<f64>,
    /// Messages of each device, after which it leaves
    #[arg(long, value_name = "N")]
    pub count: Option<u64>,
    /// Seconds to run; without it, and without --count, until Ctrl-C
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<u64>,
    /// Prove the devices with keys derived from a group key, in place of certificates
    #[arg(long)]
    pub sas: bool,
    /// What the devices' names begin with
    #[arg(long, default_value = "sim-")]
    pub prefix: String,
    /// Bytes of each message, in place of a thermometer's reading
    #[arg(long, value_name = "BYTES", conflicts_with = "template")]
    pub bytes: Option<usize>,
    /// Text of each message; {device}, {count}, {temperature} and {humidity} are filled in
    #[arg(long, value_name = "TEXT")]
    pub template: Option<String>,
    /// Devices that register and connect at the same time
    #[arg(long, value_name = "N")]
    pub concurrency: Option<usize>,
    /// The DPS instance to register with
    #[arg(long, value_name = "NAME", default_value = "dev-dps")]
    pub dps_name: String,
}
