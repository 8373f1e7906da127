"""Logging in with azure-identity, as it is."""

import os

from azure.identity import ClientSecretCredential
from azure.identity.aio import ClientSecretCredential as AioCredential

# With the authority that `az cloud register` finds; `/adfs` keeps MSAL from asking the public cloud.
TENANT = "adfs"


def credential(service_principal: dict, endpoint: str, kind=ClientSecretCredential, **options):
    """For what `roadstead service-principal create` printed."""
    given = (TENANT, service_principal["appId"], service_principal["password"])
    return kind(*given, authority=endpoint, disable_instance_discovery=True, **options)


def aio_credential(service_principal: dict, endpoint: str):
    # aiohttp reads `SSL_CERT_FILE` when it is imported, which may be before our server has a CA.
    return credential(service_principal, endpoint, AioCredential, connection_verify=os.environ["SSL_CERT_FILE"])
