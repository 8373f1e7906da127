use crate::world::{DEVICE, HOSTILE, KEY, SECONDARY_KEY, World, reader};

/// Every page there is.
const PAGES: &[&str] = &[
    "/portal/",
    "/portal/create",
    "/portal/audit",
    "/portal/audit?span=quarter",
    "/portal/sessions",
    "/portal/hubs/g/h",
    "/portal/hubs/g/h/settings",
    "/portal/hubs/g/h/policies",
    "/portal/hubs/g/h/devices",
    "/portal/hubs/g/h/devices?q=%3Cb%3E&where=%22%3E%3Cb%3E&after=x",
    "/portal/hubs/g/h/devices/x",
    "/portal/hubs/g/h/devices/x/twin",
    "/portal/hubs/g/h/events",
    "/portal/hubs/g/h/events?device=%22%3E%3Cb%3E&since=%3Cb%3E",
    "/portal/hubs/g/h/events/log",
    "/portal/hubs/g/h/events/log?device=%22%3E%3Cb%3E&time=%3Cb%3E&partition=%3Cb%3E&number=%3Cb%3E&at=%3Cb%3E",
    "/portal/hubs/g/h/devices/x/timeline",
    "/portal/hubs/g/h/devices/x/twin/history",
    "/portal/hubs/g/h/devices/x/twin?version=3",
    "/portal/hubs/g/h/devices/x/uploads?after=%22%3E%3Cb%3E",
    "/portal/hubs/g/h/devices/x/modules/%3Cb%3E/timeline?after=1",
    "/portal/hubs/g/h/refusals?q=%22%3E%3Cb%3E&cause=%22%3E%3Cb%3E&address=%22%3E%3Cb%3E&after=x",
    "/portal/hubs/g/h/certificates",
    "/portal/hubs/g/h/certificates/root",
    "/portal/dps/g/d",
    "/portal/dps/g/d/policies",
    "/portal/connect",
    "/portal/certificates",
    "/portal/certificates?from=%3Cb%3E&skip=-1",
    "/portal/dps/g/d/certificates",
    "/portal/dps/g/d/certificates/held?q=%22%3E%3Cb%3E&after=x",
    "/portal/dps/g/d/enrollments",
    "/portal/dps/g/d/enrollments/new",
    "/portal/dps/g/d/enrollments/of/x",
    "/portal/dps/g/d/enrollments/of/x/edit",
    "/portal/dps/g/d/groups/of/x/edit",
    "/portal/dps/g/d/refusals",
    "/portal/hubs/g/h/refusals?who=services",
    "/portal/dps/g/d/refusals?who=services",
    "/portal/dps/g/d/registrations/x",
    "/portal/dps/g/d/connect/x",
    "/portal/dps/g/d/groups",
    "/portal/dps/g/d/groups/new",
    "/portal/dps/g/d/groups/of/x",
];
/// What is asked for with GET and is no page: streams of changes, and a file.
const NO_PAGES: &[&str] =
    &["/portal/hubs/g/h/live", "/portal/hubs/g/h/devices/x/live", "/portal/hubs/g/h/devices/x/uploads/x"];

fn has_key(text: &str) -> bool {
    text.contains(KEY) || text.contains(SECONDARY_KEY)
}

/// The arms of a router: the method's pattern, and the words of the path's.
fn arms(source: &str, router: &str) -> Vec<(String, Vec<String>)> {
    let body = source.split_once(router).unwrap().1.split_once("\n}\n").unwrap().0;
    let arm = |line: &str| {
        let (method, rest) = line.trim().strip_prefix('(')?.split_once(", [")?;
        let (words, _) = rest.split_once("]) =>")?;
        let words = words.split(", ").filter(|word| !word.is_empty()).map(str::to_owned).collect();
        Some((method.to_owned(), words))
    };
    body.lines().filter_map(arm).collect()
}

/// What the routers lead to for GET, as patterns of segments: `["hubs", "*", "*", "devices", "*"]`.
fn routes() -> Vec<Vec<String>> {
    let (mut found, mut above) = (Vec::new(), Vec::new());
    let pattern = |words: &[String]| -> Vec<String> {
        words.iter().map(|word| if word.starts_with('"') { word.trim_matches('"') } else { "*" }.to_owned()).collect()
    };
    let below = |source: &str, above: &[String]| {
        let arms = arms(source, "async fn route(");
        let shown = arms.into_iter().filter(|(method, _)| method == "false");
        shown.map(|(_, words)| [above, &pattern(&words)].concat()).collect::<Vec<_>>()
    };
    for (method, words) in arms(include_str!("../../src/portal.rs"), "async fn run") {
        let texts: Vec<&str> = words.iter().map(String::as_str).collect();
        match (method.as_str(), texts.as_slice()) {
            ("true", _) => {}
            ("false", _) => found.push([above.clone(), pattern(&words)].concat()),
            ("_", [_, "group", "name", "rest @ .."]) => above = pattern(&words[..3]),
            ("_", ["\"certificates\"", "rest @ .."]) => {
                let above = [above.clone(), pattern(&words[..1])].concat();
                found.extend(below(include_str!("../../src/page/certificates.rs"), &above));
            }
            ("_", ["\"enrollments\" | \"groups\"", ".."]) => {
                found.extend(below(include_str!("../../src/page/enrollments.rs"), &above));
            }
            arm => panic!("{arm:?} is a router that this test does not know"),
        }
    }
    found
}

#[test]
fn no_page_is_forgotten() {
    let routes = routes();
    assert!(routes.len() > 30, "{routes:?}");
    for route in routes {
        let fits = |path: &&str| {
            let path = path.split('?').next().unwrap().trim_start_matches("/portal").trim_start_matches('/');
            let words: Vec<&str> = path.split('/').filter(|word| !word.is_empty()).collect();
            words.len() == route.len() && route.iter().zip(words).all(|(of, word)| of == "*" || of == word)
        };
        assert!(PAGES.iter().chain(NO_PAGES).any(fits), "{route:?} is in neither list");
    }
}

#[tokio::test]
async fn every_answer_keeps_other_sites_out() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    let page = world.get(&cookie, "/portal/").await.text;
    let asset = |mark: &str| page.split(mark).nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (style, script) = (asset("stylesheet\" href=\""), asset("module\" src=\""));
    let others =
        ["/", "/portal", "/portal/sign-in", "/portal/in/x", "/portal/assets/none.css", "/portal/none", &style, &script];
    for path in PAGES.iter().copied().chain(others) {
        for cookie in ["", &cookie] {
            let answer = world.get(cookie, path).await;
            let policy = answer.header("content-security-policy");
            assert_eq!(
                policy,
                "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                 form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
                "{path}"
            );
            assert_eq!(
                (answer.header("x-content-type-options"), answer.header("x-frame-options")),
                ("nosniff", "DENY")
            );
            let is_asset = path == style || path == script;
            let cached = if is_asset { "public, max-age=31536000, immutable" } else { "no-store" };
            assert_eq!(answer.header("cache-control"), cached, "{path}");
        }
    }
}

/// What comes from outside is text: no page has a tag, an attribute or a handler of it, and nothing inline.
#[tokio::test]
async fn hostile_texts_stay_text() {
    let world = World::new();
    let (cookie, _) = world.sign_in().await;
    for path in PAGES {
        let answer = world.get(&cookie, path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        // A page's own, which looks like it.
        let own = ["good", "next", "bad"].map(|class| format!("<li class=\"{class}\"><b>"));
        let foreign = own.iter().fold(answer.text.clone(), |text, own| text.replace(own, ""));
        for tag in ["<script>", "\"><b>", "alert('x')", "style=", " onclick", "javascript:"] {
            assert!(!foreign.contains(tag), "{path} has {tag}");
        }
        assert!(answer.text.contains("<script type=\"module\" src=\"/portal/assets/portal-"), "{path}");
        assert!(!answer.text.contains(HOSTILE) && !answer.text.contains(DEVICE), "{path}");
        assert!(answer.text.contains("&#60;script&#62;alert"), "{path}: the user's name is there, escaped");
    }
}

#[tokio::test]
async fn a_form_without_its_sessions_token_changes_nothing() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    let (_, other) = world.sign_in().await;
    let forms = [
        ("/portal/hubs/g/h/devices", "id=d"),
        ("/portal/hubs/g/h/devices/x", "do=disable"),
        ("/portal/hubs/g/h/devices/x", "do=keys"),
        ("/portal/hubs/g/h/devices/x", "do=delete&name=x"),
        ("/portal/hubs/g/h/devices/x/twin", "do=save&etag=t1"),
        ("/portal/hubs/g/h/policies", "do=keys"),
        ("/portal/hubs/g/h/policies", "do=renew-primary&policy=iothubowner&name=iothubowner"),
        ("/portal/create", "do=create-hub&name=new&group=g&partitions=1"),
        ("/portal/hubs/g/h/settings", "do=delete&name=h"),
        ("/portal/dps/g/d", "do=unlink&host=h.localhost&name=h.localhost"),
        ("/portal/hubs/g/h/certificates", "certificate=c&pem=x"),
        ("/portal/dps/g/d/certificates/held", "do=issue&id=x"),
        ("/portal/dps/g/d/enrollments/new", "id=d&by=key"),
        ("/portal/dps/g/d/enrollments/of/x", "do=delete&name=x"),
        ("/portal/sign-out", ""),
        ("/portal/sign-out-everywhere", ""),
        ("/portal/sessions/1", ""),
    ];
    let before = world.api.asked.lock().len();
    for (path, form) in forms {
        for bad in ["", "csrf=", &format!("csrf={other}"), &format!("csrf={}", &token[1..])] {
            let answer = world.post(&cookie, path, &format!("{form}&{bad}")).await;
            assert_eq!(answer.status, 403, "{path} {bad}");
            assert!(answer.text.contains("nothing was done"), "{path}");
        }
        let kind = ("content-type", "application/x-www-form-urlencoded");
        for site in [
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
            ("origin", "https://evil.example"),
            ("x", "y"),
        ] {
            let form = format!("{form}&csrf={token}");
            let answer = world.send("POST", path, &[("cookie", &cookie), kind, site], &form).await;
            assert_eq!(answer.status, 403, "{path} {site:?}");
        }
    }
    assert_eq!(world.api.asked.lock().len(), before, "no API was asked");
    assert_eq!(world.get(&cookie, "/portal/").await.status, 200, "and nobody is signed out");
}

#[tokio::test]
async fn a_reader_sees_no_key_and_no_button() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    *world.api.roles.lock() = reader();
    let is_for_writers = |path: &&str| {
        path.contains("/twin?")
            || ["/new", "/edit", "/twin", "/sessions", "/create", "/portal/connect"]
                .iter()
                .any(|end| path.ends_with(end))
    };
    for path in PAGES.iter().copied().filter(|path| !is_for_writers(path)) {
        let page = world.get(&cookie, path).await;
        assert_eq!(page.status, 200, "{path}");
        let buttons: Vec<_> =
            page.text.split("<button").skip(1).map(|rest| rest.split("</button>").next().unwrap()).collect();
        let harmless = ["Sign out", "Search", "Follow", "Show its programs"];
        let foreign = buttons.iter().filter(|button| !harmless.iter().any(|words| button.ends_with(words)));
        assert_eq!(foreign.count(), 0, "{path}: {buttons:?}");
        assert!(!has_key(&page.text), "{path}");
    }
    for (path, form) in [
        ("/portal/hubs/g/h/devices", "id=d"),
        ("/portal/hubs/g/h/devices/x", "do=keys"),
        ("/portal/hubs/g/h/devices/x", "do=disable"),
        ("/portal/hubs/g/h/devices/x/twin", "do=save&etag=t1"),
        ("/portal/hubs/g/h/policies", "do=keys"),
        ("/portal/dps/g/d/policies", "do=swap&policy=x"),
        ("/portal/hubs/g/h/settings", "do=save&etag=h1"),
        ("/portal/create", "do=create-hub&name=new&group=g&partitions=1"),
        ("/portal/hubs/g/h/settings", "do=delete&name=h"),
        ("/portal/dps/g/d", "do=unlink&host=h.localhost&name=h.localhost"),
        ("/portal/dps/g/d", "do=delete&name=d"),
        ("/portal/hubs/g/h", "do=add-group&group=x"),
        ("/portal/hubs/g/h/certificates", "certificate=c&pem=x"),
        ("/portal/hubs/g/h/certificates/root", "do=code"),
        ("/portal/dps/g/d/enrollments/new", "id=d&by=key"),
        ("/portal/dps/g/d/groups/of/x", "do=keys"),
        ("/portal/dps/g/d/groups/of/x", "do=device&device=x"),
    ] {
        let answer = world.post(&cookie, path, &format!("{form}&csrf={token}")).await;
        assert_eq!(answer.status, 403, "{path} {form}");
        assert!(answer.text.contains("Your roles do not let you") && !has_key(&answer.text), "{path} {form}");
    }
}

#[tokio::test]
async fn keys_are_in_a_page_only_when_asked_for() {
    let world = World::new();
    let (cookie, token) = world.sign_in().await;
    for path in PAGES {
        assert!(!has_key(&world.get(&cookie, path).await.text), "{path}");
    }
    for path in [
        "/portal/hubs/g/h/devices/x",
        "/portal/hubs/g/h/policies",
        "/portal/dps/g/d/policies",
        "/portal/dps/g/d/groups/of/x",
    ] {
        let shown = world.post(&cookie, path, &format!("do=keys&csrf={token}")).await;
        assert!(shown.text.contains(KEY), "{path}: {}", shown.text);
        assert_eq!(shown.header("cache-control"), "no-store");
    }
}
