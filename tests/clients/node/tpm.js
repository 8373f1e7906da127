'use strict';
// A device on the Node SDK whose keys are in a TPM, led step by step. The TPM is a swtpm behind a TCP port, which the SDK's
// own TPM library has no transport for: `Door` is that transport, and all that is ours.

const net = require('net');
const { Tpm } = require('tss.js');
const { TpmSecurityClient, TpmAuthenticationProvider } = require('azure-iot-security-tpm');
const { ProvisioningDeviceClient } = require('azure-iot-provisioning-device');
const { Client, Message } = require('azure-iot-device');
const { hubTransport, provisioningTransport } = require('./transport');
const { play } = require('./stage');

class Door {
  constructor(port) {
    this.port = port;
  }

  connect(done) {
    this.socket = net.connect(this.port, '127.0.0.1', () => done(null));
    return null;
  }

  // An answer says in its bytes 2 to 6 how long it is.
  dispatchCommand(command, done) {
    let answer = Buffer.alloc(0);
    const take = (chunk) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length < 6 || answer.length < answer.readUInt32BE(2)) return;
      this.socket.removeListener('data', take);
      done(null, answer);
    };
    this.socket.on('data', take);
    this.socket.write(command);
  }

  close() {
    this.socket.end();
  }
}

let security;

function key(method) {
  return new Promise((done, fail) => security[method]((error, bytes) => (error ? fail(error) : done(bytes.toString('base64')))));
}

play({
  async open(registrationId, port) {
    const tpm = new Tpm(false);
    tpm.device = new Door(port);
    security = new TpmSecurityClient(registrationId, tpm);
    return { endorsementKey: await key('getEndorsementKey'), storageRootKey: await key('getStorageRootKey') };
  },
  async register(transport, host, idScope) {
    const client = ProvisioningDeviceClient.create(host, idScope, provisioningTransport(transport), security);
    return (await client.register()).registrationState;
  },
  async send(hub, deviceId, messages) {
    const provider = TpmAuthenticationProvider.fromTpmSecurityClient(deviceId, hub, security);
    const client = Client.fromAuthenticationProvider(provider, hubTransport('mqtt'));
    await client.open();
    for (const each of messages) await client.sendEvent(new Message(each));
    await client.close();
  },
});
