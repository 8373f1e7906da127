'use strict';
// Registers one device through DPS with the Node SDK, then connects to the assigned hub and sends messages.
// Reads JSON on standard input: {transport, hubTransport, host, idScope, registrationId, messages} with {symmetricKey} or
// {cert, key}.

const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { SymmetricKeySecurityClient } = require('azure-iot-security-symmetric-key');
const { X509Security } = require('azure-iot-security-x509');
const { provisioningTransport, run } = require('./transport');
const { send } = require('./hub');

function security(input) {
  if (input.cert !== undefined) return new X509Security(input.registrationId, { cert: input.cert, key: input.key });
  return new SymmetricKeySecurityClient(input.registrationId, input.symmetricKey);
}

async function provision(input) {
  const transport = provisioningTransport(input.transport);
  const client = ProvisioningDeviceClient.create(input.host, input.idScope, transport, security(input));
  const assigned = await client.register();
  const { assignedHub: hub, deviceId, status, substatus } = assigned;
  const connectionString = `HostName=${hub};DeviceId=${deviceId};SharedAccessKey=${input.symmetricKey}`;
  await send({ ...input, transport: input.hubTransport, hub, deviceId, connectionString });
  return { hub, deviceId, status, substatus };
}

run(provision);
