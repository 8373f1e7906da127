//! Journals.

use roadstead_model::{Happening, HubKey, JournalOwner, RefusalCause, UnixMillis, What};

use super::{OTHER_HUB, Place, put};
use crate::{
    limits::LAST_REFUSALS_MAX,
    records::{Expect, JournalBounds, Records, RefusalFilter, Write},
    suite::samples::{self, HUB, refusal, scope},
};

const WIDE: JournalBounds =
    JournalBounds { per_id_max: 100, totals_max: [1000; 4], forget_before: UnixMillis(0), alike_ms: 1000 };

fn hub(key: HubKey) -> JournalOwner {
    JournalOwner::Hub(key)
}

async fn timeline(store: &dyn Records, owner: &JournalOwner, id: &str) -> Vec<Happening> {
    let found = store.list_happenings(owner, id, None, 1000).await.unwrap();
    assert!(found.is_sorted_by(|(later, _), (earlier, _)| later > earlier), "newest first");
    found.into_iter().map(|(_, happening)| happening).collect()
}

async fn refusals(store: &dyn Records, owners: &[JournalOwner], filter: RefusalFilter) -> Vec<Happening> {
    let found = store.list_refusals(owners, &filter, None, 1000).await.unwrap();
    assert!(found.is_sorted_by(|(later, _), (earlier, _)| later > earlier), "newest first");
    found.into_iter().map(|(_, happening)| happening).collect()
}

/// [`Write::AddHappenings`]: the newest first, found by owner and id, over a restart.
pub async fn journals_keep_what_happened(place: &dyn Place) {
    let store = place.start().await;
    let all: Vec<Happening> = samples::happenings().into_iter().map(|(_, happening)| happening).collect();
    put(&*store, [Write::AddHappenings(all.clone(), WIDE)]).await;
    let newest_first: Vec<Happening> = all.into_iter().rev().collect();
    assert_eq!(timeline(&*store, &hub(HUB), "thermo-7").await, newest_first);
    for (owner, id) in
        [(hub(OTHER_HUB), "thermo-7"), (hub(HUB), "Thermo-7"), (hub(HUB), ""), (JournalOwner::NoHub, "thermo-7")]
    {
        assert_eq!(timeline(&*store, &owner, id).await, [], "{owner} {id}");
    }
    let page = store.list_happenings(&hub(HUB), "thermo-7", None, 2).await.unwrap();
    let next = store.list_happenings(&hub(HUB), "thermo-7", Some(page[1].0), 2).await.unwrap();
    let found: Vec<_> = page.into_iter().chain(next).map(|(_, happening)| happening).collect();
    assert_eq!(found, newest_first[..4]);
    drop(store);
    let store = place.start().await;
    assert_eq!(timeline(&*store, &hub(HUB), "thermo-7").await, newest_first);
}

/// [`Write::AddHappenings`]: what refusals that are alike become, and what finds them.
pub async fn refusals_that_are_alike_are_one_entry(place: &dyn Place) {
    let store = place.start().await;
    let dps = JournalOwner::Dps(scope());
    let at = |at, owner: &JournalOwner, id, cause| refusal(owner.clone(), id, UnixMillis(at), cause);
    let (key, expired) = (RefusalCause::WrongKey, RefusalCause::TokenExpired);
    for (times, owner, id, cause) in [
        (vec![1000, 2000, 2500], hub(HUB), "a", key),
        (vec![2600], hub(HUB), "a", expired),
        (vec![3000], hub(HUB), "A", key),
        (vec![5000], hub(HUB), "a", key),
        (vec![6000], JournalOwner::NoHub, "a", key),
        (vec![7000], dps.clone(), "Dev-1", key),
        (vec![7500], dps.clone(), "dev-1", key),
        (vec![8000], hub(OTHER_HUB), "ab", key),
    ] {
        for time in times {
            put(&*store, [Write::AddHappenings(vec![at(time, &owner, id, cause)], WIDE)]).await;
        }
    }
    let short = |found: Vec<Happening>| {
        let one = |happening: Happening| match happening.what {
            What::Refused(refused) => (happening.id, happening.at.0, refused.since.0, refused.count),
            other => panic!("no refusal: {other:?}"),
        };
        found.into_iter().map(one).collect::<Vec<_>>()
    };
    let entry = |id: &str, at, since, count| (id.to_owned(), at, since, count);
    let of_a = [entry("a", 5000, 5000, 1), entry("a", 2600, 2600, 1), entry("a", 2500, 1000, 3)];
    assert_eq!(short(timeline(&*store, &hub(HUB), "a").await), of_a);
    assert_eq!(short(timeline(&*store, &dps, "DEV-1").await), [entry("dev-1", 7500, 7000, 2)]);
    let hubs = [hub(HUB), JournalOwner::NoHub];
    let all = short(refusals(&*store, &hubs, RefusalFilter::default()).await);
    assert_eq!(all, [&[entry("a", 6000, 6000, 1), of_a[0].clone(), entry("A", 3000, 3000, 1)], &of_a[1..]].concat());
    let none = RefusalFilter::default;
    for (filter, found) in [
        (RefusalFilter { id_prefix: Some("A".into()), ..none() }, vec![3000]),
        (RefusalFilter { id_prefix: Some(String::new()), ..none() }, vec![6000, 5000, 3000, 2600, 2500]),
        (RefusalFilter { id_prefix: Some("ab".into()), ..none() }, vec![]),
        (RefusalFilter { cause: Some(expired), ..none() }, vec![2600]),
        (RefusalFilter { address: "192.0.2.7".parse().ok(), cause: Some(expired), ..none() }, vec![2600]),
        (RefusalFilter { address: "192.0.2.8".parse().ok(), ..none() }, vec![]),
        (RefusalFilter { since: Some(UnixMillis(3000)), ..none() }, vec![6000, 5000, 3000]),
    ] {
        let times: Vec<i64> = refusals(&*store, &hubs, filter.clone()).await.iter().map(|found| found.at.0).collect();
        assert_eq!(times, found, "{filter:?}");
    }
    let by_prefix = RefusalFilter { id_prefix: Some("DE".into()), ..none() };
    assert_eq!(refusals(&*store, &[dps, JournalOwner::NoDps], by_prefix).await.len(), 1);
    let page = store.list_refusals(&hubs, &none(), None, 2).await.unwrap();
    let rest = store.list_refusals(&hubs, &none(), Some(page[1].0), 10).await.unwrap();
    assert_eq!((page.len(), rest.len()), (2, 3));
}

/// [`Records::list_last_refusals`]: of those that are asked for, whatever else happened to them, and to how many others.
pub async fn the_last_refusal_of_each_id_is_found(place: &dyn Place) {
    let store = place.start().await;
    let at = |at, owner: JournalOwner, id: &str, cause| refusal(owner, id, UnixMillis(at), cause);
    let (key, expired) = (RefusalCause::WrongKey, RefusalCause::TokenExpired);
    let created = Happening { owner: hub(HUB), id: "a".to_owned(), at: UnixMillis(9000), what: What::Created };
    let mut all = vec![
        at(1000, hub(HUB), "a", key),
        at(2000, hub(HUB), "a", expired),
        at(3000, hub(HUB), "b", key),
        at(3500, JournalOwner::NoHub, "b", key),
        at(4000, hub(HUB), "A", key),
        at(5000, hub(OTHER_HUB), "c", key),
        created,
    ];
    all.extend((0..200).map(|n| at(6000 + n, hub(HUB), &format!("other-{n}"), key)));
    put(&*store, [Write::AddHappenings(all, WIDE)]).await;
    let owners = [hub(HUB), JournalOwner::NoHub];
    let find = async |ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let mut found = store.list_last_refusals(&owners, &ids).await.unwrap();
        found.sort_by_key(|(number, _)| *number);
        found.into_iter().map(|(_, one)| (one.id, one.at.0)).collect::<Vec<_>>()
    };
    let one = |id: &str, at| (id.to_owned(), at);
    assert_eq!(find(&["a", "b", "c", "none", ""]).await, [one("a", 2000), one("b", 3500)]);
    assert_eq!(find(&["A"]).await, [one("A", 4000)]);
    assert!(find(&[]).await.is_empty());
    let many: Vec<String> = (0..200).map(|n| format!("other-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(find(&many).await.len(), LAST_REFUSALS_MAX);
}

/// [`JournalBounds`]: of each id, in total, by age; one class leaves the others alone.
pub async fn journals_are_bounded(place: &dyn Place) {
    let store = place.start().await;
    let bounds = JournalBounds { per_id_max: 3, totals_max: [5, 4, 100, 1], ..WIDE };
    let of = |id: &str, at: i64, what: What| Happening { owner: hub(HUB), id: id.to_owned(), at: UnixMillis(at), what };
    for at in 1..=6 {
        put(&*store, [Write::AddHappenings(vec![of("a", at, What::Created), of("a", at, What::Deleted)], bounds)])
            .await;
    }
    let times = |found: &[Happening]| found.iter().map(|happening| happening.at.0).collect::<Vec<_>>();
    assert_eq!(times(&timeline(&*store, &hub(HUB), "a").await), [6, 6, 5]);
    for (at, cause) in (10..14).zip(RefusalCause::ALL) {
        let refused = refusal(hub(HUB), "a", UnixMillis(at), *cause);
        put(&*store, [Write::AddHappenings(vec![refused], bounds)]).await;
    }
    assert_eq!(times(&timeline(&*store, &hub(HUB), "a").await), [13, 12, 11, 6, 6, 5]);
    let many = (0..9).map(|n| refusal(hub(OTHER_HUB), &format!("d{n}"), UnixMillis(20 + n), RefusalCause::WrongKey));
    put(&*store, [Write::AddHappenings(many.collect(), bounds)]).await;
    let left = refusals(&*store, &[hub(HUB), hub(OTHER_HUB)], RefusalFilter::default()).await;
    assert_eq!(times(&left), [28, 27, 26, 25, 24]);
    let late = JournalBounds { forget_before: UnixMillis(27), ..bounds };
    put(&*store, [Write::AddHappenings(vec![refusal(hub(HUB), "b", UnixMillis(30), RefusalCause::WrongKey)], late)])
        .await;
    let left = refusals(&*store, &[hub(HUB), hub(OTHER_HUB)], RefusalFilter::default()).await;
    assert_eq!(times(&left), [30, 28, 27]);
}

/// [`Write::DeleteHub`], [`Write::DeleteDps`].
pub async fn a_journal_goes_with_its_owner(place: &dyn Place) {
    let store = place.start().await;
    let dps = JournalOwner::Dps(scope());
    let owners = [hub(HUB), hub(OTHER_HUB), dps.clone(), JournalOwner::NoHub, JournalOwner::NoDps];
    let services = [&owners[0], &owners[1], &dps].map(|owner| owner.services().unwrap());
    let refused = |owner: &JournalOwner| refusal(owner.clone(), "a", UnixMillis(1), RefusalCause::WrongKey);
    put(&*store, [Write::AddHappenings(owners.iter().chain(&services).map(refused).collect(), WIDE)]).await;
    let left = async |of: &[JournalOwner]| {
        let found = refusals(&*store, of, RefusalFilter::default()).await;
        found.into_iter().map(|happening| happening.owner).rev().collect::<Vec<_>>()
    };
    assert_eq!((left(&owners).await, left(&services).await), (owners.to_vec(), services.to_vec()));
    put(&*store, [Write::DeleteHub(HUB, Expect::Any)]).await;
    assert_eq!((left(&owners).await, left(&services).await), (owners[1..].to_vec(), services[1..].to_vec()));
    put(&*store, [Write::DeleteDps(scope(), Expect::Any)]).await;
    assert_eq!(left(&owners).await, [hub(OTHER_HUB), JournalOwner::NoHub, JournalOwner::NoDps]);
    assert_eq!(left(&services).await, services[1..2]);
}
