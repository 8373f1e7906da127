//! The journal over the real store: what is kept, what is counted, what a restart finds.
#![expect(clippy::unwrap_used, reason = "test code: a surprise is a failed test")]

use std::{path::Path, sync::Arc};

use roadstead_journal::{Journal, Named, RefusalFilter, Refused, limits, mend::mend};
use roadstead_model::{
    AuthMethod, Clock, DeviceProtocol, DisconnectReason, HubKey, IdScope, JournalOwner, Origin, RefusalCause,
    UnixMillis, What,
};
use roadstead_store::{Records, suite::samples::Pattern};
use roadstead_store_embedded::{DataDirectory, EmbeddedRecords};
use roadstead_testkit::{FakeClock, MemoryRecords};

const HUB: JournalOwner = JournalOwner::Hub(HubKey(42));

fn clock() -> Arc<FakeClock> {
    Arc::new(FakeClock::at(UnixMillis(1_795_294_800_000)))
}

fn embedded(path: &Path) -> Arc<dyn Records> {
    let directory = DataDirectory::open(path).unwrap();
    let key = directory.seal_key(&Pattern).unwrap();
    Arc::new(EmbeddedRecords::open(directory, &key).unwrap())
}

fn refused(id: &str, cause: RefusalCause, last_octet: u8) -> Refused<'_> {
    Refused {
        owner: HUB,
        id,
        origin: Origin { protocol: DeviceProtocol::Mqtt, address: Some([192, 0, 2, last_octet].into()) },
        target: "plant.localhost",
        cause,
        code: "CONNACK 5".to_owned(),
        message: format!("device `{id}`: no"),
    }
}

/// Id, cause, count of each entry, newest first.
async fn refusals(journal: &Journal) -> Vec<(String, RefusalCause, u64)> {
    let mut found = Vec::new();
    let mut before = None;
    loop {
        let page = journal.refusals(&HUB, &RefusalFilter::default(), before, usize::MAX).await.unwrap();
        for happening in page.items {
            let What::Refused(refusal) = happening.what else { panic!("no refusal") };
            found.push((happening.id, refusal.cause, refusal.count));
        }
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

#[tokio::test]
async fn a_flood_stays_in_bounds_and_is_counted() {
    let place = tempfile::tempdir().unwrap();
    let clock = clock();
    let journal = Journal::new(embedded(place.path()), clock.clone());
    for _ in 0..10 {
        for id in 0..10_000 {
            journal.refused(refused(&format!("dev-{id}"), RefusalCause::WrongKey, 7));
        }
    }
    let found = refusals(&journal).await;
    assert!(found.len() <= limits::SHARDS * (limits::REFUSALS_WAITING_MAX + 1), "{}", found.len());
    assert_eq!(found.iter().map(|(_, _, count)| count).sum::<u64>(), 100_000, "each is counted");
    let nobody: Vec<_> = found.iter().filter(|(id, ..)| id.is_empty()).collect();
    let named = found.len() - nobody.len();
    assert!(named > 1000, "{named} have a name");
    assert!(
        found.iter().filter(|(id, ..)| !id.is_empty()).all(|(_, _, count)| *count == 10),
        "none of these is left out"
    );
    clock.advance_ms(1000);
    journal.refused(refused("dev-1", RefusalCause::TokenExpired, 7));
    assert_eq!(refusals(&journal).await[0], ("dev-1".to_owned(), RefusalCause::TokenExpired, 1), "life goes on");
    assert_eq!(journal.count_refusals(&HUB), 100_001);
    journal.keep_counts(|owner| *owner != HUB);
    assert_eq!(journal.count_refusals(&HUB), 0, "the hub is gone");
}

#[tokio::test]
async fn a_flood_that_lasts_does_not_push_out_what_was_there() {
    const SECONDS: usize = 10;
    let place = tempfile::tempdir().unwrap();
    let clock = clock();
    let journal = Journal::new(embedded(place.path()), clock.clone());
    journal.refused(refused("mine", RefusalCause::TokenExpired, 8));
    for second in 0..SECONDS {
        clock.advance_ms(1000);
        for id in 0..10_000 {
            journal.refused(refused(&format!("made-up-{second}-{id}"), RefusalCause::UnknownDevice, 7));
        }
        journal.flush().await.unwrap();
    }
    let found = refusals(&journal).await;
    let at_once = limits::SHARDS * (limits::REFUSALS_WAITING_MAX + 1);
    let named_max = at_once + SECONDS * limits::SHARDS * limits::REFUSALS_PER_S;
    assert!(found.len() <= named_max, "{} of at most {named_max}", found.len());
    assert!(found.len() > at_once, "a few of each second are named");
    let counted: u64 = found.iter().map(|(_, _, count)| count).sum();
    assert_eq!(counted, 1 + SECONDS as u64 * 10_000, "each is counted");
    assert!(found.contains(&("mine".to_owned(), RefusalCause::TokenExpired, 1)));
}

#[tokio::test]
async fn refusals_of_many_addresses_are_bounded_for_each_id() {
    let journal = Journal::new(Arc::new(MemoryRecords::new()), clock());
    for octet in 0..=255 {
        journal.refused(refused("dev-1", RefusalCause::WrongKey, octet));
    }
    journal.note(HUB, "dev-1", What::Created);
    let found = journal.timeline(&HUB, "dev-1", None, 1000).await.unwrap().items;
    assert_eq!(found.len(), limits::PER_ID_MAX as usize + 1, "the refusals leave what else happened alone");
}

#[tokio::test]
async fn a_restart_finds_what_was_stored() {
    let place = tempfile::tempdir().unwrap();
    let clock = clock();
    let origin = Some(Origin { protocol: DeviceProtocol::Https, address: Some([192, 0, 2, 7].into()) });
    let what = [
        What::Created,
        What::Connected { origin, method: AuthMethod::DeviceSas },
        What::Disconnected(DisconnectReason::Disabled),
    ];
    {
        let journal = Journal::new(embedded(place.path()), clock.clone());
        for what in what.clone() {
            clock.advance_ms(1);
            journal.note(HUB, "dev-1", what);
        }
        journal.refused(refused("dev-1", RefusalCause::DeviceDisabled, 7));
        journal.flush().await.unwrap();
    }
    let journal = Journal::new(embedded(place.path()), clock.clone());
    clock.advance_ms(1000);
    journal.refused(refused("dev-1", RefusalCause::DeviceDisabled, 7));
    let found = journal.timeline(&HUB, "dev-1", None, 10).await.unwrap().items;
    let What::Refused(refusal) = &found[0].what else { panic!("{found:?}") };
    assert_eq!((refusal.count, refusal.since, found[0].at), (2, clock.now().plus_ms(-1000), clock.now()));
    assert_eq!(found[1..].iter().rev().map(|happening| happening.what.clone()).collect::<Vec<_>>(), what);
    let page = journal.timeline(&HUB, "dev-1", None, 3).await.unwrap();
    let rest = journal.timeline(&HUB, "dev-1", page.next, 3).await.unwrap();
    assert_eq!((page.items.len(), rest.items.len(), rest.next), (3, 1, None));
}

#[tokio::test]
async fn back_ends_have_a_journal_of_their_own_and_what_mends_it() {
    let journal = Journal::new(Arc::new(MemoryRecords::new()), clock());
    let dps = JournalOwner::Dps(IdScope::parse("0ne00ABC123").unwrap());
    for (owner, kind) in [(HUB, "hub"), (dps, "dps")] {
        let services = owner.services().unwrap();
        let causes = [
            (
                RefusalCause::WrongKey,
                "policy/a b",
                format!("connection-string show --{kind}-name plant --policy-name 'a b'"),
            ),
            (RefusalCause::WrongPolicy, "policy/a b", format!("policy list --{kind}-name plant")),
            (RefusalCause::NoCredentials, "", format!("policy list --{kind}-name plant")),
        ];
        for (cause, id, command) in causes {
            journal.refused(Refused { owner: services.clone(), ..refused(id, cause, 7) });
            let found = journal.refusals(&services, &RefusalFilter::default(), None, 10).await.unwrap().items;
            let What::Refused(refusal) = &found[0].what else { panic!("{found:?}") };
            assert_eq!((found[0].id.as_str(), refusal.cause), (id, cause));
            let mended = mend(refusal, Named { owner: &services, name: "plant", id });
            assert_eq!(mended.command, Some(format!("roadstead iot {kind} {command}")));
        }
        let devices = journal.refusals(&owner, &RefusalFilter::default(), None, 10).await.unwrap().items;
        assert_eq!(devices, [], "{owner}");
    }
}

#[tokio::test]
async fn what_came_to_nobody_is_shown_by_all_of_its_kind() {
    let journal = Journal::new(Arc::new(MemoryRecords::new()), clock());
    let dps = JournalOwner::Dps(IdScope::parse("0ne00ABC123").unwrap());
    for (owner, cause) in
        [(JournalOwner::NoHub, RefusalCause::UnknownHost), (JournalOwner::NoDps, RefusalCause::UnknownIdScope)]
    {
        journal.refused(Refused { owner, ..refused("dev-1", cause, 7) });
    }
    for (owner, cause) in [
        (HUB, RefusalCause::UnknownHost),
        (JournalOwner::Hub(HubKey(43)), RefusalCause::UnknownHost),
        (dps, RefusalCause::UnknownIdScope),
    ] {
        let found = journal.refusals(&owner, &RefusalFilter::default(), None, 10).await.unwrap().items;
        let [only] = &found[..] else { panic!("{owner}: {found:?}") };
        assert!(matches!(&only.what, What::Refused(refusal) if refusal.cause == cause), "{owner}: {only:?}");
    }
}

#[tokio::test]
async fn nothing_secret_or_endless_is_kept() {
    let records = Arc::new(MemoryRecords::new());
    let journal = Journal::new(records, clock());
    let secrets = [
        "SharedAccessSignature sr=a&sig=c2VjcmV0&se=1",
        "HostName=a;DeviceId=b;SharedAccessKey=c2VjcmV0",
        "Bearer c2VjcmV0",
        "the bearer token expired; Bearer c2VjcmV0",
    ];
    for text in secrets {
        let message = format!("user name `{text}` is not one");
        journal.refused(Refused { target: text, message, ..refused(text, RefusalCause::BadRequest, 7) });
    }
    let long = "x\n".repeat(10_000);
    journal.refused(Refused { target: &long, message: long.clone(), ..refused(&long, RefusalCause::BadRequest, 7) });
    let found = journal.refusals(&HUB, &RefusalFilter::default(), None, 10).await.unwrap().items;
    assert_eq!(found.len(), secrets.len() + 1);
    let text = format!("{found:?}");
    assert!(!text.contains("c2VjcmV0"), "{text}");
    assert!(text.len() < 8 * limits::MESSAGE_CHARS_MAX, "{}", text.len());
}
