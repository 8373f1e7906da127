//! How clients find the token endpoint. The only answers for which nobody logs in.

use roadstead_wire::arm::Cloud;

use crate::{authority::Authority, call::Call, reply::Reply};

pub(crate) fn endpoints(cloud: &Cloud<'_>, call: &Call) -> Reply {
    Reply::ok(&cloud.endpoints(&call.api_version()))
}

pub(crate) fn openid(cloud: &Cloud<'_>, authority: Authority) -> Reply {
    Reply::ok(&match authority {
        Authority::Adfs => cloud.openid_configuration(),
        Authority::Tenant | Authority::Foreign => cloud.tenant_openid_configuration(),
    })
}
