//! `roadstead iot hub generate-sas-token`

use super::lookup::{find, find_policy, read_login, text};
use super::{device, module};
use crate::args::Global;
use crate::args::hub::{GenerateSasToken, OWNER_POLICY};
use crate::args::value::KeyType;
use crate::clock::MachineClock;
use crate::context::{Server, open_transport};
use crate::failure::Failure;
use crate::output::Printed;
use roadstead_model::Clock;
use roadstead_sas::{ConnectionString, SasKey, sign};
use roadstead_service::{HubService, Kind, Policy, Transport};
use serde_json::{Value, json};

pub async fn run(generate: &GenerateSasToken, global: &Global) -> Result<Printed, Failure> {
    check(generate)?;
    let signer = if let Some(string) = &generate.connection_string {
        Signer::of_connection_string(string)?
    } else if let Some(id) = &generate.device_id {
        let (transport, host, policy) = policy(generate, KeyType::Primary, global).await?;
        let hub = HubService::new(transport, &host, policy);
        let identity = match &generate.module_id {
            Some(module) => module::find(&hub, id, module).await?,
            None => device::find(&hub, id).await?,
        };
        Signer::of_identity(&host, &identity, generate.key_type)?
    } else {
        let (_, host, policy) = policy(generate, generate.key_type, global).await?;
        Signer { resource: host, key: policy.key, policy: Some(policy.name) }
    };
    let expiry_s = MachineClock.now().seconds().0.saturating_add(i64::from(generate.duration));
    Ok(json!({ "sas": signer.token(expiry_s) }).into())
}

/// A connection string has one policy with one key. Source: azure-cli's IoT extension, `generate-sas-token`
fn check(generate: &GenerateSasToken) -> Result<(), Failure> {
    if generate.login.is_none() {
        return Ok(());
    }
    if !generate.policy_name.eq_ignore_ascii_case(OWNER_POLICY) {
        return Err(Failure::usage("`--login` says which policy signs; `--policy-name` cannot say another"));
    }
    if generate.key_type == KeyType::Secondary && generate.device_id.is_none() {
        return Err(Failure::usage("`--login` has the key that signs; `--key-type` cannot say another"));
    }
    Ok(())
}

/// The hub's host, and the policy that signs for it or reads its registry.
async fn policy(
    generate: &GenerateSasToken,
    key: KeyType,
    global: &Global,
) -> Result<(Transport, String, Policy), Failure> {
    if let Some(login) = &generate.login {
        let (host, policy) = read_login(login)?;
        return Ok((open_transport(global)?, host, policy));
    }
    let server = Server::open(global)?;
    let (name, group) = (generate.hub_name.as_deref().unwrap_or_default(), generate.within.resource_group.as_deref());
    let found = find(&server.management, Kind::Hub, name, group).await?;
    let keys = find_policy(&server.management, &found, &generate.policy_name).await?;
    let policy = Policy::new(text(&keys, "/keyName"), text(&keys, &format!("/{}", key.word())))
        .map_err(|error| Failure::error(error.to_string()))?;
    Ok((server.transport, found.host()?.to_owned(), policy))
}

/// Who signs for what.
struct Signer {
    /// `dev.localhost/devices/thermo-7`
    resource: String,
    key: SasKey,
    policy: Option<String>,
}

impl Signer {
    fn of_connection_string(string: &str) -> Result<Self, Failure> {
        let flag = |error: &dyn std::fmt::Display| Failure::usage(format!("`--connection-string`: {error}"));
        let string = ConnectionString::parse(string).map_err(|error| flag(&error))?;
        let key = string.shared_access_key.ok_or_else(|| flag(&"whoever has a certificate has no key to sign with"))?;
        let mut resource = string.host_name;
        for (noun, id) in [("devices", string.device_id), ("modules", string.module_id)] {
            resource.extend(id.map(|id| format!("/{noun}/{id}")));
        }
        Ok(Self { resource, key, policy: string.shared_access_key_name })
    }

    fn of_identity(host: &str, identity: &Value, key: KeyType) -> Result<Self, Failure> {
        let id = text(identity, "/deviceId");
        let module = identity.get("moduleId").and_then(Value::as_str);
        let who =
            module.map_or_else(|| format!("device `{id}`"), |module| format!("module `{module}` of device `{id}`"));
        if !text(identity, "/authentication/type").eq_ignore_ascii_case("sas") {
            return Err(Failure::error(format!("{who} proves itself with a certificate and has no key to sign with"))
                .hint("without `--device-id` the token is signed by a policy, and speaks for the whole hub"));
        }
        let key = SasKey::from_base64(text(identity, &format!("/authentication/symmetricKey/{}", key.word())))
            .map_err(|error| Failure::error(format!("{who}: {error}")))?;
        let module = module.map(|module| format!("/modules/{module}")).unwrap_or_default();
        Ok(Self { resource: format!("{host}/devices/{id}{module}"), key, policy: None })
    }

    fn token(&self, expiry_s: i64) -> String {
        sign(&self.resource, &self.key, expiry_s, self.policy.as_deref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::hub::HubCommand;
    use crate::args::{Cli, Command, IotCommand};
    use clap::Parser;
    use roadstead_sas::SasToken;

    const PRIMARY: &str = "a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s=";
    const SECONDARY: &str = "bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw=";

    fn parsed(flags: &str) -> GenerateSasToken {
        let line = format!("roadstead iot hub generate-sas-token {flags}");
        let cli = Cli::try_parse_from(line.split(' ')).unwrap();
        let Command::Iot(IotCommand::Hub(HubCommand::GenerateSasToken(generate))) = cli.command else {
            panic!("{line}")
        };
        generate
    }

    /// What a server reads in the token.
    fn read(signer: &Signer, key: &str) -> (String, Option<String>) {
        let text = signer.token(2_000_000_000);
        let token = SasToken::parse(&text).unwrap();
        assert!(token.signed_by(&SasKey::from_base64(key).unwrap()), "{text}");
        assert_eq!(token.expiry_s(), 2_000_000_000);
        (token.resource().to_owned(), token.key_name().map(str::to_owned))
    }

    #[test]
    fn a_devices_own_key_signs_for_the_device() {
        let identity = |kind: &str| json!({"deviceId": "a#b", "authentication": {"type": kind, "symmetricKey": {"primaryKey": PRIMARY, "secondaryKey": SECONDARY}}});
        for (key_type, key) in [(KeyType::Primary, PRIMARY), (KeyType::Secondary, SECONDARY)] {
            let signer = Signer::of_identity("h.localhost", &identity("sas"), key_type).unwrap();
            assert_eq!(read(&signer, key), ("h.localhost/devices/a#b".to_owned(), None));
        }
        let mut module = identity("sas");
        module["moduleId"] = "m".into();
        let signer = Signer::of_identity("h.localhost", &module, KeyType::Primary).unwrap();
        assert_eq!(read(&signer, PRIMARY), ("h.localhost/devices/a#b/modules/m".to_owned(), None));
        let refused = Signer::of_identity("h", &identity("selfSigned"), KeyType::Primary).err().unwrap();
        insta::assert_snapshot!(refused.text(false), @"
        error: device `a#b` proves itself with a certificate and has no key to sign with

        hint: without `--device-id` the token is signed by a policy, and speaks for the whole hub
        ");
    }

    #[test]
    fn whoever_has_a_connection_string_signs_for_what_it_names() {
        for (fields, resource, policy) in [
            ("DeviceId=d", "h.localhost/devices/d", None),
            ("DeviceId=d;ModuleId=m", "h.localhost/devices/d/modules/m", None),
            ("SharedAccessKeyName=service", "h.localhost", Some("service")),
        ] {
            let string = format!("HostName=h.localhost;{fields};SharedAccessKey={PRIMARY}");
            let signer = Signer::of_connection_string(&string).unwrap();
            assert_eq!(read(&signer, PRIMARY), (resource.to_owned(), policy.map(str::to_owned)));
        }
        for (string, cause) in [
            (
                "HostName=h;DeviceId=d;x509=true",
                "`--connection-string`: whoever has a certificate has no key to sign with",
            ),
            ("HostName=h", "`--connection-string`: the connection string needs `DeviceId` or `SharedAccessKeyName`"),
        ] {
            assert_eq!(Signer::of_connection_string(string).err().unwrap().to_string(), cause);
        }
    }

    #[test]
    fn flags_are_those_of_az() {
        let plain = parsed("-n h");
        assert_eq!(
            (plain.policy_name.as_str(), plain.key_type, plain.duration),
            ("iothubowner", KeyType::Primary, 3600)
        );
        let short = parsed("-n h -d d --pn service --kt Secondary --du 60 -g g");
        assert_eq!((short.policy_name.as_str(), short.key_type, short.duration), ("service", KeyType::Secondary, 60));
        assert_eq!(parsed("--cs HostName=h").connection_string.as_deref(), Some("HostName=h"));
        for (flags, fine) in [
            ("-l CS", true),
            ("-l CS --pn IotHubOwner", true),
            ("-l CS -d d --kt secondary", true),
            ("-l CS --kt secondary", false),
            ("-l CS --pn service", false),
        ] {
            assert_eq!(check(&parsed(flags)).is_ok(), fine, "{flags}");
        }
    }
}
