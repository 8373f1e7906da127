'use strict';
// Connects one device to its hub with the Node SDK, sends messages, prints how many were taken.
// Reads JSON on standard input: {transport, connectionString} or {transport, hub, deviceId, cert, key}, and {messages}, with {batch} in one request.

const { Client, Message } = require('azure-iot-device');
const { hubTransport } = require('./transport');

function message(from) {
  const made = new Message(from.body);
  Object.assign(made, from.system);
  for (const [name, value] of Object.entries(from.application || {})) made.properties.add(name, value);
  return made;
}

async function send(input) {
  const x509 = input.cert !== undefined;
  const text = x509 ? `HostName=${input.hub};DeviceId=${input.deviceId};x509=true` : input.connectionString;
  const client = Client.fromConnectionString(text, hubTransport(input.transport));
  if (x509) {
    const taken = client.setOptions({ cert: input.cert, key: input.key });
    // The HTTP transport takes a certificate at once, and never says so.
    if (input.transport !== 'http') await taken;
  }
  await client.open();
  if (input.batch) await client.sendEventBatch(input.messages.map(message));
  else for (const each of input.messages) await client.sendEvent(message(each));
  await client.close();
  return { sent: input.messages.length };
}

module.exports = { send };
if (require.main === module) require('./transport').run(send);
