//! `roadstead ca`: each openssl step of making devices' certificates in one command.

use crate::args::Global;
use crate::args::ca::{CaCommand, Device, Intermediate, Root, Verify};
use crate::failure::Failure;
use crate::note::note;
use crate::output::put;
use crate::shell::quoted;
use roadstead_model::{UnixMillis, UnixSeconds};
use roadstead_pki::{Authority, Certificate, Credential, KeyKind, Validity, parse_certificates};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// How long a proof of possession is valid: as long as it takes to upload it. Ours.
const PROOF_DAYS: u32 = 30;

/// What was made, and what to type next.
#[derive(Debug)]
struct Made {
    files: Vec<Written>,
    next: String,
}

impl Made {
    /// A line for each file.
    fn lines(&self) -> String {
        let lines = self.files.iter().map(|file| format!("{}  {}\n", file.path.display(), file.about));
        lines.collect::<Vec<_>>().concat()
    }
}

#[derive(Debug)]
pub struct Written {
    path: PathBuf,
    about: String,
}

/// Makes what is asked for and says so: file names on stdout, the next step on stderr.
pub fn run(command: &CaCommand, now: UnixMillis, global: &Global) -> Result<(), Failure> {
    let made = match command {
        CaCommand::Root(root) => make_root(root, now)?,
        CaCommand::Intermediate(intermediate) => make_intermediate(intermediate, now)?,
        CaCommand::Device(device) => make_device(device, now)?,
        CaCommand::Verify(verify) => prove(verify, now)?,
    };
    put(&made.lines())?;
    note(global, &made.next);
    Ok(())
}

fn make_root(root: &Root, now: UnixMillis) -> Result<Made, Failure> {
    let place = Place::new(&root.out, "root")?;
    let authority = issued(Authority::root(&root.name, root.key_type.into(), validity(now, root.days)))?;
    let files = vec![place.key(&authority.key_pem())?, place.certificate(authority.certificate())?];
    let (pem, out) = (place.file("pem"), root.out.display());
    let next = format!(
        "next: a CA below it, which issues the devices' certificates\n  \
         roadstead ca intermediate --root {} --name {}-Intermediate --out {out}\n\
         and let DPS trust the root\n  \
         roadstead iot dps certificate create --dps-name DPS --certificate-name {} --path {}",
        pem.display(),
        quoted(&root.name),
        quoted(&root.name),
        pem.display()
    );
    Ok(Made { files, next })
}

fn make_intermediate(intermediate: &Intermediate, now: UnixMillis) -> Result<Made, Failure> {
    let out = intermediate.out.clone().unwrap_or_else(|| folder_of(&intermediate.root));
    let place = Place::new(&out, "intermediate")?;
    let issuer = Issuer::load(&intermediate.root, intermediate.root_key.as_deref())?;
    let validity = validity(now, intermediate.days);
    let authority = issued(issuer.authority.intermediate(&intermediate.name, intermediate.key_type.into(), validity))?;
    let chain = issuer.chain_below(authority.certificate());
    let files =
        vec![place.key(&authority.key_pem())?, place.certificate(authority.certificate())?, place.chain(&chain)?];
    let pem = place.file("pem");
    let next = format!(
        "next: a device's key and certificate\n  \
         roadstead ca device --issuer {} --id my-device --with-chain\n\
         and let every device of this CA enroll\n  \
         roadstead iot dps enrollment-group create --dps-name DPS --enrollment-id my-group --certificate-path {}",
        pem.display(),
        pem.display()
    );
    Ok(Made { files, next })
}

fn make_device(device: &Device, now: UnixMillis) -> Result<Made, Failure> {
    check_file_name(&device.id)?;
    let place = Place::new(&device.out.clone().unwrap_or_else(|| folder_of(&device.issuer)), &device.id)?;
    let issuer = Issuer::load(&device.issuer, device.issuer_key.as_deref())?;
    let made = issuer.authority.device(&device.id, device.key_type.into(), validity(now, device.days));
    let Credential { certificate, key_pem } = issued(made)?;
    let mut files = vec![place.key(&key_pem)?, place.certificate(&certificate)?];
    if device.with_chain {
        files.push(place.chain(&issuer.chain_below(&certificate))?);
    }
    let sent = place.file(if device.with_chain { "chain.pem" } else { "pem" });
    let next = format!(
        "next: give the device both files\n  \
         certificate {}\n  key         {}\n  thumbprint  {}",
        sent.display(),
        place.file("key").display(),
        certificate.sha256()
    );
    Ok(Made { files, next })
}

/// Refuses an id that leads elsewhere as a file's name.
pub fn check_file_name(id: &str) -> Result<(), Failure> {
    if id.contains(['/', '\\']) || id.starts_with('.') {
        return Err(Failure::usage(format!("`{id}` cannot be the name of a file"))
            .hint("ids of devices have letters, digits and `- . _ :`"));
    }
    Ok(())
}

fn prove(verify: &Verify, now: UnixMillis) -> Result<Made, Failure> {
    let issuer = Issuer::load(&verify.ca, verify.ca_key.as_deref())?;
    let code = verify.code.trim().trim_start_matches("CN=");
    let proof = issued(issuer.authority.device(code, KeyKind::P256, validity(now, PROOF_DAYS)))?;
    let text = proof.certificate.to_pem();
    std::fs::write(&verify.out, text).map_err(|error| unwritable(&verify.out, &error))?;
    let files = vec![Written { path: verify.out.clone(), about: about(&proof.certificate) }];
    let next = format!(
        "next: show it\n  \
         roadstead iot dps certificate verify --dps-name DPS --certificate-name NAME --path {}",
        verify.out.display()
    );
    Ok(Made { files, next })
}

/// A CA that signs, as its files hold it.
struct Issuer {
    authority: Authority,
    /// The CAs above it, as far as they are known.
    above: Vec<Certificate>,
}

impl Issuer {
    fn load(certificate: &Path, key: Option<&Path>) -> Result<Self, Failure> {
        let key = key.map_or_else(|| certificate.with_extension("key"), Path::to_owned);
        let pem = read(certificate, "the CA's certificate")?;
        let key_pem = Zeroizing::new(read(&key, "the CA's key")?);
        let authority = Authority::from_pem(&pem, &key_pem).map_err(|error| {
            Failure::error(format!("{} and {} are no CA: {error}", certificate.display(), key.display())).hint(
                "the key must be the CA's own, in PEM and without a passphrase: `openssl pkey -in KEY` takes one away",
            )
        })?;
        let above = |text: String| parse_certificates(&text).ok().filter(|chain| is_first(chain, &authority));
        let beside = std::fs::read_to_string(certificate.with_extension("chain.pem")).ok();
        let chain = beside.and_then(above).or_else(|| above(pem)).unwrap_or_default();
        let above = chain.into_iter().skip(1).collect();
        Ok(Self { authority, above })
    }

    /// A certificate of this CA, the CA, and the CAs above it.
    fn chain_below(&self, certificate: &Certificate) -> String {
        let above: String = self.above.iter().map(Certificate::to_pem).collect();
        certificate.to_pem() + &self.authority.certificate().to_pem() + &above
    }
}

fn is_first(chain: &[Certificate], authority: &Authority) -> bool {
    chain.first().is_some_and(|first| first.der() == authority.certificate().der())
}

/// Where the files of one certificate go. None of them may be there yet: a key that is overwritten is lost.
pub struct Place {
    stem: PathBuf,
}

impl Place {
    pub fn new(folder: &Path, name: &str) -> Result<Self, Failure> {
        Self::without(folder, name, &["key", "pem", "chain.pem"])
    }

    /// Where a key may be already.
    pub fn beside_key(folder: &Path, name: &str) -> Result<Self, Failure> {
        Self::without(folder, name, &["pem", "chain.pem"])
    }

    fn without(folder: &Path, name: &str, ends: &[&str]) -> Result<Self, Failure> {
        std::fs::create_dir_all(folder).map_err(|error| unwritable(folder, &error))?;
        let place = Self { stem: folder.join(name) };
        let taken = ends.iter().map(|end| place.file(end)).find(|path| path.exists());
        match taken {
            None => Ok(place),
            Some(path) => Err(Failure::error(format!("{} is there already and is not overwritten", path.display()))
                .hint("choose another folder with `--out`, or move the file away")),
        }
    }

    pub fn file(&self, end: &str) -> PathBuf {
        let mut path = self.stem.clone().into_os_string();
        path.push(format!(".{end}"));
        path.into()
    }

    pub fn key(&self, pem: &str) -> Result<Written, Failure> {
        self.write("key", pem, 0o600, "private key, for nobody else to read".to_owned())
    }

    pub fn certificate(&self, certificate: &Certificate) -> Result<Written, Failure> {
        self.write("pem", &certificate.to_pem(), 0o644, about(certificate))
    }

    pub fn chain(&self, pem: &str) -> Result<Written, Failure> {
        self.write("chain.pem", pem, 0o644, "the certificate and the CAs above it".to_owned())
    }

    fn write(&self, end: &str, text: &str, mode: u32, about: String) -> Result<Written, Failure> {
        let path = self.file(end);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&path)
            .map_err(|error| unwritable(&path, &error))?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(|error| unwritable(&path, &error))?;
        Ok(Written { path, about })
    }
}

pub fn about(certificate: &Certificate) -> String {
    let until = UnixSeconds(certificate.not_after_s()).millis().iso();
    format!("certificate of {}, valid until {}", certificate.shown_name(), until.get(..10).unwrap_or(&until))
}

fn validity(now: UnixMillis, days: u32) -> Validity {
    Validity { now_s: now.seconds().0, lifetime_s: i64::from(days) * 86_400 }
}

fn issued<T>(made: Result<T, roadstead_pki::IssueError>) -> Result<T, Failure> {
    made.map_err(|error| Failure::error(format!("no certificate was made: {error}")))
}

fn read(path: &Path, what: &str) -> Result<String, Failure> {
    std::fs::read_to_string(path).map_err(|error| {
        let failure = if error.kind() == std::io::ErrorKind::NotFound { Failure::not_found } else { Failure::error };
        failure(format!("cannot read {what}, {}: {error}", path.display())).hint(
            "`roadstead ca root --name NAME --out DIR` makes a CA; a key elsewhere is named with a flag of its own",
        )
    })
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure::error(format!("cannot write {}: {error}", path.display()))
}

fn folder_of(file: &Path) -> PathBuf {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")).to_owned()
}

#[cfg(test)]
mod tests;
