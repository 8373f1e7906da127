//! Programs to paste.

use crate::world::{KEY, World, issued, reader};
use serde_json::{Value, json};
use std::process::Command;

/// As a network card has it.
const MAC: &str = "aa:bb:cc:01";

/// The text of the program in this language, as it is pasted.
fn program(page: &str, language: &str) -> String {
    let begin = format!("aria-label=\"{language}\">");
    let text = page.split(&begin).nth(1).unwrap().split("</pre>").next().unwrap();
    [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

fn by_certificate(member: &str) -> Value {
    let certificate = json!({"info": {"subjectName": MAC}});
    json!({"registrationId": MAC, "enrollmentGroupId": "fleet", "etag": "\"e\"",
        "attestation": {"type": "x509", "x509": {member: {"primary": certificate}}}})
}

#[tokio::test]
async fn files_have_names_that_every_system_takes() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let mut answer = issued();
    answer["commonName"] = MAC.into();
    answer["certificate"] = "CERTIFICATE\n".into();
    answer["chain"] = "CHAIN\n".into();
    *world.api.answers.lock() = vec![
        ("/enrollments/aa%3Abb%3Acc%3A01", 200, by_certificate("clientCertificates")),
        ("/held/issue", 200, answer),
        ("/issued", 200, json!({"value": []})),
    ];
    let walk = "/portal/dps/g/d/connect/aa%3Abb%3Acc%3A01?ca=held";
    let form = format!("do=issue&ca=held&id=aa%3Abb%3Acc%3A01&csrf={token}");
    let file = world.post(&cookie, walk, &form).await;
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"aa_bb_cc_01.pem\"");

    assert!(
        world.get(&cookie, walk).await.text.contains("where Debian and Ubuntu have it"),
        "whose path that of the CAs is"
    );
    for (path, key_file) in [
        (walk, "aa_bb_cc_01.pem"),
        ("/portal/dps/g/d/connect/aa%3Abb%3Acc%3A01", "aa_bb_cc_01.key"),
        ("/portal/dps/g/d/enrollments/of/aa%3Abb%3Acc%3A01", "aa_bb_cc_01.key"),
    ] {
        let page = world.get(&cookie, path).await.text;
        assert!(!path.contains('?') || page.contains("<code>aa_bb_cc_01.pem</code>"), "{page}");
        for language in ["Python", "Node.js", "curl", "mosquitto_pub", "C#"] {
            let text = program(&page, language);
            assert!(text.contains("aa_bb_cc_01.pem") && text.contains(key_file), "{path} {language}: {text}");
            assert!(!text.contains(&format!("{MAC}.")), "{path} {language}: {text}");
            assert!(language == "C#" || text.contains(&format!("\"{MAC}\"")), "it registers as it is called: {text}");
        }
    }
}

/// Runs a program for bash, with these commands in place of others: its status, what it prints, what it complains of.
fn run(program: &str, commands: &str) -> (Option<i32>, String, String) {
    let script = format!("sleep() {{ :; }}\n{commands}\n{program}");
    let done = Command::new("bash").args(["-c", &script]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

/// As DPS answers.
fn answer(status: &str, more: &str) -> String {
    format!(
        r#"{{"operationId":"5.op","status":"{status}","registrationState":{{"registrationId":"x","status":"{status}"{more}}}}}"#
    )
}

async fn shell_program(attestation: Value, language: &str) -> String {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let enrollment = json!({"registrationId": "x", "etag": "\"e\"", "attestation": attestation});
    world.api.answers.lock().push(("/enrollments/x", 200, enrollment));
    program(&world.get(&cookie, "/portal/dps/g/d/enrollments/of/x").await.text, language)
}

#[tokio::test]
async fn a_shell_program_says_why_it_was_refused_and_ends() {
    let text = shell_program(json!({"type": "x509"}), "curl").await;
    for (curl, complaint) in [
        // As `curl --fail-with-body` does.
        ("echo '{\"errorCode\":401002,\"message\":\"CA certificate not found.\"}'; return 22".to_owned(), "not found"),
        ("return 6".to_owned(), ""),
        (format!("echo '{}'", answer("disabled", r#","errorMessage":"enrollment `x` is disabled""#)), "is disabled"),
        (format!("echo '{}'", answer("failed", r#","errorMessage":"no hub has room""#)), "no hub has room"),
        (format!("echo '{}'", answer("assigning", "")), "assigning"),
    ] {
        let (status, printed, complained) = run(&text, &format!("curl() {{ {curl}; }}"));
        assert!(status == Some(1) && printed.is_empty() && complained.contains(complaint), "{curl}: {complained}");
    }
    assert!(text.contains("curl -sS --fail-with-body "), "else a refusal has no words: {text}");
}

#[tokio::test]
async fn ids_are_encoded_where_a_shell_program_sends_them() {
    // What the webhook of a custom allocation gives comes last, and is not taken for DPS' own word.
    let more = r#","assignedHub":"h.localhost","deviceId":"50%?x:1","payload":{"deviceId":"other","status":"failed"}"#;
    let curl = format!("curl() {{ printf '%s\\n' \"$@\" >&2; echo '{}'; }}", answer("assigned", more));
    let stubs = format!("openssl() {{ echo c2ln; }}\nmosquitto_pub() {{ printf '%s\\n' \"$@\" >&2; }}\n{curl}");
    let (by_key, by_certificate) = (json!({"type": "symmetricKey"}), json!({"type": "x509"}));
    for (attestation, language, sent) in [
        (&by_certificate, "curl", "https://h.localhost/devices/50%25%3Fx%3A1/messages/events?api-version=2020-03-13\n"),
        (&by_key, "curl", "https://h.localhost/devices/50%25%3Fx%3A1/messages/events?api-version=2020-03-13\n"),
        (&by_key, "curl", "SharedAccessSignature sr=h.localhost%2Fdevices%2F50%25%3Fx%3A1&sig="),
        (&by_key, "curl", "SharedAccessSignature sr=0ne00ABC123%2Fregistrations%2Fx&sig="),
        (&by_key, "mosquitto_pub", "SharedAccessSignature sr=h.localhost%2Fdevices%2F50%25%3Fx%3A1&sig="),
        // MQTT knows no encoding of ids.
        (&by_key, "mosquitto_pub", "\nh.localhost/50%?x:1/?api-version=2021-04-12\n"),
        (&by_key, "mosquitto_pub", "\ndevices/50%?x:1/messages/events/\n"),
    ] {
        let text = shell_program(attestation.clone(), language).await;
        let (status, printed, told) = run(&text, &stubs);
        assert_eq!((status, printed.as_str()), (Some(0), "assigned to h.localhost as 50%?x:1\n"), "{told}");
        assert!(told.contains(sent), "{sent}: {told}");
    }
}

#[tokio::test]
async fn what_a_shell_program_encodes() {
    let text = shell_program(json!({"type": "x509"}), "curl").await;
    let escaped = text.split("escaped() {").nth(1).unwrap().split("\n}").next().unwrap();
    for (id, encoded) in [
        ("azAZ09-._~", "azAZ09-._~"),
        ("50%2F?", "50%252F%3F"),
        ("a!(),:=@$'*", "a%21%28%29%2C%3A%3D%40%24%27%2A"),
        ("+/=&# []", "%2B%2F%3D%26%23%20%5B%5D"),
    ] {
        let script = format!("escaped() {{{escaped}\n}}\nescaped \"{}\"", id.replace('$', "\\$"));
        assert_eq!(run(&script, ""), (Some(0), encoded.to_owned(), String::new()), "{id}");
    }
}

#[tokio::test]
async fn a_program_for_esp32_forgets_the_operation_of_an_earlier_try() {
    let text = shell_program(json!({"type": "symmetricKey"}), "Arduino").await;
    assert!(text.contains("void provision() {\n  operation = \"\";"), "{text}");
}

#[tokio::test]
async fn a_groups_programs_have_the_key_of_one_device() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let group = |attestation: Value| json!({"enrollmentGroupId": "fleet", "etag": "\"e\"", "attestation": attestation});
    *world.api.answers.lock() = vec![
        ("/enrollmentGroups/fleet", 200, group(json!({"type": "symmetricKey"}))),
        ("/registrations/fleet/query", 200, json!([])),
        ("/enrollments/aa%3Abb%3Acc%3A01", 404, json!({"errorCode": 404_201, "message": "Enrollment not found."})),
    ];
    let here = "/portal/dps/g/d/groups/of/fleet";
    let bare = world.get(&cookie, here).await.text;
    assert!(program(&bare, "Python").contains("key = \"KEY\"") && bare.contains("derived from the group's"), "{bare}");

    let keys = world.post(&cookie, here, &format!("do=keys&csrf={token}")).await.text;
    assert!(keys.contains(KEY) && keys.contains("put it in none"), "{keys}");
    // HMAC-SHA256 of the id by KEY, as Python's hmac derives it.
    let derived = "YHP7rBm/u7TzNCevbHh+P5bYRJY1KmRNECXhgMcCyOU=";
    let shown = world.post(&cookie, here, &format!("do=device&device=aa:bb:cc:01&csrf={token}")).await.text;
    assert!(!shown.contains(KEY), "the group's key is on no page of a device");
    for language in ["Python", "Node.js", "curl", "mosquitto_pub", "C#", "Arduino"] {
        assert!(!program(&keys, language).contains(KEY), "{language}");
        let text = program(&shown, language);
        assert!(text.contains(derived) && text.contains(&format!("\"{MAC}\"")), "{language}: {text}");
    }
    for typed in ["thermo_", ""] {
        let refused = world.post(&cookie, here, &format!("do=device&device={typed}&csrf={token}")).await;
        assert!(refused.status == 400 && refused.text.contains("my-device"), "{typed}: {}", refused.text);
        assert!(refused.text.contains(&format!("value=\"{typed}\"")) && !refused.text.contains(derived));
    }
    let alone = world.post(&cookie, here, &format!("do=device&device=alone&csrf={token}")).await;
    assert!(alone.status == 400 && alone.text.contains("alone has an enrollment of its own"), "{}", alone.text);
    assert!(program(&alone.text, "Python").contains("key = \"KEY\""));

    *world.api.roles.lock() = reader();
    let read = world.get(&cookie, &format!("{here}?device=aa:bb:cc:01")).await.text;
    assert!(read.contains("method=\"get\"") && program(&read, "curl").contains("key=\"KEY\""), "{read}");
    assert_eq!(world.post(&cookie, here, &format!("do=device&device=x&csrf={token}")).await.status, 403);
    world.api.answers.lock()[0].2 = by_certificate("signingCertificates");
    let page = world.get(&cookie, &format!("{here}?device=aa:bb:cc:01")).await.text;
    assert!(program(&page, "Python").contains("aa_bb_cc_01.pem"), "{page}");
    assert_eq!(world.get(&cookie, &format!("{here}?device=a/b")).await.status, 400);
}
