// The server is killed in the middle and comes back on the same data.

import { topic } from './run.mjs';
import { equal, eventually, refused } from './device.mjs';

const scenario = topic('restart');

scenario('the server is killed and comes back', { core: true, alone: true, limit: 90000, apart: { '3.6.3': 'it gives up on a server that is away' } }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  await bob.join(id);
  await alice.text('singleChat', bob.user, 'before');
  await bob.got('before');
  await t.world.control('kill');
  await eventually(() => !alice.conn.isOpened() && !bob.conn.isOpened(), 'the sockets end');
  const queued = [1, 2, 3].map((n) => alice.text('singleChat', bob.user, `queued ${n}`).catch((err) => err));
  await t.world.control('start');
  for (const d of [alice, bob]) await eventually(() => d.conn.isOpened(), `${d.user} is back`, 30000);
  for (const answer of await Promise.all(queued)) if (!answer?.serverMsgId) throw new Error(`a queued send: ${JSON.stringify(answer)}`);
  await bob.got('queued 3', 15000);
  await bob.text('singleChat', alice.user, 'after');
  await alice.got('after');
  equal(bob.texts(), ['before', 'queued 1', 'queued 2', 'queued 3'], 'what bob got');
  await alice.text('chatRoom', id, 'still in the room');
  await bob.got('still in the room');
  await bob.text('chatRoom', id, 'me too');
  await alice.got('me too');
});

scenario('what was acknowledged before a kill arrives', { alone: true, limit: 90000 }, async (t) => {
  const [alice] = await t.people('alice');
  const user = await t.user('bob');
  const bob = await t.online(user);
  bob.close();
  const token = await t.token(user);
  const acknowledged = [];
  const sends = Array.from({ length: 60 }, (_, n) => alice.text('singleChat', user, `text ${n}`).then(() => acknowledged.push(`text ${n}`), () => {}));
  await sends[20];
  await t.world.control('kill');
  await t.world.control('start');
  await bob.open(user, { accessToken: token });
  await eventually(() => acknowledged.every((msg) => bob.texts().includes(msg)), 'all that was acknowledged', 20000);
  equal(bob.texts().length, new Set(bob.texts()).size, 'nothing comes twice');
});

scenario('a mute outlives a kill, and ends by itself', { alone: true, limit: 90000 }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  for (const d of [alice, bob]) await d.join(id);
  await t.rest('POST', `/chatrooms/${id}/mute`, { usernames: [alice.user], mute_duration: 600_000 });
  await t.rest('POST', `/chatrooms/${id}/mute`, { usernames: [bob.user], mute_duration: 5_000 });
  await t.world.control('kill');
  await eventually(() => !alice.conn.isOpened() && !bob.conn.isOpened(), 'the sockets end');
  await t.world.control('start');
  for (const d of [alice, bob]) await eventually(() => d.conn.isOpened(), `${d.user} is back`, 30000);
  await refused(alice.text('chatRoom', id, 'muted'), 507, 'after the restart');
  await eventually(() => bob.text('chatRoom', id, 'not muted any more').then(() => true, () => false), 'the mute ends', 20000);
  await alice.got('not muted any more');
});
