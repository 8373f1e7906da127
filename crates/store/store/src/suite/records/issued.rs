//! Certificates that CAs issued.

use roadstead_model::{CaCertificate, CertificateOwner, IdScope, IssuedCertificate, UnixMillis};

use super::{Place, conflict, other_scope, put};
use crate::{
    issued::IssuedPosition,
    records::{Expect, IssuedBounds, Page, Records, Write},
    suite::samples::{self, NOW, certificate_name, scope},
};

const DAY_MS: i64 = 86_400_000;
const WIDE: IssuedBounds = IssuedBounds { per_ca_max: 1000, now: NOW, forget_before: UnixMillis(0) };

fn ca(scope: &IdScope, name: &str) -> Write {
    Write::PutCertificate(CertificateOwner::Dps(scope.clone()), samples::held_certificate(name), Expect::Absent)
}

fn add(issued: &IssuedCertificate, bounds: IssuedBounds) -> Write {
    Write::AddIssued(scope(), issued.clone(), bounds)
}

async fn by_name(store: &dyn Records, ca: &str, prefix: &str) -> Vec<IssuedCertificate> {
    let Page { items, next } = store.list_issued(&scope(), &certificate_name(ca), prefix, None, 1000).await.unwrap();
    assert_eq!(next, None);
    items
}

async fn by_end(store: &dyn Records, from: UnixMillis) -> Vec<IssuedCertificate> {
    let Page { items, next } = store.list_issued_by_end(&scope(), from, None, 1000).await.unwrap();
    assert_eq!(next, None);
    items
}

/// The page behind this one.
async fn next_by_end(
    store: &dyn Records,
    from: UnixMillis,
    page: &Page<IssuedCertificate>,
    limit: usize,
) -> Page<IssuedCertificate> {
    let after = page.next.as_deref().and_then(IssuedPosition::parse).unwrap();
    store.list_issued_by_end(&scope(), from, Some(&after), limit).await.unwrap()
}

/// [`Write::AddIssued`]: found by its CA and name, and by its end, in pages and over a restart.
pub async fn what_was_issued_is_listed(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, [ca(&scope(), "rootCA"), ca(&scope(), "other"), ca(&other_scope(), "rootCA")]).await;
    let [b, a, a_again, ab] = [("b", 3), ("A", 9), ("a", 1), ("ab", 2)].map(|(name, days)| samples::issued(name, days));
    let of_other = IssuedCertificate { ca: certificate_name("other"), ..samples::issued("a", 5) };
    put(&*store, [&b, &a, &a_again, &ab, &of_other].map(|issued| add(issued, WIDE))).await;
    drop(store);
    let store = place.start().await;
    assert_eq!(by_name(&*store, "rootCA", "").await, [a.clone(), a_again.clone(), ab.clone(), b.clone()]);
    assert_eq!(by_name(&*store, "ROOTca", "AB").await, std::slice::from_ref(&ab), "letter case does not matter");
    assert_eq!(by_name(&*store, "rootCA", "c").await, []);
    assert_eq!(by_name(&*store, "other", "").await, std::slice::from_ref(&of_other));
    let all = [a_again.clone(), ab.clone(), b.clone(), of_other.clone(), a.clone()];
    assert_eq!(by_end(&*store, UnixMillis(0)).await, all);
    assert_eq!(by_end(&*store, b.not_after).await, all[2..]);
    assert_eq!(by_end(&*store, a.not_after.plus_ms(1)).await, []);
    let (root, mut after, mut found) = (certificate_name("rootCA"), None, Vec::new());
    loop {
        let page = store.list_issued(&scope(), &root, "a", after.as_ref(), 1).await.unwrap();
        found.extend(page.items);
        after = page.next.map(|next| IssuedPosition::parse(&next).unwrap());
        if after.is_none() {
            break;
        }
    }
    assert_eq!(found, [a, a_again, ab]);
    let first = store.list_issued_by_end(&scope(), UnixMillis(0), None, 2).await.unwrap();
    let second = next_by_end(&*store, UnixMillis(0), &first, 3).await;
    assert_eq!((first.items, second), (all[..2].to_vec(), Page { items: all[2..].to_vec(), next: None }));
    assert_eq!(store.count_issued(&scope(), &root).await.unwrap(), 4);
    assert_eq!(store.count_issued(&other_scope(), &root).await.unwrap(), 0);
    let none = store.list_issued_by_end(&other_scope(), UnixMillis(0), None, 10).await.unwrap();
    assert_eq!(none, Page { items: vec![], next: None });
    // Positions of another listing lead out of none.
    let far_back = IssuedPosition { key: String::new(), number: 0 };
    let begun = store.list_issued(&scope(), &root, "b", Some(&far_back), 10).await.unwrap();
    assert_eq!(begun.items, std::slice::from_ref(&b));
    let begun = IssuedPosition { key: 0, number: u64::MAX };
    let begun = store.list_issued_by_end(&scope(), b.not_after, Some(&begun), 10).await.unwrap();
    assert_eq!(begun.items, all[2..]);
}

/// [`Records::list_issued_by_end`]: those of one end come in the order in which they were issued, each once, however many pages
/// they fill, between those that end before and behind them.
pub async fn what_ends_at_once_is_listed_once(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, [ca(&scope(), "rootCA"), ca(&scope(), "other")]).await;
    let later = samples::issued("later", 3);
    let mut all = vec![samples::issued("sooner", 1)];
    for number in 0..120 {
        // By name they would come in another order, and by CA.
        let issued = samples::issued(&format!("dev-{}", (number * 7) % 120), 2);
        let ca = certificate_name(if number % 2 == 0 { "other" } else { "rootCA" });
        all.push(IssuedCertificate { ca, ..issued });
    }
    put(&*store, std::iter::once(&later).chain(&all).map(|issued| add(issued, WIDE))).await;
    all.push(later);
    for (from, whole) in [(UnixMillis(0), &all[..]), (all[1].not_after, &all[1..])] {
        for limit in [1, 50, 120, 121] {
            let mut page = store.list_issued_by_end(&scope(), from, None, limit).await.unwrap();
            let mut found = page.items.clone();
            while page.next.is_some() && found.len() <= whole.len() {
                page = next_by_end(&*store, from, &page, limit).await;
                found.extend(page.items.clone());
            }
            assert_eq!(found, whole, "{limit} at a time from {from:?}");
        }
    }
}

/// [`Write::AddIssued`]: no more than may be; what has ended makes room.
pub async fn what_was_issued_is_bounded(place: &dyn Place) {
    let store = place.start().await;
    put(&*store, [ca(&scope(), "rootCA"), ca(&scope(), "other")]).await;
    let narrow = |now: UnixMillis| IssuedBounds { per_ca_max: 2, now, ..WIDE };
    let [one, two, ten] = [("dev-1", 1), ("dev-2", 2), ("dev-10", 10)].map(|(name, days)| samples::issued(name, days));
    put(&*store, [add(&one, narrow(NOW)), add(&two, narrow(NOW))]).await;
    assert_eq!(conflict(&*store, vec![add(&ten, narrow(NOW))]).await, Some(0));
    let of_other = IssuedCertificate { ca: certificate_name("other"), ..one.clone() };
    put(&*store, [add(&of_other, narrow(NOW))]).await;
    let later = NOW.plus_ms(DAY_MS + 1);
    put(&*store, [add(&ten, narrow(later))]).await;
    assert_eq!(by_name(&*store, "rootCA", "").await, [ten.clone(), two.clone()]);
    assert_eq!(by_name(&*store, "other", "").await, [of_other], "the other CA has room");
    assert_eq!(conflict(&*store, vec![add(&one, narrow(later))]).await, Some(0), "none that was left has ended");
    let forget_before = NOW.plus_ms(2 * DAY_MS + 1);
    put(&*store, [add(&ten, IssuedBounds { forget_before, ..WIDE })]).await;
    assert_eq!(by_end(&*store, UnixMillis(0)).await, [ten.clone(), ten]);
    assert_eq!(store.count_issued(&scope(), &certificate_name("rootCA")).await.unwrap(), 2);
}

/// [`Write::DeleteCertificate`], [`Write::DeleteDps`].
pub async fn what_was_issued_outlives_its_ca_but_not_its_dps(place: &dyn Place) {
    let store = place.start().await;
    let issued = samples::issued("dev-1", 1);
    assert_eq!(conflict(&*store, vec![add(&issued, WIDE)]).await, Some(0), "there is no such CA");
    put(&*store, [Write::PutDps(samples::dps(&scope(), "plant-dps"), Expect::Absent), ca(&scope(), "rootCA")]).await;
    put(&*store, [add(&issued, WIDE)]).await;
    let owner = CertificateOwner::Dps(scope());
    let held = store.list_certificates(&owner).await.unwrap();
    assert_eq!(held, [samples::held_certificate("rootCA")], "its key reads back");
    let uploaded = CaCertificate { key: None, ..samples::held_certificate("rootCA") };
    put(&*store, [Write::PutCertificate(owner.clone(), uploaded.clone(), Expect::Present)]).await;
    assert_eq!(store.list_certificates(&owner).await.unwrap(), [uploaded]);
    put(&*store, [Write::DeleteCertificate(owner, certificate_name("rootCA"), Expect::Present)]).await;
    assert_eq!(conflict(&*store, vec![add(&issued, WIDE)]).await, Some(0), "it is gone");
    assert_eq!(by_name(&*store, "rootCA", "").await, std::slice::from_ref(&issued));
    assert_eq!(by_end(&*store, NOW).await, [issued]);
    put(&*store, [Write::DeleteDps(scope(), Expect::Present)]).await;
    assert_eq!(by_name(&*store, "rootCA", "").await, []);
    assert_eq!(by_end(&*store, NOW).await, []);
    assert_eq!(store.count_issued(&scope(), &certificate_name("rootCA")).await.unwrap(), 0);
}
