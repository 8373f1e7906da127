//! `roadstead iot dps certificate create-ca`, `issue` and `issued`: CAs that the server keeps.

use super::certificate::open;
use crate::args::Global;
use crate::args::certificate::{Issue, Issued, NewCa};
use crate::ca::{Place, about, check_file_name};
use crate::failure::Failure;
use crate::note::note;
use crate::output::Printed;
use roadstead_pki::{Certificate, Request};
use roadstead_service::{CaRequest, IssueRequest, IssuedPage};
use serde_json::{Value, json};

/// Certificates that are asked for at a time.
const PAGE: usize = 1000;

pub async fn create_ca(ca: &NewCa, global: &Global) -> Result<Printed, Failure> {
    let name = &ca.named.certificate_name;
    let (management, resource) = open(&ca.named.of, global).await?;
    let request = CaRequest { common_name: ca.common_name.as_ref().unwrap_or(name).clone(), days: ca.days };
    let made: Value = management.create_ca(&resource, name, &request).await?;
    let dps = &resource.name;
    note(
        global,
        &format!(
            "next: let every device of this CA enroll, and issue a device's certificate\n  \
             roadstead iot dps enrollment-group create --dps-name {dps} --enrollment-id my-group --ca-name {name}\n  \
             roadstead iot dps certificate issue --dps-name {dps} --certificate-name {name} --id my-device"
        ),
    );
    Ok(made.into())
}

/// The key goes to a file, never to stdout.
pub async fn issue(wanted: &Issue, global: &Global) -> Result<Printed, Failure> {
    let mut request = IssueRequest { days: wanted.days, ..IssueRequest::default() };
    let id = match (&wanted.request, &wanted.id) {
        (Some(file), _) => {
            let text = std::fs::read_to_string(file)
                .map_err(|error| Failure::error(format!("cannot read {}: {error}", file.display())))?;
            if text.contains("PRIVATE KEY-----") {
                let shown = file.display();
                return Err(Failure::error(format!("{shown} holds a private key, too, which is for the device alone"))
                    .hint(format!("`openssl req -in {shown} -out request.csr` takes the request out of it")));
            }
            let read = Request::from_pem(&text).map_err(|fault| {
                Failure::error(format!("{}: {fault}", file.display())).hint(
                    "`openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ID.key -subj /CN=ID` makes one",
                )
            })?;
            request.certificate_request = Some(text);
            read.common_name().to_owned()
        }
        (None, id) => {
            let id = id.clone().unwrap_or_default();
            request.common_name = Some(id.clone());
            id
        }
    };
    check_file_name(&id)?;
    let place = match wanted.request {
        None => Place::new(&wanted.out, &id)?,
        Some(_) => Place::beside_key(&wanted.out, &id)?,
    };
    let (management, resource) = open(&wanted.named.of, global).await?;
    let answer = management.issue(&resource, &wanted.named.certificate_name, &request).await?;
    let certificate = Certificate::from_text(&answer.certificate)
        .map_err(|error| Failure::error(format!("the server's answer holds no certificate: {error}")))?;
    if let Some(key) = &answer.private_key {
        place.key(key.expose())?;
    }
    place.certificate(&certificate)?;
    place.chain(&answer.chain)?;
    let key = answer.private_key.as_ref().map(|_| place.file("key").display().to_string());
    note(
        global,
        &format!(
            "{}\nnext: give the device its key and its certificate\n  certificate {}\n  key         {}",
            about(&certificate),
            place.file("chain.pem").display(),
            key.as_deref().unwrap_or("its own")
        ),
    );
    let mut shown = json!(answer.issued);
    shown["certificateFile"] = place.file("pem").display().to_string().into();
    shown["chainFile"] = place.file("chain.pem").display().to_string().into();
    shown["keyFile"] = key.into();
    Ok(shown.into())
}

pub async fn issued(wanted: &Issued, global: &Global) -> Result<Printed, Failure> {
    let (management, resource) = open(&wanted.of, global).await?;
    let (mut items, mut position) = (Vec::new(), None::<String>);
    loop {
        let top = PAGE.min(wanted.top - items.len());
        let after = position.as_deref();
        let page: IssuedPage = match &wanted.certificate_name {
            Some(ca) => management.list_issued(&resource, ca, &wanted.id_prefix, after, top).await?,
            None => management.list_issued_by_end(&resource, wanted.ends_after.as_deref(), after, top).await?,
        };
        items.extend(page.items.iter().map(|item| json!(item)));
        position = page.next;
        if position.is_none() || items.len() >= wanted.top {
            break;
        }
    }
    Ok(Printed::from(items).table(
        "[].{Id:commonName, Ends:notAfter, CA:certificateName, Issued:issued, By:issuedBy, Request:fromRequest, Serial:serialNumber}",
    ))
}
