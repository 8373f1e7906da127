//! What `dev` prints when it is ready: within one screen, what listens where and what to paste.

use roadstead_config::Context;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

pub struct Panel<'a> {
    pub context: &'a Context,
    pub data_dir: &'a Path,
    pub took: Duration,
    /// 443 was wanted and could not be had.
    pub without_443: bool,
}

pub fn print(panel: &Panel<'_>) {
    let mut stdout = std::io::stdout().lock();
    // Nobody may be reading; the server runs all the same.
    let _ = stdout.write_all(text(panel).as_bytes()).and_then(|()| stdout.flush());
}

fn text(panel: &Panel<'_>) -> String {
    let Context { hub_host, id_scope, https_port, mqtt_port, ca_file, .. } = panel.context;
    let host = hub_host.as_deref().unwrap_or("localhost");
    let scope = id_scope.as_deref().unwrap_or_default();
    let (ca, data) = (ca_file.display(), panel.data_dir.display());
    let https = if *https_port == 443 { String::new() } else { format!(":{https_port}") };
    let port_note = if panel.without_443 {
        format!(
            "  note      443 may not be bound here, so HTTPS is on {https_port}. SDKs over HTTPS and WebSockets know only 443:\n            \
             start as root, or allow it: sudo sysctl net.ipv4.ip_unprivileged_port_start=443\n"
        )
    } else {
        String::new()
    };
    format!(
        "\
Roadstead is ready ({took} ms)

  MQTT      {host}:{mqtt_port}
  HTTPS     https://{host}{https}
  hub       dev            {host}
  DPS       dev-dps        ID scope {scope}
  CA        {ca}
  data      {data}
{port_note}
In another terminal:

  eval \"$(roadstead env --data-dir {data})\"

A device, and its telemetry as it arrives:

  roadstead iot hub device-identity create --hub-name dev --device-id thermo-7
  roadstead iot hub monitor-events --hub-name dev
  roadstead simulate --devices 3

Python   IoTHubDeviceClient.create_from_connection_string(os.environ[\"DEVICE\"])
         export DEVICE=$(roadstead iot hub device-identity connection-string show -n dev -d thermo-7 --query connectionString -o tsv)
curl     curl --cacert {ca} -H \"Authorization: $SAS\" -d '{{\"t\":21.5}}' 'https://{host}{https}/devices/thermo-7/messages/events?api-version=2021-04-12'
MQTT     mosquitto_pub --cafile {ca} -h {host} -p {mqtt_port} -i thermo-7 -u '{host}/thermo-7/?api-version=2021-04-12' -P \"$SAS\" -q 1 -t devices/thermo-7/messages/events/ -m '{{\"t\":21.5}}'

Ctrl-C stops it.
",
        took = panel.took.as_millis(),
    )
}
