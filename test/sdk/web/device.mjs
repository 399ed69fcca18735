// A device: one app with one copy of an SDK, as a browser tab holds it, with a storage and sockets of its own. Nothing of
// the SDK is changed; its surroundings are handed to it by name, so that a tab's storage lasts and its sockets can be
// watched and cut.

const patience = 15000; // milliseconds; a busy machine is slow

// Device runs one copy of the SDK of a job.
export class Device {
  constructor(world, job, app, storage = new Storage(), options = {}, sdk) {
    this.world = world;
    this.job = job;
    this.app = app;
    this.storage = storage;
    this.events = []; // all of them, in order: {name, data, taken, at}
    this.waiting = [];
    this.sockets = [];
    this.tap = undefined; // called with each frame, if there is one
    this.cutOff = false;
    this.sdk = sdk ?? load(world, job, this);
    this.options = options;
    this.conn = this.connection(options);
  }

  connection(options) {
    const url = this.world.config.url;
    const conn = new this.sdk.connection({
      appKey: this.app.key, isHttpDNS: false, apiUrl: url, heartBeatWait: 30000, autoReconnectNumMax: 20,
      url: this.job.sockjs ? url + '/ws' : url.replace('http', 'ws') + '/websocket', ...options,
    });
    // Whatever the SDK asks of a handler, it gets one.
    const listen = new Proxy({}, { get: (_, name) => (data) => this.saw(name, data) });
    if (conn.addEventHandler) conn.addEventHandler('test', listen);
    else conn.listen(listen);
    return conn;
  }

  saw(name, data) {
    const event = { name, data: data ?? {}, taken: false, at: new Date() };
    this.events.push(event);
    for (const w of this.waiting.slice()) {
      if (!event.taken && w.names.includes(name) && w.fits(event.data)) {
        event.taken = true;
        this.waiting.splice(this.waiting.indexOf(w), 1);
        w.resolve(event);
      }
    }
  }

  // event waits for an event that fits and that nobody has waited for, from the beginning on.
  async event(name, fits = () => true, limit = patience) {
    return (await this.first([name], fits, limit)).data;
  }

  // first waits for an event of any of the names.
  first(names, fits = () => true, limit = patience) {
    fits = matcher(fits);
    const there = this.events.find((e) => !e.taken && names.includes(e.name) && fits(e.data));
    if (there) {
      there.taken = true;
      return Promise.resolve(there);
    }
    const w = { names, fits };
    const come = new Promise((resolve) => { w.resolve = resolve; });
    this.waiting.push(w);
    return within(limit, come, () => `${this.user}: no ${names.join(' or ')}`).finally(() => {
      const at = this.waiting.indexOf(w);
      if (at >= 0) this.waiting.splice(at, 1);
    });
  }

  // all returns what came with a name so far.
  all(name, fits = () => true) {
    fits = matcher(fits);
    return this.events.filter((e) => e.name === name && fits(e.data)).map((e) => e.data);
  }

  // told tells of the last events.
  told(most = 30) {
    return this.events.slice(-most).map((e) => `${e.at.toISOString().slice(11, -1)} ${e.name} ${brief(e.data).slice(0, 200)}`).join('\n  ') || 'none';
  }

  async open(user, credentials) {
    this.user = user;
    const opened = this.conn.open({ user, appKey: this.app.key, apiUrl: this.world.config.url, ...credentials });
    await within(patience, Promise.resolve(opened), () => `${user}: login hangs`);
    // Older ones promise less. SockJS gives a slow machine some 300 ms to connect; what follows is a second attempt.
    const final = (data) => !(this.job.sockjs && data.type === 16);
    const end = await this.first(['onOpened', 'onConnected', 'onError'], final);
    if (end.name === 'onError') throw end.data;
    return this;
  }

  close() {
    this.conn.close();
  }

  // cut drops the sockets, as a lost network does; until mend, new ones fail.
  cut() {
    this.cutOff = true;
    for (const s of this.sockets) s.close();
  }

  mend() {
    this.cutOff = false;
  }

  // drop loses the socket once; the SDK may come back at once.
  drop() {
    for (const s of this.sockets) s.close();
  }

  // send sends {chatType, to, type, …} and returns what send answers: serverMsgId with 4.x and 3.x alike.
  send(fields) {
    if (this.job.style === 3) return this.send3(fields);
    return within(20000, Promise.resolve(this.conn.send(this.sdk.message.create(fields))), () => `${this.user}: send hangs`);
  }

  send3({ chatType, type, to, msg, ext, ...rest }) {
    const id = this.conn.getUniqueId();
    const message = new this.sdk.message(type, id);
    const answer = new Promise((resolve, reject) => {
      message.set({ to, msg, ext: ext ?? {}, chatType, roomType: chatType === 'chatRoom', ...rest,
        success: (local, server) => resolve({ localMsgId: local, serverMsgId: server }), fail: reject });
    });
    if (chatType === 'chatRoom') message.setGroup?.('groupchat');
    if (chatType === 'groupChat') message.setGroup?.('groupchat');
    this.conn.send(message.body);
    let answered = false;
    answer.then(() => { answered = true; }, () => { answered = true; });
    const muted = this.first(['onMutedMessage'], () => !answered, 20000).then(() => { throw { type: 507 }; }); // 3.x tells it so
    muted.catch(() => {});
    return within(20000, Promise.race([answer, muted]), () => `${this.user}: send hangs`);
  }

  text(chatType, to, msg, more = {}) {
    return this.send({ chatType, type: 'txt', to, msg, ...more });
  }

  // got waits for a text and returns it as its listener got it.
  async got(msg, limit = patience) {
    return this.event('onTextMessage', (m) => (m.msg ?? m.data) === msg, limit);
  }

  // texts returns the texts that came, in order, but for broadcasts: those are another scenario's, which plays at the same time.
  texts(fits = () => true) {
    return this.all('onTextMessage', (m) => !m.broadcast && fits(m)).map((m) => m.msg ?? m.data);
  }

  // join joins a chatroom: over the socket, or by REST where the SDK does so.
  join(roomId, more = {}) {
    if (this.job.style !== 3) return within(20000, Promise.resolve(this.conn.joinChatRoom({ roomId, ...more })), () => `${this.user}: join hangs`);
    const answer = new Promise((resolve, reject) => {
      this.conn.joinChatRoom({ roomId, success: resolve, error: reject, ...more });
    });
    return within(20000, answer, () => `${this.user}: join hangs`);
  }

  // room waits for an event of a room, under the names of the SDK's age.
  room(now, then, fits = () => true) {
    fits = matcher(fits);
    if (this.job.style === 3) return this.event('onPresence', (e) => e.type === then && fits(e));
    return this.event('onChatroomEvent', (e) => e.operation === now && fits(e));
  }
}

// Storage is what a browser keeps for a page.
export class Storage {
  #kept = new Map();
  getItem(k) { return this.#kept.get(k) ?? null; }
  setItem(k, v) { this.#kept.set(k, String(v)); }
  removeItem(k) { this.#kept.delete(k); }
}

// load evaluates the bundle as a page does, once for each device: 3.x keeps its socket where all connections see it.
function load(world, job, device) {
  const around = { ...world.surroundings, localStorage: device.storage, WebSocket: watched(world, device) };
  const module = { exports: {} };
  const names = Object.keys(around);
  const native = globalThis.WebSocket; // SockJS takes its own from there, now
  globalThis.WebSocket = around.WebSocket;
  new Function(...names, 'module', 'exports', 'define', world.sources[job.sdk])(
    ...names.map((n) => around[n]), module, module.exports, undefined);
  globalThis.WebSocket = native;
  return module.exports.default ?? module.exports;
}

// watched is the realm's WebSocket; it tells the device of its sockets and frames.
function watched(world, device) {
  return class extends world.surroundings.WebSocket {
    constructor(url, ...rest) {
      super(device.cutOff ? 'ws://127.0.0.1:9/' : url, ...rest);
      device.sockets.push(this);
      this.addEventListener('close', () => device.sockets.splice(device.sockets.indexOf(this), 1));
      this.addEventListener('message', (e) => this.#told('down', e.data));
    }

    send(data) {
      this.#told('up', data);
      super.send(data);
    }

    #told(direction, data) {
      world.frame?.(device, direction, data);
      device.tap?.(direction, data);
    }
  };
}

// matcher makes a test of an object's fields where no test is given.
function matcher(fits) {
  if (typeof fits === 'function') return fits;
  return (data) => Object.entries(fits).every(([k, v]) => same(data[k], v));
}

// within fails when a promise takes longer than a limit in milliseconds; the error knows who waits.
export function within(limit, promise, what) {
  let timer;
  const error = new Error();
  const late = new Promise((_, reject) => { timer = setTimeout(() => reject(Object.assign(error, { message: what() })), limit); });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

// eventually asks again and again until an answer is true.
export async function eventually(ask, what, limit = patience) {
  const end = Date.now() + limit;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function canonical(v) {
  if (Array.isArray(v)) return v.map(canonical);
  if (v && typeof v === 'object') {
    return Object.fromEntries(Object.keys(v).filter((k) => v[k] !== undefined).sort().map((k) => [k, canonical(v[k])]));
  }
  return v;
}

function same(a, b) {
  return JSON.stringify(canonical(a)) === JSON.stringify(canonical(b));
}

export function equal(got, want, what) {
  if (!same(got, want)) throw new Error(`${what}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
}

// has compares only the fields that are wanted.
export function has(got, want, what) {
  const part = Object.fromEntries(Object.keys(want).map((k) => [k, got?.[k]]));
  equal(part, want, what);
}

export function ok(v, what) {
  if (!v) throw new Error(what);
}

// refused wants a promise to fail with a type of the SDK.
export async function refused(promise, type, what) {
  let answer;
  try {
    answer = await promise;
  } catch (err) {
    if (err?.type !== type) throw new Error(`${what}: refused with ${err?.type} ${brief(err)}, want ${type}`);
    return err;
  }
  throw new Error(`${what}: not refused: ${brief(answer)}`);
}

export function brief(v) {
  if (v instanceof Error) return String(v);
  let text;
  try {
    text = JSON.stringify(v);
  } catch {
    text = String(v);
  }
  return (text ?? String(v)).slice(0, 300);
}
