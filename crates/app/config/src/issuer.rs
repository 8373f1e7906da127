//! Which settings of issuers go together.

use crate::settings::Issuer;

/// Characters of a name on a button.
const NAME_CHARS_MAX: usize = 40;

pub(crate) fn check(issuers: &[Issuer]) -> Result<(), String> {
    for (at, issuer) in issuers.iter().enumerate() {
        let wrong = |text: String| Err(format!("issuers: `{}`: {text}", issuer.url));
        if issuers[..at].iter().any(|other| other.url == issuer.url) {
            return wrong("it is there twice".to_owned());
        }
        let Some(client_id) = &issuer.client_id else {
            let Issuer { client_secret_file, name, user_claim, scopes, .. } = issuer;
            for (key, is_given) in [
                ("client_secret_file", client_secret_file.is_some()),
                ("name", name.is_some()),
                ("user_claim", user_claim.is_some()),
                ("scopes", scopes.is_some()),
            ] {
                if is_given {
                    return wrong(format!("{key} is for people who log in, and needs client_id"));
                }
            }
            continue;
        };
        if client_id.is_empty() {
            return wrong(
                "client_id is empty; the issuer shows it where this server is registered as an application".to_owned(),
            );
        }
        if *client_id == issuer.audience {
            return wrong(
                "client_id and audience are the same, so that a person's token could log a service principal in; give another \
                 audience"
                    .to_owned(),
            );
        }
        if !issuer.scopes().split(' ').any(|scope| scope == "openid") {
            return wrong("scopes must have `openid` among them: without it there is no ID token".to_owned());
        }
        let claim = issuer.user_claim();
        if claim.is_empty() || !claim.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:/".contains(c)) {
            return wrong(format!(
                "user_claim `{claim}` can be no claim; preferred_username, email, upn and sub are such"
            ));
        }
        let name = issuer.name();
        let is_shown = !name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX;
        if !is_shown || name.contains(|c: char| c.is_control() || c == '/') || [".", ".."].contains(&name) {
            return wrong(format!("name `{name}` must be 1 to {NAME_CHARS_MAX} characters of plain text without `/`"));
        }
        if issuers[..at].iter().any(|other| other.client_id.is_some() && other.name() == name) {
            return wrong(format!("another issuer is called `{name}`, too; give each a name of its own"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;

    fn check_text(text: &str) -> Result<(), String> {
        let settings: Settings = toml::from_str(text).map_err(|error| error.to_string())?;
        check(&settings.issuers)
    }

    #[test]
    fn settings_that_do_not_go_together_are_refused() {
        let one = "[[issuers]]\nurl = \"https://login.example/realms/plant\"\n";
        let two = "[[issuers]]\nurl = \"https://login.example/realms/other\"\n";
        for (text, expected) in [
            (one.to_owned(), None),
            (format!("{one}client_id = \"roadstead\""), None),
            (
                format!("{one}client_id = \"roadstead\"\nuser_claim = \"sub\"\nscopes = \"openid\"\nname = \"Plant\""),
                None,
            ),
            (format!("{one}{two}client_id = \"roadstead\""), None),
            (format!("{one}client_id = \"a\"\nname = \"A\"\n{two}client_id = \"a\""), None),
            (format!("{one}{one}"), Some("there twice")),
            (format!("{one}client_id = \"\""), Some("client_id is empty")),
            (format!("{one}client_secret_file = \"/s\""), Some("client_secret_file is for people")),
            (format!("{one}name = \"Plant\""), Some("needs client_id")),
            (format!("{one}user_claim = \"sub\""), Some("needs client_id")),
            (format!("{one}scopes = \"openid\""), Some("needs client_id")),
            (format!("{one}client_id = \"api://AzureADTokenExchange\""), Some("are the same")),
            (format!("{one}client_id = \"a\"\nscopes = \"profile\""), Some("must have `openid`")),
            (format!("{one}client_id = \"a\"\nuser_claim = \"\""), Some("can be no claim")),
            (format!("{one}client_id = \"a\"\nuser_claim = \"a b\""), Some("can be no claim")),
            (format!("{one}client_id = \"a\"\nname = \"\""), Some("plain text")),
            (format!("{one}client_id = \"a\"\nname = \"a/b\""), Some("plain text")),
            (format!("{one}client_id = \"a\"\nname = \"{}\"", "x".repeat(41)), Some("plain text")),
            (format!("{one}client_id = \"a\"\n{two}client_id = \"a\""), Some("is called `login.example`, too")),
            (format!("{one}client_secret = \"s\""), Some("unknown field")),
        ] {
            match (check_text(&text), expected) {
                (Ok(()), None) => {}
                (Err(found), Some(part)) => assert!(found.contains(part), "{text}: {found}"),
                (found, _) => panic!("{text}: {found:?}"),
            }
        }
    }

    #[test]
    fn what_is_left_out_has_its_default() {
        let settings: Settings = toml::from_str("[[issuers]]\nurl = \"https://login.example:8443/x\"").unwrap();
        let issuer = &settings.issuers[0];
        assert_eq!(
            (issuer.name(), issuer.user_claim(), issuer.scopes(), issuer.audience.as_str()),
            ("login.example", "preferred_username", "openid profile email", "api://AzureADTokenExchange")
        );
    }
}
