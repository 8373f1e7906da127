//! Programs to paste.

use crate::world::{World, issued};
use serde_json::{Value, json};

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
