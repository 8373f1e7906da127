'use strict';
// The frame of a program that is led step by step: one JSON object a line in, `{id, result}` or `{id, error}` out, and
// `{event, value}` whenever something happens by itself.

const readline = require('readline');

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function tell(event, value) {
  say({ event, value });
}

function play(steps) {
  readline.createInterface({ input: process.stdin }).on('line', async (line) => {
    const { id, step, given } = JSON.parse(line);
    try {
      say({ id, result: (await steps[step](...given)) ?? null });
    } catch (error) {
      say({ id, error: error.name, message: String(error.message) });
    }
  });
}

module.exports = { play, tell };
