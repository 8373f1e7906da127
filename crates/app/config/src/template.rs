//! The file that `roadstead init` writes.

use std::fmt::Write;

use crate::settings::{Administrator, Settings};

/// A commented `roadstead.toml` with every setting and its default. What is chosen already is written out.
pub fn write(settings: &Settings) -> String {
    let Settings { data_dir, names, listen, administrator, events, blobs, log, .. } = settings;
    let Administrator { client_id, client_secret_digest, tenant_id, subscription_id } = administrator;
    let mut text = String::new();
    let written = write!(
        text,
        r#"# Roadstead's configuration. `roadstead doctor --config FILE` checks it.

# Where everything is kept: records, events, keys. A local disk; mode 0700.
data_dir = {data_dir:?}

[names]
# Hub `plant` is reached as plant.<hub_domain>. Point *.<hub_domain> here in DNS.
hub_domain = {hub_domain:?}
# dps_domain = {hub_domain:?}
# Further names and addresses that server certificates must carry.
also = {also:?}

[listen]
https = "{https}"
mqtt = "{mqtt}"
amqp = "{amqp}"

[tls]
# Without these, Roadstead's own CA (<data_dir>/tls/ca.pem) issues a certificate for each name.
# Both are read again on SIGHUP and when they change.
# certificate_file = "/etc/roadstead/fullchain.pem"
# key_file = "/etc/roadstead/privkey.pem"

[links]
# DPS may place devices on hubs of other servers, Roadstead's or Azure's: link them by their connection strings.
# Their certificates must lead to a CA that this machine trusts, or to one in these files.
# ca_files = ["/etc/roadstead/other-ca.pem"]

[administrator]
client_id = {client_id:?}
client_secret_digest = {client_secret_digest:?}
tenant_id = {tenant_id:?}
subscription_id = {subscription_id:?}

[events]
# MiB of events kept for each hub; beyond it the oldest go, before their time.
hub_mib_max = {hub_mib_max}

[blobs]
# Files that devices upload are kept in the data directory, or in an object store, with credentials from the environment
# (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_ENDPOINT_URL, AZURE_STORAGE_ACCOUNT_NAME, AZURE_STORAGE_ACCOUNT_KEY ...).
# url = "s3://bucket/prefix"
# MiB of files kept for each hub; what does not fit is refused.
hub_mib_max = {blob_mib_max}

# Issuers (OpenID Connect) whose tokens log service principals in that `roadstead service-principal federated-credential` knows.
# [[issuers]]
# url = "https://token.actions.githubusercontent.com"
# audience = "api://AzureADTokenExchange"
# With a client_id its people sign in to the portal, too: those for whom there is `roadstead user create --issuer URL`.
# Register there: redirect URI https://HOST/portal/back/NAME, NAME as below, authorization code with PKCE.
# client_id = "roadstead"
# client_secret_file = "/etc/roadstead/issuer-secret"   # mode 0600; public clients have none
# name = "Example"                        # the button says `Continue with Example`
# user_claim = "preferred_username"       # which claim is the user's name here; email counts if verified
# scopes = "openid profile email"
# ca_file = "/etc/roadstead/issuer-ca.pem" # beside the CAs that this machine trusts

[log]
filter = {filter:?}
# text or json
format = "text"
"#,
        data_dir = data_dir.display().to_string(),
        hub_domain = names.hub_domain,
        also = names.also,
        https = listen.https,
        mqtt = listen.mqtt,
        amqp = listen.amqp,
        hub_mib_max = events.hub_mib_max,
        blob_mib_max = blobs.hub_mib_max,
        filter = log.filter,
    );
    written.expect("writing to a string does not fail");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_loads_as_the_same_settings() {
        let mut settings = Settings::default();
        settings.names.also = vec!["192.0.2.7".to_owned()];
        settings.administrator.client_secret_digest = "a".repeat(43);
        assert_eq!(toml::from_str::<Settings>(&write(&settings)).unwrap(), settings);
    }
}
