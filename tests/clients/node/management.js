'use strict';
// The management SDKs for Node, led step by step: any method of a client by its name.

const { IotDpsClient } = require('@azure/arm-deviceprovisioningservices');
const { IotHubClient } = require('@azure/arm-iothub');
const { ClientSecretCredential, DeviceCodeCredential } = require('@azure/identity');
const { play } = require('./stage');

const clients = {};

// The tenant by its GUID; without the question to the public cloud whether it knows this host.
const where = (url) => ({ authorityHost: url, disableInstanceDiscovery: true });

function credential(url, tenant, id, secret) {
  return new ClientSecretCredential(tenant, id, secret, where(url));
}

play({
  token: async (url, ...who) => (await credential(url, ...who).getToken(`${url}/.default`)).token,
  device: (url, tenantId) => new Promise((resolve, reject) => {
    const options = { ...where(url), tenantId, clientId: 'node-test', userPromptCallback: resolve };
    clients.device = new DeviceCodeCredential(options).getToken(`${url}/.default`);
    clients.device.catch(reject);
  }),
  device_token: async () => (await clients.device).token,
  open(url, tenant, id, secret, subscription) {
    const options = { endpoint: url, credentialScopes: [`${url}/.default`] };
    const hub = new IotHubClient(credential(url, tenant, id, secret), subscription, options);
    const dps = new IotDpsClient(credential(url, tenant, id, secret), subscription, options);
    Object.assign(clients, {
      hubs: hub.iotHubResourceOperations ?? hub.iotHubResource,
      hubOperations: hub.operations,
      instances: dps.iotDpsResource,
    });
  },
  call: (client, method, ...given) => clients[client][method](...given),
  async pages(client, method, ...given) {
    const found = [];
    for await (const each of clients[client][method](...given)) found.push(each);
    return found;
  },
});
