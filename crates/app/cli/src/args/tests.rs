//! Every command of the seeds, literally, with `az` replaced by `roadstead`; and `az`'s own spellings.

use super::*;
use clap::CommandFactory;
use clap::error::ErrorKind;

/// Words as a shell would make them: quotes, and line ends escaped as bash and PowerShell escape them.
fn words(line: &str) -> Vec<String> {
    let line = line.replace("\\\\\n", " ").replace("`\n", " ");
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for char in line.chars() {
        match (quote, char) {
            (Some(open), _) if char == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(char);
                word.get_or_insert_default();
            }
            (None, _) if char.is_whitespace() => words.extend(word.take()),
            _ => word.get_or_insert_default().push(char),
        }
    }
    words.extend(word);
    words
}

fn parse(line: &str) -> Result<Cli, ErrorKind> {
    Cli::try_parse_from(words(line)).map_err(|error| error.kind())
}

/// Seeds 000, 001 and 003.
const SEEDS: &[&str] = &[
    "roadstead group create -l centralindia -n mygroup",
    "roadstead iot hub create --name textile-iothub --resource-group mygroup --sku S1 --location centralindia --partition-count 2 --retention-day 7",
    "roadstead iot hub device-identity create --device-id pi-gateway --hub-name textile-iothub",
    "roadstead iot hub device-identity connection-string show --device-id pi-gateway --hub-name textile-iothub --output tsv",
    "roadstead iot dps create \\\\\n\n  --name textile-dps \\\\\n\n  --resource-group iot-rg \\\\\n\n  --location centralindia \\\\\n\n  --sku S1",
    "roadstead iot dps linked-hub create \\\\\n\n  --dps-name textile-dps \\\\\n\n  --resource-group iot-rg \\\\\n\n  --connection-string \"HostName=h;SharedAccessKeyName=p;SharedAccessKey=k=\" \\\\\n\n  --location centralindia",
    "roadstead iot hub show-connection-string --name textile-iothub --resource-group iot-rg --output tsv",
    "roadstead iot dps enrollment create \\\\\n\n  --dps-name textile-dps \\\\\n\n  --resource-group iot-rg \\\\\n\n  --enrollment-id esp32-device-001 \\\\\n\n  --attestation-type symmetricKey \\\\\n\n  --device-id esp32-device-001",
    "roadstead iot dps show \\\\\n\n  --name textile-dps \\\\\n\n  --resource-group iot-rg \\\\\n\n  --query properties.idScope \\\\\n\n  --output tsv",
    "roadstead iot dps certificate create \\\\\n\n  --dps-name textile-dps \\\\\n\n  --resource-group iot-rg \\\\\n\n  --certificate-name textile-rootCA \\\\\n\n  --path rootCA.pem",
    "roadstead iot dps certificate verify \\\\\n\n  --dps-name textile-dps \\\\\n\n  --resource-group iot-rg \\\\\n\n  --certificate-name textile-rootCA \\\\\n\n  --path verification.pem",
    "roadstead iot dps enrollment-group create \\\\\n\n  --dps-name textile-dps \\\\\n\n  --resource-group iot-rg \\\\\n\n  --enrollment-id textile-enroll-group \\\\\n\n  --certificate-name textile-rootCA \\\\\n\n  --provisioning-status enabled \\\\\n\n  --iot-hub-host-name textile-iothub.azure-devices.net \\\\\n\n  --attestation-type x509",
    "roadstead iot dps enrollment-group show \\\\\n\n  --dps-name textile-dps \\\\\n\n  --resource-group iot-rg \\\\\n\n  --enrollment-id textile-enroll-group",
    "roadstead iot hub device-identity list `\n  --hub-name \"my-iot-hub-x509\" `\n  --query \"[].{DeviceID:deviceId, Auth:authentication.type, Status:status}\" `\n  -o table",
    "roadstead iot dps enrollment-group registration list `\n  --dps-name \"my-dps-x509\" `\n  --resource-group \"iot-x509-demo-rg\" `\n  --enrollment-id \"my-device-group\" `\n  --query \"[].{DeviceID:deviceId, Hub:assignedHub, Created:createdDateTimeUtc}\" `\n  -o table",
    "roadstead iot hub monitor-events `\n  --hub-name \"my-iot-hub-x509\" `\n  --device-id \"my-device-001\"",
    "roadstead iot dps enrollment create -g {resource_group_name} --dps-name {dps_name} --enrollment-id {enrollment_id} --attestation-type x509 --certificate-path {path to your certificate}",
    "roadstead iot dps enrollment-group create -g {resource_group_name} --dps-name {dps_name} --enrollment-id {enrollment_id} --certificate-path {path_to_your_certificate}",
    "roadstead iot dps certificate create -g {resource_group_name} --dps-name {dps_name} --certificate-name {friendly_name_for_your_certificate} --path {path_to_your_certificate} --verified true",
];

#[test]
fn the_definition_is_sound() {
    Cli::command().debug_assert();
}

#[test]
fn every_command_of_the_seeds_is_understood() {
    for line in SEEDS {
        let line = line.replace("{path to your certificate}", "{path}");
        assert_eq!(parse(&line).map(|_| ()), Ok(()), "{line}");
    }
    let cli = parse(SEEDS[13]).unwrap();
    assert_eq!(cli.global.query.as_deref(), Some("[].{DeviceID:deviceId, Auth:authentication.type, Status:status}"));
    assert_eq!(cli.global.output, Some(Format::Table));
}

/// From azure-cli's and its extension's own help pages.
#[test]
fn az_spells_it_shorter_or_otherwise_too() {
    for line in [
        "group create --resource-group g --location w --tags a=b c= d",
        "group delete -n g --yes --no-wait",
        "group list -o tsv",
        "iot hub create -g g -n h --no-wait",
        "iot hub create -g g -n h --rd 7 --cdd 20 --ct 2 --fd 3 --ft 4 --fld 9 --unit 2",
        "iot hub create -g g -n h --fn --fnt 2 --fnd 5 --fnld 6 --fst 3 --tags a=b c=d",
        "iot hub update -n h -g g --cdd 20 --ct 2 --fd 3 --ft 4 --fld 9 --fn true --fnt 2 --fnd 5 --fnld 6 --fst 3",
        "iot hub update -n h --sku S2 --unit 2 --retention-day 7 --tags a=b --set properties.comments=x",
        "iot hub update -n h --fileupload-notifications false --fileupload-sas-ttl 1 --tags",
        "iot hub show -n h -g g",
        "iot hub list -g g",
        "iot hub delete -n h",
        "iot hub show-connection-string --hub-name h --policy-name service --key secondary --all",
        "iot hub connection-string show -n h --pn service --kt secondary --show-all --eh true",
        "iot hub connection-string show",
        "iot hub device-identity create -n h -d d --ee",
        "iot hub device-identity create -n h -d d --ee true --am x509_ca",
        "iot hub device-identity create -l CS -d d --am x509_thumbprint --ptp A --stp B",
        "iot hub device-identity create -n h -d d --pk A --sk B --status disabled --star repair",
        "iot hub device-identity list -n h --top -1 --edge-enabled false",
        "iot hub device-identity update -d d -n h --ee --status disabled -e etag",
        "iot hub device-identity delete -n h -d d --etag E",
        "iot hub device-identity connection-string show -n h -d d --kt secondary",
        "iot hub generate-sas-token -n h -d d --kt Secondary --du 60",
        "iot hub generate-sas-token --hub-name h --pn service -g g",
        "iot hub generate-sas-token --login CS --device-id d",
        "iot hub generate-sas-token --cs CS --duration 10",
        "iot hub generate-sas-token -n h -d d -m m --kt secondary",
        "iot hub device-twin show -n h -d d",
        "iot hub device-twin list -n h --top -1 --ee",
        "iot hub device-twin update -n h -d d --tags {} --desired '{}' -e E",
        "iot hub device-twin update -n h -d d --set tags.a=b properties.desired.c=1 --remove tags.z",
        "iot hub device-twin replace -l CS -d d -j {} --etag E",
        "iot hub module-twin show -n h -d d -m m",
        "iot hub module-twin update -n h -d d -m m --desired {}",
        "iot hub module-twin replace -n h -d d --module-id m --json {}",
        "iot hub module-identity create -n h -d d -m m",
        "iot hub module-identity create -n h -d d -m m --am x509_thumbprint --ptp A --stp B",
        "iot hub module-identity list -n h -d d --top 5",
        "iot hub module-identity show -n h -d d -m m",
        "iot hub module-identity update -n h -d d -m m --set authentication.symmetricKey.primaryKey= -e E",
        "iot hub module-identity delete -n h -d d -m m -e E",
        "iot hub module-identity renew-key -n h -d d -m m n --kt both --no-progress",
        "iot hub module-identity connection-string show -n h -d d -m m --kt secondary",
        "iot hub device-identity create -n h -d d --device-scope S",
        "iot hub device-identity update -n h -d d --set capabilities.iotEdge=true",
        "iot hub device-identity renew-key -n h -d a b --kt Primary --im",
        "iot hub device-identity renew-key -n h -d * --key-type secondary --include-modules false",
        "iot hub device-identity renew-key -n h -d a --kt swap -e E",
        "iot hub device-identity parent show -n h -d d",
        "iot hub device-identity parent set -n h -d d --pd p -f",
        "iot hub device-identity parent set -n h -d d --parent-device-id p --force",
        "iot hub device-identity children add -n h -d d --cl a b -f",
        "iot hub device-identity children list -n h -d d",
        "iot hub device-identity children remove -n h -d d --child-list a b",
        "iot hub device-identity children remove -n h -d d -a",
        "iot hub invoke-device-method -n h -d d --mn m --mp null --to 300",
        "iot hub invoke-module-method -n h -d d -m mod --method-name m --method-payload [] --timeout 10",
        "iot hub query -n h -q x",
        "iot hub query -l CS --query-command x --top 5 --query [0]",
        "iot hub monitor-feedback -n h -d d -w id -y",
        "iot hub monitor-feedback -l CS --wait-on-msg id",
        "iot device c2d-message send -n h -d d",
        "iot device c2d-message send -n h -d d --da x --props a=b;c=d --ack full -w -y",
        "iot device c2d-message send -n h -d d --dfp f --mid m --cid c --uid u --ct t --ce utf-8 --expiry 1 --wait true --ack negative",
        "iot device c2d-message receive -n h -d d --lt 5 --complete",
        "iot device c2d-message receive -n h -d d --lock-timeout 5 --reject true",
        "iot device c2d-message receive -l CS -d d --abandon",
        "iot device c2d-message complete -n h -d d -e E",
        "iot device c2d-message reject -n h -d d --etag E",
        "iot device c2d-message abandon -n h -d d --etag E",
        "iot device c2d-message purge -n h -d d",
        "iot device send-d2c-message -n h -d d",
        "iot device send-d2c-message -n h -d d --da x --props $.ct=text/plain;a=b --mc 3 --key K --dtmi dtmi:a;1",
        "iot device send-d2c-message -n h -d d --dfp f --cp c --kp k",
        "iot device simulate -n h -d d",
        "iot device simulate -l CS -d d --da x --mc 2 --mi 1 --proto http --rs abandon --props iothub-app-a=b",
        "iot device simulate -n h -d d --protocol mqtt --mrc -1 --mrp {} --irp {} --symmetric-key K --model-id m",
        "iot device upload-file -n h -d d --fp f --ct text/plain",
        "iot hub monitor-events -n h -d Device* --cg g --timeout 0 --properties anno sys",
        "iot hub monitor-events -n h --props all --content-type application/json --message-count 3 -y --et 0",
        "iot hub monitor-events --login CS -e 1600000000000 -o yaml",
        "iot hub monitor-events -n h --transport AMQP",
        "iot hub monitor-events -l CS --transport https",
        "iot hub certificate create --hub-name h --name c --path c.pem -v",
        "iot hub certificate delete --hub-name h -n c -e E",
        "iot hub certificate generate-verification-code --hub-name h -n c --etag E",
        "iot hub certificate verify --hub-name h -n c -p v.pem -e E -g g",
        "iot hub certificate update --hub-name h -n c -p v.pem -e E -v true",
        "iot hub policy create --hub-name h -n p --permissions RegistryRead ServiceConnect -g g",
        "iot hub policy list --hub-name h -g g",
        "iot hub policy show --hub-name h -n p",
        "iot hub policy renew-key --hub-name h -n p --rk Swap --no-wait",
        "iot hub policy delete --hub-name h -n p",
        "iot hub state export -n h -f f --aspects devices -r",
        "iot hub state import --login CS --state-file f",
        "iot dps policy create -n d --pn p -r EnrollmentRead ServiceConfig --primary-key A --secondary-key B --no-wait",
        "iot dps policy list --dps-name d -g g",
        "iot dps policy show -n d --policy-name p",
        "iot dps policy update -n d --pn p --rights DeviceConnect --primary-key A",
        "iot dps policy delete -n d --pn p --no-wait",
        "iot dps connection-string show",
        "iot dps connection-string show -n d --pn p --kt secondary --all",
        "iot dps update -n d -g g --tags a=b --set properties.x=1 --remove properties.y",
        "iot dps linked-hub show --dps-name d --linked-hub h.localhost",
        "iot dps linked-hub update --dps-name d --linked-hub h --allocation-weight 2 --apply-allocation-policy --no-wait",
        "iot dps certificate update --dps-name d -n c -p c.pem --etag E",
        "group exists -g g",
        "iot dps create -n d -g g --unit 2 --tags a=b",
        "iot dps delete -n d",
        "iot dps linked-hub create --dps-name d --hub-name h --hrg g --allocation-weight 10 --apply-allocation-policy false",
        "iot dps linked-hub list --dps-name d -g g",
        "iot dps linked-hub delete --dps-name d --linked-hub h",
        "iot dps certificate delete --dps-name d -n c --etag E",
        "iot dps enrollment create -n d --eid e --at SymmetricKey --pk A --sk B --ps enabled --rp never --ap hashed --ih a b --tags {} --props {}",
        "iot dps enrollment create -l CS --eid e --at x509 --cp a.pem --scp b.pem --ap custom --wh https://x --av 2019-03-31",
        "iot dps enrollment update -n d --eid e --rc --rsc false --info {} --ee",
        "iot dps enrollment show -n d --eid e --keys",
        "iot dps enrollment list -n d --top 5",
        "iot dps enrollment delete -n d --eid e -e E",
        "iot dps enrollment registration show -n d --eid e",
        "iot dps enrollment registration delete -n d --enrollment-id e --etag E",
        "iot dps enrollment-group create -n d --gid e --cn root --scn other --ap geoLatency",
        "iot dps enrollment-group create -n d --group-id e --root-ca-name root --iot-hubs a --ap static",
        "iot dps enrollment-group update -n d --eid e --remove-certificate --secondary-ca-name x",
        "iot dps enrollment-group show -n d --gid e --show-keys true",
        "iot dps enrollment-group compute-device-key --key K --registration-id r",
        "iot dps enrollment-group compute-device-key -n d --eid e --rid r",
        "iot dps enrollment-group registration show -n d --rid r",
        "iot dps enrollment-group registration delete -n d --registration-id r",
        "--data-dir /x --only-show-errors group show -g g --debug -o JSONC",
        "ca root --name r --out d --days 10 --key-type RSA2048",
        "ca intermediate --root d/root.pem --root-key k --name i",
        "ca device --issuer d/i.pem --id x --with-chain",
        "ca verify --ca d/root.pem --code C --out v.pem",
    ] {
        assert_eq!(parse(&format!("roadstead {line}")).map(|_| ()), Ok(()), "{line}");
    }
}

#[test]
fn what_az_refuses_is_refused() {
    for (line, kind) in [
        ("group create -n g", ErrorKind::MissingRequiredArgument),
        ("iot hub create -n h", ErrorKind::MissingRequiredArgument),
        ("iot hub create -n h -g g --retention-day 8", ErrorKind::ValueValidation),
        ("iot hub create -n h -g g --fst 25", ErrorKind::ValueValidation),
        ("iot hub update --cdd 1", ErrorKind::MissingRequiredArgument),
        ("iot hub update -n h --ct 49", ErrorKind::ValueValidation),
        ("iot hub device-identity create -d d", ErrorKind::MissingRequiredArgument),
        ("iot hub device-identity create -n h", ErrorKind::MissingRequiredArgument),
        ("iot hub device-identity create -n h -d d --am tpm", ErrorKind::InvalidValue),
        ("iot hub device-identity list -n h --top 0", ErrorKind::ValueValidation),
        ("iot hub device-identity create -n h -d d --ee maybe", ErrorKind::ValueValidation),
        ("iot hub generate-sas-token -d d", ErrorKind::MissingRequiredArgument),
        ("iot hub generate-sas-token -n h --kt third", ErrorKind::InvalidValue),
        ("iot hub generate-sas-token -n h --du 0", ErrorKind::ValueValidation),
        ("iot hub generate-sas-token --cs CS -d d", ErrorKind::ArgumentConflict),
        ("iot hub monitor-events", ErrorKind::MissingRequiredArgument),
        ("iot hub policy create --hub-name h -n p", ErrorKind::MissingRequiredArgument),
        ("iot hub policy create --hub-name h -n p --permissions EnrollmentRead", ErrorKind::InvalidValue),
        ("iot hub policy renew-key --hub-name h -n p", ErrorKind::MissingRequiredArgument),
        ("iot dps policy create -n d --pn p -r RegistryRead", ErrorKind::InvalidValue),
        ("iot hub state export -n h", ErrorKind::MissingRequiredArgument),
        ("iot hub state import -n h -f f --aspects arm", ErrorKind::InvalidValue),
        ("completions", ErrorKind::MissingRequiredArgument),
        ("completions tcsh", ErrorKind::InvalidValue),
        ("iot dps linked-hub create --dps-name d", ErrorKind::MissingRequiredArgument),
        ("iot dps enrollment create -n d --eid e", ErrorKind::MissingRequiredArgument),
        ("iot dps enrollment create -n d --eid e --at vouched", ErrorKind::InvalidValue),
        ("iot dps enrollment-group create -n d --eid e --ek AToA", ErrorKind::UnknownArgument),
        ("iot dps enrollment create -n d --eid e --at x509 --tags []", ErrorKind::ValueValidation),
        ("iot dps enrollment create -n d --eid e --at x509 --hn h --ap hashed", ErrorKind::ArgumentConflict),
        ("group list -o xml", ErrorKind::InvalidValue),
        ("iot hub generate-sas-token -n h -m m", ErrorKind::MissingRequiredArgument),
        ("iot hub device-twin show -n h", ErrorKind::MissingRequiredArgument),
        ("iot hub device-twin update -n h -d d --tags []", ErrorKind::ValueValidation),
        ("iot hub device-twin update -n h -d d --set a", ErrorKind::ValueValidation),
        ("iot hub device-twin replace -n h -d d", ErrorKind::MissingRequiredArgument),
        ("iot hub device-twin replace -n h -d d -j nonsense", ErrorKind::ValueValidation),
        ("iot hub module-twin show -n h -d d", ErrorKind::MissingRequiredArgument),
        ("iot hub module-identity create -n h -m m", ErrorKind::MissingRequiredArgument),
        ("iot hub module-identity renew-key -n h -d d -m m", ErrorKind::MissingRequiredArgument),
        ("iot hub module-identity renew-key -n h -d d -m m --kt third", ErrorKind::InvalidValue),
        ("iot hub device-identity parent set -n h -d d", ErrorKind::MissingRequiredArgument),
        ("iot hub device-identity children add -n h -d d", ErrorKind::MissingRequiredArgument),
        ("iot hub device-identity children remove -n h -d d", ErrorKind::MissingRequiredArgument),
        ("iot hub invoke-device-method -n h -d d", ErrorKind::MissingRequiredArgument),
        ("iot hub invoke-device-method -n h -d d --mn m --to 9", ErrorKind::ValueValidation),
        ("iot hub invoke-device-method -n h -d d --mn m --to 301", ErrorKind::ValueValidation),
        ("iot hub invoke-device-method -n h -d d --mn m --mp {", ErrorKind::ValueValidation),
        ("iot hub query -n h", ErrorKind::MissingRequiredArgument),
        ("iot hub query -n h -q x --top 0", ErrorKind::ValueValidation),
        ("iot device c2d-message send -n h", ErrorKind::MissingRequiredArgument),
        ("iot device c2d-message send -n h -d d --wait", ErrorKind::MissingRequiredArgument),
        ("iot device c2d-message send -n h -d d --ack none", ErrorKind::InvalidValue),
        ("iot device c2d-message send -n h -d d --props a", ErrorKind::ValueValidation),
        ("iot device c2d-message receive -n h -d d --complete --reject", ErrorKind::ArgumentConflict),
        ("iot device c2d-message complete -n h -d d", ErrorKind::MissingRequiredArgument),
        ("iot device send-d2c-message -n h -d d --mc 0", ErrorKind::ValueValidation),
        ("iot device send-d2c-message -n h -d d --cp c", ErrorKind::MissingRequiredArgument),
        ("iot device simulate -n h -d d --mi 0", ErrorKind::ValueValidation),
        ("iot device simulate -n h -d d --proto amqp", ErrorKind::InvalidValue),
        ("iot device simulate -n h -d d --rs drop", ErrorKind::InvalidValue),
        ("iot device simulate -n h -d d --irp []", ErrorKind::ValueValidation),
        ("iot device upload-file -n h -d d --fp f", ErrorKind::MissingRequiredArgument),
        ("iot device", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
        ("", ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand),
    ] {
        assert_eq!(parse(&format!("roadstead {line}")).map(|_| ()), Err(kind), "{line}");
    }
}

#[test]
fn every_example_can_be_typed() {
    fn collect(command: &clap::Command, examples: &mut Vec<String>) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let lines = help.lines().filter_map(|line| line.find("roadstead ").map(|at| line[at..].to_owned()));
        examples.extend(lines.filter(|_| help.starts_with("Example")));
        command.get_subcommands().for_each(|below| collect(below, examples));
    }
    let mut examples = Vec::new();
    collect(&Cli::command(), &mut examples);
    assert!(examples.len() > 40, "{}", examples.len());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("twin.json");
    std::fs::write(&file, "{}").unwrap();
    for example in examples {
        let line = example.replace("twin.json", file.to_str().unwrap());
        // What follows is for the shell.
        let line = [" | ", " > ", " # "].iter().fold(line.as_str(), |line, end| line.split(end).next().unwrap());
        assert_eq!(parse(line).map(|_| ()), Ok(()), "{example}");
    }
}
