'use strict';
// The Node SDK's transports by name, and the frame of a program: JSON in, one line of JSON out, an error as {error}.

function hubTransport(name) {
  if (name === 'http') return require('azure-iot-device-http').Http;
  if (name.startsWith('amqp')) {
    const { Amqp, AmqpWs } = require('azure-iot-device-amqp');
    return { amqp: Amqp, amqpws: AmqpWs }[name];
  }
  const { Mqtt, MqttWs } = require('azure-iot-device-mqtt');
  return { mqtt: Mqtt, mqttws: MqttWs }[name];
}

function provisioningTransport(name) {
  if (name === 'http') return new (require('azure-iot-provisioning-device-http').Http)();
  const { Mqtt, MqttWs } = require('azure-iot-provisioning-device-mqtt');
  const { Amqp, AmqpWs } = require('azure-iot-provisioning-device-amqp');
  return new { mqtt: Mqtt, mqttws: MqttWs, amqp: Amqp, amqpws: AmqpWs }[name]();
}

async function run(program) {
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  let answer;
  try {
    answer = await program(JSON.parse(text));
  } catch (error) {
    // DPS over AMQP hands on what AMQP says: a condition and its description.
    answer = { error: error.name || error.condition, message: String(error.message || error.description), result: error.result };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(answer.error ? 1 : 0));
}

module.exports = { hubTransport, provisioningTransport, run };
