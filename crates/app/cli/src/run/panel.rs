//! What `dev` prints when it is ready: within one screen, what listens where and what to paste.

use crate::shell::quoted;
use roadstead_config::Context;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

pub struct Panel<'a> {
    pub context: &'a Context,
    pub data_dir: &'a Path,
    /// Signs in once.
    pub portal: &'a str,
    pub took: Duration,
    /// 443 was wanted and could not be had.
    pub without_443: bool,
}

/// SDKs know no other port of MQTT than 8883.
const SDK: &str = "\
The same device in an SDK, here Python's:

  export DEVICE=$(roadstead iot hub device-identity connection-string show -n dev -d thermo-7 --query connectionString -o tsv)
  python3 -c 'import os; from azure.iot.device import IoTHubDeviceClient as C; c = C.create_from_connection_string(os.environ[\"DEVICE\"]); c.send_message(\"21.5\"); c.shutdown()'

";

pub fn print(panel: &Panel<'_>) {
    let mut stdout = std::io::stdout().lock();
    // Nobody may be reading; the server runs all the same.
    let _ = stdout.write_all(text(panel).as_bytes()).and_then(|()| stdout.flush());
}

fn text(panel: &Panel<'_>) -> String {
    let Context { hub_host, id_scope, https_port, mqtt_port, amqp_port, ca_file, .. } = panel.context;
    let host = hub_host.as_deref().unwrap_or("localhost");
    let scope = id_scope.as_deref().unwrap_or_default();
    let (ca, data) = (ca_file.display(), panel.data_dir.display());
    let (ca_word, data_word) = (quoted(&ca.to_string()), quoted(&data.to_string()));
    let https = if *https_port == 443 { String::new() } else { format!(":{https_port}") };
    let port_note = if panel.without_443 {
        format!(
            "  note      443 may not be bound here, so HTTPS is on {https_port}. SDKs over HTTPS and WebSockets know only 443:\n            \
             start as root, or allow it: sudo sysctl net.ipv4.ip_unprivileged_port_start=443\n"
        )
    } else {
        String::new()
    };
    let amqp_plain = match panel.context.amqp_plain_port {
        Some(port) => format!("; without TLS, from here only: {port}"),
        None => String::new(),
    };
    let sdk = if *mqtt_port == 8883 { SDK } else { "" };
    format!(
        "\
Roadstead is ready ({took} ms)

  MQTT      {host}:{mqtt_port}
  HTTPS     https://{host}{https}
  AMQP      {host}:{amqp_port}{amqp_plain}
  hub       dev            {host}
  DPS       dev-dps        ID scope {scope}
  CA        {ca}
  data      {data}
  portal    {portal}
            opens it in a browser, signed in; once, within 15 minutes
{port_note}
In every other terminal, first:

  eval \"$(roadstead env --data-dir {data_word})\"

Telemetry, as it arrives:

  roadstead iot hub monitor-events -n dev

A device, which speaks MQTT or HTTPS (a token lasts an hour), and three more that provision themselves:

  roadstead iot hub device-identity create -n dev -d thermo-7
  SAS=$(roadstead iot hub generate-sas-token -n dev -d thermo-7 --query sas -o tsv)
  mosquitto_pub --cafile {ca_word} -h {host} -p {mqtt_port} -i thermo-7 -u '{host}/thermo-7/?api-version=2021-04-12' -P \"$SAS\" -q 1 -t devices/thermo-7/messages/events/ -m '{{\"t\":21.5}}'
  curl --cacert {ca_word} -H \"Authorization: $SAS\" -d '{{\"t\":21.5}}' 'https://{host}{https}/devices/thermo-7/messages/events?api-version=2021-04-12'
  roadstead simulate --devices 3

{sdk}Ctrl-C stops it.
",
        took = panel.took.as_millis(),
        portal = panel.portal,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn it_fits_one_screen_and_a_shell_takes_it() {
        let context = Context {
            endpoint: "https://dev.localhost:8443".to_owned(),
            client_id: String::new(),
            client_secret: String::new(),
            tenant_id: String::new(),
            subscription_id: None,
            ca_file: "/my data/tls/ca.pem".into(),
            https_port: 8443,
            mqtt_port: 8883,
            amqp_port: 5671,
            amqp_plain_port: Some(5672),
            id_scope: Some("0ne00ABC123".to_owned()),
            provisioning_host: None,
            hub_host: Some("dev.localhost".to_owned()),
            connect_to: BTreeMap::new(),
        };
        let panel = Panel {
            context: &context,
            data_dir: Path::new("/my data"),
            portal: "https://dev.localhost:8443/portal/in/code",
            took: Duration::from_millis(40),
            without_443: true,
        };
        let text = text(&panel);
        assert!(text.lines().count() <= 40, "{text}");
        for line in [
            "  eval \"$(roadstead env --data-dir '/my data')\"",
            "  curl --cacert '/my data/tls/ca.pem' -H \"Authorization: $SAS\" -d '{\"t\":21.5}' 'https://dev.localhost:8443/devices/thermo-7/messages/events?api-version=2021-04-12'",
        ] {
            assert!(text.lines().any(|printed| printed == line), "{text}");
        }
    }
}
