'use strict';
// Back ends on the Node service SDKs, led step by step: any method of a client by its name.

const { Client, Registry } = require('azure-iothub');
const { ProvisioningServiceClient } = require('azure-iot-provisioning-service');
const { play } = require('./stage');

const clients = {};

// With callbacks, since not every method of these SDKs settles the promise that it returns.
function called(object, method, ...given) {
  return new Promise((done, fail) => object[method](...given, (error, body) => (error ? fail(error) : done(body))));
}

async function pages(query) {
  const found = [];
  while (query.hasMoreResults) found.push(await called(query, 'next'));
  return found;
}

play({
  open(hub, dps) {
    clients.registry = Registry.fromConnectionString(hub);
    clients.client = Client.fromConnectionString(hub);
    clients.provisioning = ProvisioningServiceClient.fromConnectionString(dps);
  },
  call: (client, method, ...given) => called(clients[client], method, ...given),
  query: (text, size) => pages(clients.registry.createQuery(text, size)),
  // As the SDK's own samples do it: read, change, and let the SDK see to the ETag.
  async updateTwin(deviceId, ...patches) {
    const twin = await called(clients.registry, 'getTwin', deviceId);
    for (const patch of patches) await called(twin, 'update', patch);
    return twin.toJSON();
  },
  provisioningQuery: (method, size, ...given) => pages(clients.provisioning[method]({ query: '*' }, ...given, size)),
});
