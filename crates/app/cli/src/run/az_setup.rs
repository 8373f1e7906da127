//! `roadstead az-setup`: the lines that lead the Azure CLI to a running server.

use crate::args::Global;
use crate::context;
use crate::failure::Failure;
use crate::run::env::trusted;
use crate::shell::quoted;
use roadstead_config::{Context, context::AMQP_PORT};
use std::fmt::Write;

/// The last one with which the extension loads. Source: `reference/arm-and-az.md` 0.1
const AZ: &str = "2.77.0";
const EXTENSION: &str = "0.25.0";

/// The lines, to be pasted into a shell.
pub fn run(global: &Global) -> Result<String, Failure> {
    Ok(text(&context::load(global)?))
}

fn text(context: &Context) -> String {
    let Context { endpoint, client_id, client_secret, tenant_id, .. } = context;
    let bundle = quoted(&trusted(context).display().to_string());
    let (id, secret, tenant) = (quoted(client_id), quoted(client_secret), quoted(tenant_id));
    let mut text = format!(
        "\
# Once: the Azure CLI in an environment of its own (Python 3.10 to 3.13), and its extension for hubs and DPS.
# Of newer ones the extension does not load. Do this in a shell in which REQUESTS_CA_BUNDLE is not set yet: pip obeys it, too.
python3 -m venv az-roadstead
az-roadstead/bin/pip install azure-cli=={AZ} 'setuptools<81'
az-roadstead/bin/az extension add --name azure-iot --version {EXTENSION}

# In every shell:
export PATH=\"$PWD/az-roadstead/bin:$PATH\"
export REQUESTS_CA_BUNDLE={bundle}
export SSL_CERT_FILE={bundle}

# Once, and after the server was made anew (then `az cloud update` in place of `register`):
az cloud register -n Roadstead --endpoint-resource-manager {endpoint}
az cloud set -n Roadstead
az login --service-principal -u {id} -p {secret} --tenant {tenant}

# The names of hubs must lead to this server. Where no DNS says so:
roadstead hosts
"
    );
    if context.amqp_port != AMQP_PORT {
        writeln!(
            text,
            "\n# `az iot hub monitor-events` and `monitor-feedback` know no other port than {AMQP_PORT}; here AMQP is on {}.",
            context.amqp_port
        )
        .expect("writing to a string does not fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    fn context(amqp_port: u16) -> Context {
        Context {
            endpoint: "https://dev.localhost:8443".to_owned(),
            client_id: "c1".to_owned(),
            client_secret: "it's".to_owned(),
            tenant_id: "t1".to_owned(),
            subscription_id: None,
            ca_file: "/my data/tls/ca.pem".into(),
            https_port: 8443,
            mqtt_port: 8883,
            amqp_port,
            amqp_plain_port: None,
            id_scope: None,
            provisioning_host: None,
            hub_host: None,
            connect_to: BTreeMap::new(),
        }
    }

    #[test]
    fn a_shell_takes_it() {
        let text = text(&context(5671));
        for line in [
            "export REQUESTS_CA_BUNDLE='/my data/tls/ca.pem'",
            "az cloud register -n Roadstead --endpoint-resource-manager https://dev.localhost:8443",
            r"az login --service-principal -u c1 -p 'it'\''s' --tenant t1",
        ] {
            assert!(text.lines().any(|printed| printed == line), "{text}");
        }
        assert!(!text.contains("no other port"));
    }

    #[test]
    fn what_does_not_work_is_said() {
        let text = text(&context(8571));
        assert!(text.contains("no other port than 5671; here AMQP is on 8571"), "{text}");
    }
}
