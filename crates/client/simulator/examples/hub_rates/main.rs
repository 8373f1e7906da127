//! Prints how fast a hub is, for one client technology everywhere: telemetry over MQTT and over AMQP, reading it back over AMQP,
//! and what is not telemetry: reported properties, direct methods, messages to devices.
//!
//! `roadstead env` sets what it reads. Then, with all devices' connections on this one thread:
//!
//! ```text
//! cargo run --release -p roadstead-simulator --example hub_rates -- telemetry [devices] [seconds] [window]
//! cargo run --release -p roadstead-simulator --example hub_rates -- events [readers] [seconds]
//! cargo run --release -p roadstead-simulator --example hub_rates -- requests [devices] [seconds]
//! cargo run --release -p roadstead-simulator --example hub_rates -- idle [devices]
//! ```
//!
//! With `SERVER_PID` it says what the server's processor spent on each.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "an example")]

mod amqp;
mod events;
mod hub;
mod idle;
mod mqtt;
mod requests;
mod server;
mod service;
mod telemetry;

use std::{
    env,
    sync::Arc,
    time::{Duration, Instant},
};

use hdrhistogram::Histogram;

use hub::Hub;

fn histogram() -> Histogram<u64> {
    Histogram::new(3).unwrap()
}

fn since(asked: Instant) -> u64 {
    asked.elapsed().as_micros() as u64
}

fn print(what: &str, began: Instant, waits: impl IntoIterator<Item = Histogram<u64>>) {
    let took = began.elapsed().as_secs_f64();
    let waits = waits.into_iter().fold(histogram(), |sum, one| sum + one);
    let at = |quantile| waits.value_at_quantile(quantile) as f64 / 1000.0;
    println!("{what}: {:.0}/s, median {:.2} ms, p99 {:.2} ms", waits.len() as f64 / took, at(0.5), at(0.99));
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut arguments = env::args().skip(1);
    let what = arguments.next().unwrap_or_default();
    let mut number = |default: usize| arguments.next().map_or(default, |text| text.parse().unwrap());
    let hub = Arc::new(Hub::from_env());
    match &*what {
        "telemetry" => telemetry::measure(&hub, number(100), seconds(number(5)), number(8)).await,
        "events" => events::measure(&hub, number(1), seconds(number(5))).await,
        "requests" => requests::measure(&hub, number(200), seconds(number(5))).await,
        "idle" => idle::measure(&hub, number(1000)).await,
        _ => println!("telemetry, events, requests or idle?"),
    }
}

fn seconds(number: usize) -> Duration {
    Duration::from_secs(number as u64)
}
