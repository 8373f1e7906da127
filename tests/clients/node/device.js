'use strict';
// One device or module on the Node SDK, led step by step: twin, methods, messages.

const { Client, Message, ModuleClient } = require('azure-iot-device');
const { hubTransport } = require('./transport');
const { play, tell } = require('./stage');

let client;
let twin;
const received = new Map();

// What a twin holds besides data: functions, and the hub's own members.
function plain(section) {
  return JSON.parse(JSON.stringify(section));
}

play({
  async open(transport, connectionString) {
    const kind = connectionString.includes('ModuleId=') ? ModuleClient : Client;
    client = kind.fromConnectionString(connectionString, hubTransport(transport));
    client.on('error', (error) => tell('error', error.name));
    client.on('disconnect', () => tell('disconnect', null));
    await client.open();
  },
  async openWithToken(transport, token) {
    client = Client.fromSharedAccessSignature(token, hubTransport(transport));
    await client.open();
  },
  // Gives no promise. Over MQTT it connects twice, one after the other, and calls back when the second connection is up.
  renew: (token) =>
    new Promise((done, fail) => client.updateSharedAccessSignature(token, (error) => (error ? fail(error) : done()))),
  async send(body, output) {
    if (output) await client.sendOutputEvent(output, new Message(body));
    else await client.sendEvent(new Message(body));
  },
  async sendWith(body, properties) {
    const message = new Message(body);
    for (const [name, value] of Object.entries(properties)) message.properties.add(name, value);
    await client.sendEvent(message);
  },
  async twin() {
    twin = await client.getTwin();
    return plain(twin.properties);
  },
  properties: () => plain(twin.properties),
  report: (patch) => new Promise((done, fail) => twin.properties.reported.update(patch, (error) => (error ? fail(error) : done()))),
  // The SDK begins with what it knows, twice; only what comes later is told. The answer to a request that follows the
  // subscription says that it is made.
  async watch() {
    let isWatching = false;
    twin.on('properties.desired', (patch) => isWatching && tell('desired', patch));
    await twin.get();
    isWatching = true;
  },
  answer(name, status) {
    const on = client.onMethod ? client.onMethod.bind(client) : client.onDeviceMethod.bind(client);
    on(name, (request, response) => {
      tell('method', { name: request.methodName, payload: request.payload });
      response.send(status, request.payload, () => tell('answered', request.requestId));
    });
  },
  answerAndLeave(name) {
    client.onDeviceMethod(name, (request, response) => {
      response.send(200, request.payload, () => client.close());
    });
  },
  receive() {
    client.on('message', (message) => {
      received.set(message.messageId, message);
      const properties = Object.fromEntries(message.properties.propertyList.map(({ key, value }) => [key, value]));
      const { messageId, correlationId, contentType, contentEncoding, ack } = message;
      tell('message', { data: message.data.toString(), messageId, correlationId, contentType, contentEncoding, ack, properties });
    });
  },
  async settle(how, messageId) {
    return (await client[how](received.get(messageId))).constructor.name;
  },
  upload: (name, content) => client.uploadToBlob(name, require('stream').Readable.from([Buffer.from(content)]), Buffer.byteLength(content)),
  close: () => client.close(),
});
