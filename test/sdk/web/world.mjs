// What both homes share: they ask the test, over HTTP, what to do, and tell it what became of it.

import './session.mjs';
import './messages.mjs';
import './rooms.mjs';
import './groups.mjs';
import './contacts.mjs';
import './offline.mjs';
import './restart.mjs';
import './example.mjs';
import { run } from './run.mjs';

export async function drive(home, origin, surroundings) {
  const post = async (path, body) => {
    const res = await fetch(`${origin}/control/${path}`, { method: 'POST', body: JSON.stringify(body ?? {}) });
    if (!res.ok) throw new Error(`control ${path}: ${res.status} ${await res.text()}`);
    return res.json();
  };
  const config = await post('config');
  const world = { home, config, surroundings, sources: {}, tell: post, control: post };
  for (const job of config.jobs) world.sources[job.sdk] = await (await fetch(`${origin}/${job.bundle}`)).text();
  if (config.show) (await import('./record.mjs')).show(world);
  if (config.record) (await import('./record.mjs')).record(world);
  for (const app of Object.values(config.apps)) {
    const res = await fetch(`${config.url}/${app.key.replace('#', '/')}/token`, {
      method: 'POST', body: JSON.stringify({ grant_type: 'client_credentials', client_id: app.id, client_secret: app.secret }),
    });
    app.token = (await res.json()).access_token;
  }
  await run(world);
  await world.written?.();
  await world.tell('done');
}
