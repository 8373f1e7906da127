'use strict';
// A back end over AMQP, led step by step: @azure/event-hubs to read, azure-iothub to send and to hear what became of it.

const { EventHubConsumerClient } = require('@azure/event-hubs');
const { ClientSecretCredential } = require('@azure/identity');
const { Amqp, AmqpWs, Client } = require('azure-iothub');
const { Message } = require('azure-iot-common');
const webSocket = require('ws');
const { play, tell } = require('./stage');

let reader;
let sender;

function called(object, method, ...given) {
  return new Promise((done, fail) => object[method](...given, (error, value) => (error ? fail(error) : done(value))));
}

// Whoever logs in with a secret: `{url, appId, password}`.
function credential({ url, appId, password }) {
  return new ClientSecretCredential('adfs', appId, password, { authorityHost: url });
}

function shown(event, context) {
  const { body, properties, offset, sequenceNumber, systemProperties, partitionKey, messageId, contentType } = event;
  const last = context.lastEnqueuedEventProperties;
  return { body, properties, offset, sequenceNumber, systemProperties, partitionKey, messageId, contentType, last };
}

function take(receiver, name) {
  receiver.on('errorReceived', (error) => tell('error', error.message));
  receiver.on('message', async (message) => {
    await receiver.complete(message);
    tell(name, JSON.parse(message.data.toString()));
  });
}

play({
  openReader(string, transport, host) {
    const options = { retryOptions: { maxRetries: 0 } };
    if (transport === 'ws') options.webSocketOptions = { webSocket };
    if (transport === 'custom') options.customEndpointAddress = `sb://${host}:5671`;
    reader = new EventHubConsumerClient('$Default', string, options);
  },
  openReaderAs(login, host, entity, transport) {
    const options = { retryOptions: { maxRetries: 0 } };
    if (transport === 'ws') options.webSocketOptions = { webSocket };
    reader = new EventHubConsumerClient('$Default', host, entity, credential(login), options);
  },
  properties: () => reader.getEventHubProperties(),
  partition: (id) => reader.getPartitionProperties(id),
  // Every event of a device from `since` on (milliseconds) is told of as `event`.
  read(device, since) {
    const processEvents = async (events, context) => {
      const ours = events.filter((event) => event.systemProperties['iothub-connection-device-id'] === device);
      ours.forEach((event) => tell('event', shown(event, context)));
    };
    const processError = async (error) => tell('error', error.message);
    const position = { startPosition: { enqueuedOn: since }, trackLastEnqueuedEventProperties: true, ownerLevel: 1 };
    reader.subscribe({ processEvents, processError }, position);
  },
  closeReader: () => reader.close(),

  async openSender(string, transport) {
    sender = Client.fromConnectionString(string, transport === 'ws' ? AmqpWs : Amqp);
    await called(sender, 'open');
  },
  async openSenderAs(login, host, transport) {
    sender = Client.fromTokenCredential(host, credential(login), transport === 'ws' ? AmqpWs : Amqp);
    await called(sender, 'open');
  },
  async send(device, body, properties) {
    const message = new Message(body);
    Object.assign(message, properties);
    message.properties.add('a', 'b');
    await called(sender, 'send', device, message);
  },
  async feedback() {
    take(await called(sender, 'getFeedbackReceiver'), 'feedback');
  },
  async files() {
    take(await called(sender, 'getFileNotificationReceiver'), 'file');
  },
  closeSender: () => called(sender, 'close'),
});
