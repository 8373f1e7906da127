'use strict';
// The Node SDK's transports by name, and the frame of a program: JSON in, one line of JSON out, an error as {error}.

function hubTransport(name) {
  if (name === 'http') return require('azure-iot-device-http').Http;
  const { Mqtt, MqttWs } = require('azure-iot-device-mqtt');
  return { mqtt: Mqtt, mqttws: MqttWs }[name];
}

function provisioningTransport(name) {
  if (name === 'http') return new (require('azure-iot-provisioning-device-http').Http)();
  const { Mqtt, MqttWs } = require('azure-iot-provisioning-device-mqtt');
  return new { mqtt: Mqtt, mqttws: MqttWs }[name]();
}

async function run(program) {
  let text = '';
  for await (const chunk of process.stdin) text += chunk;
  let answer;
  try {
    answer = await program(JSON.parse(text));
  } catch (error) {
    answer = { error: error.name, message: String(error.message), result: error.result };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(answer.error ? 1 : 0));
}

module.exports = { hubTransport, provisioningTransport, run };
