//! Principals, their roles, and the audit log.

use roadstead_model::{Assignment, AuditEntry, AuditOutcome, PrincipalId, Role, RoleScope};

use super::{Place, conflict, put};
use crate::{
    error::StoreError,
    records::{Expect, Records, Write},
    suite::samples::{
        self, HUB, assignment, audit_entry, etag, group_name, guid, logged_in_user, scope, service_principal, user,
    },
};

/// [`Write::PutPrincipal`], [`Write::PutAssignment`]: whole, as expected, and over a restart.
pub async fn principals_and_roles_are_kept(place: &dyn Place) {
    let store = place.start().await;
    let owner = assignment(9, 1, Role::Owner, RoleScope::Subscription);
    put(&*store, [Write::PutPrincipal(service_principal(2), Expect::Absent)]).await;
    put(&*store, [Write::PutPrincipal(user(1), Expect::Absent), Write::PutAssignment(owner.clone(), Expect::Absent)])
        .await;
    let changed =
        || roadstead_model::Principal { enabled: false, sessions: 4, etag: etag("principal-2"), ..logged_in_user(1) };
    for (write, outcome) in [
        (Write::PutPrincipal(user(1), Expect::Absent), Some(0)),
        (Write::PutPrincipal(changed(), Expect::Etag(etag("other"))), Some(0)),
        (Write::PutPrincipal(changed(), Expect::Etag(etag("principal-1"))), None),
        (Write::PutAssignment(owner.clone(), Expect::Absent), Some(0)),
        (Write::DeletePrincipal(PrincipalId(guid(7)), Expect::Present), Some(0)),
        (Write::DeleteAssignment(RoleScope::Subscription, guid(8), Expect::Present), Some(0)),
        (Write::DeleteAssignment(RoleScope::Hub(HUB), guid(9), Expect::Present), Some(0)),
    ] {
        assert_eq!(conflict(&*store, vec![write.clone()]).await, outcome, "{write:?}");
    }
    drop(store);
    let store = place.start().await;
    assert_eq!(store.list_principals().await.unwrap(), [changed(), service_principal(2)]);
    assert_eq!(store.list_assignments().await.unwrap(), [owner]);
    put(&*store, [Write::DeleteAssignment(RoleScope::Subscription, guid(9), Expect::Present)]).await;
    assert_eq!(store.list_assignments().await.unwrap(), []);
}

/// [`Write::DeletePrincipal`], [`Write::DeleteGroup`], [`Write::DeleteHub`], [`Write::DeleteDps`].
pub async fn roles_go_with_whom_and_what_they_are_for(place: &dyn Place) {
    let store = place.start().await;
    let reset = async || {
        let mut batch = vec![
            Write::PutGroup(samples::resource_group("IoT-RG"), Expect::Any),
            Write::PutHub(samples::hub(HUB, "plant"), Expect::Any),
            Write::PutDps(samples::dps(&scope(), "plant-dps"), Expect::Any),
            Write::PutPrincipal(user(1), Expect::Any),
            Write::PutPrincipal(service_principal(2), Expect::Any),
        ];
        batch.extend(all_roles().into_iter().map(|role| Write::PutAssignment(role, Expect::Any)));
        put(&*store, batch).await;
    };
    for (removal, kept) in [
        (Write::DeletePrincipal(PrincipalId(guid(1)), Expect::Present), vec![25, 26, 27, 28]),
        (Write::DeleteGroup(group_name("iot-rg"), Expect::Present), vec![15, 17, 18, 25, 27, 28]),
        (Write::DeleteHub(HUB, Expect::Present), vec![15, 16, 18, 25, 26, 28]),
        (Write::DeleteDps(scope(), Expect::Present), vec![15, 16, 17, 25, 26, 27]),
    ] {
        reset().await;
        put(&*store, [removal.clone()]).await;
        let mut found: Vec<_> = store.list_assignments().await.unwrap().iter().map(|role| role.id).collect();
        found.sort_unstable();
        assert_eq!(found, kept.into_iter().map(guid).collect::<Vec<_>>(), "{removal:?}");
    }
}

/// Two principals with a role at each scope.
fn all_roles() -> Vec<Assignment> {
    let of = |principal: u8| {
        let scopes = samples::role_scopes().into_iter().zip(5..);
        scopes.map(move |((_, scope), n)| assignment(principal * 10 + n, principal, Role::Reader, scope))
    };
    of(1).chain(of(2)).collect()
}

/// [`Write::AddAudit`]: the newest first, the oldest forgotten, numbers never used again.
pub async fn the_audit_log_is_bounded(place: &dyn Place) {
    let store = place.start().await;
    let entry = |status| audit_entry(AuditOutcome::Succeeded { status });
    for status in 200..206 {
        put(&*store, [Write::AddAudit { entry: entry(status), kept_max: 4 }]).await;
    }
    let list = async |store: &dyn Records, before, limit| {
        let found: Result<Vec<(u64, AuditEntry)>, StoreError> = store.list_audit(before, limit).await;
        found.unwrap()
    };
    let all = list(&*store, None, 10).await;
    assert_eq!(all.iter().map(|(_, found)| found.clone()).collect::<Vec<_>>(), [205, 204, 203, 202].map(entry));
    assert_eq!(list(&*store, None, 1).await, all[..1]);
    assert_eq!(list(&*store, Some(all[0].0), 2).await, all[1..3]);
    assert_eq!(list(&*store, Some(all[3].0), 2).await, []);
    drop(store);
    let store = place.start().await;
    for (_, outcome) in samples::audit_outcomes() {
        put(&*store, [Write::AddAudit { entry: audit_entry(outcome), kept_max: 2 }]).await;
    }
    let after = list(&*store, None, 10).await;
    assert!(after.iter().all(|(number, _)| *number > all[0].0), "{after:?}");
    let outcomes: Vec<_> = after.into_iter().map(|(_, found)| found.outcome).collect();
    let [_, (_, succeeded), (_, failed)] = samples::audit_outcomes();
    assert_eq!(outcomes, [failed, succeeded]);
}
