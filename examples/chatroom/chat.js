// The chatroom in a terminal: "node chat.js jma1", and in another one "node chat.js jma2". First: "npm install".
'use strict';

const { createInterface } = require('node:readline');
const { parseArgs } = require('node:util');

const usage = `Usage: node chat.js USER [flags]

A chatroom in the terminal, with the official Web SDK.

  --server URL       address of the server (http://127.0.0.1:8080)
  --app ORG#APP      app key (easemob-demo#chatdemoui)
  --password TEXT    the user's password (123456)
  --room ID          the chatroom (1432266600611977, of which jma2 is the owner)
  --verbose          show what the SDK logs`;

// The SDK is made for browsers: jsdom lends it what it looks for at its start.
function lendWindow() {
  const { JSDOM, VirtualConsole } = require('jsdom');
  const { window } = new JSDOM('', { url: 'http://localhost/', virtualConsole: new VirtualConsole() });
  for (const name of ['document', 'localStorage', 'location', 'navigator', 'WebSocket', 'XMLHttpRequest']) {
    Object.defineProperty(globalThis, name, { value: window[name], configurable: true });
  }
  globalThis.window = globalThis.self = window;
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      server: { type: 'string', default: 'http://127.0.0.1:8080' },
      app: { type: 'string', default: 'easemob-demo#chatdemoui' },
      password: { type: 'string', default: '123456' },
      room: { type: 'string', default: '1432266600611977' },
      verbose: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return console.log(usage);
  if (positionals.length !== 1) throw new Error(usage);

  lendWindow();
  const websdk = require('easemob-websdk');
  if (!values.verbose) websdk.logger.disableAll();
  const { enterRoom, obey, reason } = require('./room.js');

  const [user] = positionals;
  const { server, app: appKey, password, room: id } = values;
  const room = await enterRoom(websdk, { server, appKey, user, password, room: id }, console.log).catch((err) => { throw new Error(reason(err)); });
  console.log(`${user} is in the chatroom ${id}. Type to speak, "/mute NAME [SECONDS]", "/unmute NAME"; Ctrl-D ends.`);
  for await (const line of createInterface({ input: process.stdin })) await obey(line, room, console.log);
  await room.leave();
}

main().then(() => process.exit(0), (err) => {
  console.error(err.code === 'MODULE_NOT_FOUND' ? 'The SDK is not here yet: run "npm install" in this folder.' : err.message);
  process.exit(1);
});
