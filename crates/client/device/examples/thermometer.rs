//! A thermometer: registers with DPS, then sends its temperature once a second until Ctrl-C.
//!
//! ```text
//! PROVISIONING_HOST=dev.localhost PROVISIONING_IDSCOPE=0ne00ABC123 SSL_CERT_FILE=ca.pem \
//!   cargo run -p roadstead-device --example thermometer -- thermo-7 --key BASE64
//! … -- thermo-7 --cert thermo-7.pem thermo-7.key.pem
//! ```

use roadstead_device::{ConnectionState, Credentials, Device, Message, Provisioning};
use std::error::Error;
use std::time::Duration;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (id, credentials) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [id, "--key", key] => (id, Credentials::symmetric_key(key)?),
        [id, "--cert", chain, key] => (id, Credentials::x509_files(chain, key)?),
        _ => return Err("usage: thermometer ID (--key BASE64 | --cert CHAIN.pem KEY.pem)".into()),
    };
    let host = std::env::var("PROVISIONING_HOST").map_err(|_| "set PROVISIONING_HOST")?;
    let id_scope = std::env::var("PROVISIONING_IDSCOPE").map_err(|_| "set PROVISIONING_IDSCOPE")?;

    let registration = Provisioning::new(host, id_scope, id, credentials).register().await?;
    eprintln!("{} is {} on {}", id, registration.device_id, registration.assigned_hub);
    let device = Device::connect(registration).await?;
    tokio::spawn(report(device.state()));

    let mut second = tokio::time::interval(Duration::from_secs(1));
    let mut seconds = 0.0_f64;
    loop {
        tokio::select! {
            _ = second.tick() => {}
            _ = tokio::signal::ctrl_c() => break,
        }
        let temperature = 20.0 + 5.0 * (seconds / 60.0).sin();
        let reading = serde_json::json!({ "temperature": temperature });
        let alert = if temperature > 24.0 { "true" } else { "false" };
        device.send(Message::json(&reading)?.property("temperatureAlert", alert)).await?;
        seconds += 1.0;
    }
    device.disconnect().await;
    Ok(())
}

/// Says what becomes of the connection.
async fn report(mut state: tokio::sync::watch::Receiver<ConnectionState>) {
    while state.changed().await.is_ok() {
        match &*state.borrow_and_update() {
            ConnectionState::Connected { .. } => eprintln!("connected"),
            ConnectionState::Reconnecting { attempt, cause } => eprintln!("reconnecting ({attempt}): {cause}"),
            ConnectionState::Closed { .. } => {}
        }
    }
}
