// The home of the SDKs in Node: jsdom lends what they find in a browser.

import { JSDOM, VirtualConsole } from 'jsdom';
import { drive } from './world.mjs';

const origin = process.argv[2];
const { window } = new JSDOM('<!doctype html><title>jsdom</title>', { url: `${origin}/`, virtualConsole: new VirtualConsole() });

// What a scenario waits for decides, not what an SDK throws into the air.
process.on('unhandledRejection', (err) => console.error('unhandled:', err));
process.on('uncaughtException', (err) => console.error('uncaught:', err));

const surroundings = { window, self: window, console: quiet() };
for (const name of ['document', 'navigator', 'location', 'XMLHttpRequest', 'WebSocket', 'FormData', 'File', 'Blob', 'FileReader']) {
  surroundings[name] = window[name];
}
// jsdom has no object URLs; the SDKs make them, but read the file itself.
surroundings.URL = class extends URL {
  static createObjectURL() { return 'blob:jsdom'; }
};
// Parts of older SDKs ask the global object.
for (const name of ['document', 'navigator', 'location', 'XMLHttpRequest', 'WebSocket']) {
  Object.defineProperty(globalThis, name, { value: window[name], writable: true, configurable: true });
}

function quiet() {
  return process.env.TEAHOUSE_SDK_LOG ? console : Object.fromEntries(Object.keys(console).map((k) => [k, () => {}]));
}

await drive('jsdom', origin, surroundings);
window.close();
process.exit(0); // an SDK's timers would keep it
