//! `roadstead init`: a commented configuration with fresh secrets.

use crate::args::run::Init;
use crate::failure::Failure;
use roadstead_config::{Context, Names, Settings, private_file, template};
use roadstead_server::{installation, system::SystemRandom};
use std::collections::BTreeMap;
use std::path::Path;

/// Writes the configuration and the administrator's context file. Overwrites neither.
pub fn run(args: &Init, data_dir: Option<&Path>) -> Result<String, Failure> {
    let data_dir = data_dir.map_or_else(|| Settings::default().data_dir, Path::to_owned);
    for path in [&args.config, &data_dir.join(roadstead_config::context::FILE_NAME)] {
        if path.exists() {
            return Err(Failure::error(format!("{} is there already and stays as it is", path.display()))
                .hint("name another file with `--config`, another directory with `--data-dir`"));
        }
    }
    let (administrator, secret) = installation::new_administrator(&SystemRandom);
    let settings = Settings {
        data_dir: data_dir.clone(),
        names: Names { hub_domain: args.hub_domain.clone(), ..Names::default() },
        administrator: administrator.clone(),
        ..Settings::default()
    };
    let write =
        |error: std::io::Error, path: &Path| Failure::error(format!("cannot write {}: {error}", path.display()));
    private_file::create_dir(&data_dir).map_err(|error| write(error, &data_dir))?;
    private_file::replace(&args.config, template::write(&settings).as_bytes())
        .map_err(|error| write(error, &args.config))?;
    let context = Context {
        endpoint: Context::endpoint_of(&args.hub_domain, settings.listen.https.port()),
        client_id: administrator.client_id,
        client_secret: secret.expose().to_owned(),
        tenant_id: administrator.tenant_id,
        subscription_id: Some(administrator.subscription_id),
        ca_file: "tls/ca.pem".into(),
        https_port: settings.listen.https.port(),
        mqtt_port: settings.listen.mqtt.port(),
        amqp_port: settings.listen.amqp.port(),
        amqp_plain_port: None,
        id_scope: None,
        provisioning_host: None,
        hub_host: None,
        connect_to: BTreeMap::new(),
    };
    let saved = context.save(&data_dir)?;
    Ok(format!(
        "wrote {} and {}\nnext: roadstead doctor --config {config}\n      roadstead serve --config {config}\n      \
         roadstead group create -n iot-rg -l local --data-dir {}\n",
        args.config.display(),
        saved.display(),
        data_dir.display(),
        config = args.config.display(),
    ))
}
