'use strict';
// The management SDKs for Node, led step by step: any method of a client by its name.

const { IotDpsClient } = require('@azure/arm-deviceprovisioningservices');
const { IotHubClient } = require('@azure/arm-iothub');
const { ClientSecretCredential } = require('@azure/identity');
const { play } = require('./stage');

const clients = {};

function credential(url, id, secret) {
  return new ClientSecretCredential('adfs', id, secret, { authorityHost: url });
}

play({
  token: async (url, id, secret) => (await credential(url, id, secret).getToken(`${url}/.default`)).token,
  open(url, id, secret, subscription) {
    const options = { endpoint: url, credentialScopes: [`${url}/.default`] };
    const hub = new IotHubClient(credential(url, id, secret), subscription, options);
    const dps = new IotDpsClient(credential(url, id, secret), subscription, options);
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
