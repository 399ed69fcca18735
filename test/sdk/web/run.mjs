// The runner: scenarios register here, and each job (one SDK in one home) runs those that are for it.

import { Device, Storage, within, brief } from './device.mjs';

const scenarios = [];

// topic returns the function that registers the stories of a topic. Fields of about: core (every SDK must pass it, or does so in
// the home that is named; else only the newest), long (not in browsers, whose part is quick), only (in this home), sdk (only this
// one), alone (nothing else runs meanwhile), apart (why an SDK cannot pass it, by the SDK's name), limit (milliseconds).
export function topic(topic) {
  return (name, about, story) => scenarios.push({ topic, name, ...about, story });
}

let serial = 0;

// Story is what a scenario has in hand: an app, its people, and devices, which are closed at its end.
export class Story {
  constructor(world, job, topic) {
    this.world = world;
    this.job = job;
    this.topic = topic;
    this.url = world.config.url;
    this.app = world.config.apps.chat;
    this.devices = [];
    this.users = [];
  }

  // rest asks the server as the app, or as a user whose token is given, and returns the answer.
  async rest(method, path, body, { token = this.app.token, app = this.app } = {}) {
    const res = await fetch(`${this.url}/${app.key.replace('#', '/')}${path}`, {
      method, body: body && JSON.stringify(body),
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    });
    const answer = await res.json();
    if (res.status !== 200) throw new Error(`${method} ${path}: ${res.status} ${brief(answer)}`);
    return answer;
  }

  name(of) {
    this.users.push(`${of}${this.world.mark}x${++serial}`);
    return this.users.at(-1);
  }

  // user registers somebody and returns the name.
  async user(of, app = this.app) {
    const name = this.name(of);
    await this.token(name, {}, app);
    return name;
  }

  async token(user, more = {}, app = this.app) {
    const answer = await this.rest('POST', '/token', { grant_type: 'inherit', username: user, autoCreateUser: true, ...more }, { token: app.token, app });
    return answer.access_token;
  }

  device(options, { storage, sdk, app = this.app } = {}) {
    const d = new Device(this.world, this.job, app, storage ?? new Storage(), options, sdk);
    d.topic = this.topic;
    this.devices.push(d);
    return d;
  }

  // online logs a user in on a new device.
  async online(user, options = {}, more = {}) {
    const d = this.device(options, more);
    return d.open(user, { accessToken: await this.token(user, {}, d.app) });
  }

  // people registers and logs in one device each.
  async people(...names) {
    return Promise.all(names.map(async (n) => this.online(await this.user(n))));
  }

  // chatroom makes a room and returns its id.
  async chatroom(more = {}, app = this.app) {
    const owner = more.owner ?? await this.user('owner', app);
    const answer = await this.rest('POST', '/chatrooms', { name: 'a room', description: 'for tests', owner, ...more }, { token: app.token, app });
    return answer.data.id;
  }

  async end() {
    for (const d of this.devices) {
      d.cutOff = true;
      try {
        d.close();
      } catch (err) {
        console.error('close:', err);
      }
    }
  }
}

async function one(world, job, s) {
  const t = new Story(world, job, s.topic);
  const began = Date.now();
  const result = { home: world.home, sdk: job.sdk, name: s.name };
  try {
    await within(s.limit ?? 60000, s.story(t), () => 'the story does not end');
  } catch (err) {
    const ours = (line) => line.startsWith('    at ') && !/node:|\/(run|world|node)\.mjs/.test(line);
    const why = err instanceof Error ? [err.message, ...err.stack.split('\n').filter(ours)].join('\n') : brief(err);
    Object.assign(result, { error: [why, ...t.devices.map((d) => `${d.user}: ${d.told()}`)].join('\n'), users: t.users });
  }
  await t.end();
  result.ms = Date.now() - began;
  return result;
}

// run runs the jobs one after the other, some scenarios of a job at a time, and reports each.
export async function run(world) {
  const only = new RegExp(world.config.only ?? '');
  const fits = (job) => scenarios.filter((s) =>
    (job.all || s.core === true || s.core === world.home) && (!s.sdk || job.sdk === s.sdk) && (!s.long || world.home === 'jsdom') && (!s.only || world.home === s.only) && !s.apart?.[job.sdk] && only.test(s.name));
  await world.tell('plan', world.config.jobs.flatMap((job) => fits(job).map((s) => ({ sdk: job.sdk, name: s.name }))));
  for (const job of world.config.jobs) {
    world.mark = `${world.home[0]}${job.sdk.replace(/\W/g, '')}`;
    const mine = fits(job);
    const many = mine.filter((s) => !s.alone);
    const worker = async () => {
      for (let s = many.shift(); s; s = many.shift()) await world.tell('result', await one(world, job, s));
    };
    await Promise.all(Array.from({ length: world.config.parallel }, worker));
    for (const s of mine.filter((s) => s.alone)) await world.tell('result', await one(world, job, s));
  }
}
