// Nothing lost, nothing twice: what waits for those who are away, and several devices of one person.

import { topic } from './run.mjs';
import { equal, eventually, has } from './device.mjs';

const scenario = topic('offline');
const callbacks = { '3.6.3': 'its calls are others' };

scenario('what came while one was away', { core: true }, async (t) => {
  const [bob, carol, dave] = await t.people('bob', 'carol', 'dave');
  const user = await t.user('alice');
  const alice = await t.online(user);
  await bob.text('singleChat', user, 'before');
  await alice.got('before');
  alice.close();
  const each = t.job.all ? 50 : 8;
  await Promise.all([bob, carol, dave].map(async (d) => {
    for (let n = 0; n < each; n++) await d.text('singleChat', user, `${d.user} ${n}`);
  }));
  const again = t.device({}, { storage: alice.storage });
  await again.open(user, { accessToken: await t.token(user) });
  const came = () => again.texts((m) => (m.msg ?? m.data) !== 'before').length; // that one again, if it was not acknowledged
  await eventually(() => came() >= 3 * each, 'all of them', 20000).catch((err) => {
    throw new Error(`${err.message}: ${came()} of ${3 * each} came`);
  });
  await bob.text('singleChat', user, 'after');
  await again.got('after');
  for (const d of [bob, carol, dave]) {
    const want = Array.from({ length: each }, (_, n) => `${d.user} ${n}`);
    equal(again.texts((m) => m.from === d.user).filter((m) => !['before', 'after'].includes(m)), want, `from ${d.user}`);
  }
  if (t.job.sdk === '4.21.1') {
    equal(again.all('onOfflineMessageSyncStart').length, 1, 'beginnings of the sync');
    await again.event('onOfflineMessageSyncFinish');
    const states = [`${bob.user} 0`, 'after'].map((msg) => again.all('onTextMessage', { msg })[0].onlineState);
    equal(states, [0, 1], 'what was said while one was away, and while there');
  }
});

scenario('what came while one was away, once', {}, async (t) => {
  const bob = await t.online(await t.user('bob'));
  const user = await t.user('alice');
  const alice = await t.online(user);
  alice.close();
  for (let n = 0; n < 5; n++) await bob.text('singleChat', user, `text ${n}`);
  for (let round = 0; round < 2; round++) {
    await alice.open(user, { accessToken: await t.token(user) });
    await bob.text('singleChat', user, `round ${round}`);
    await alice.got(`round ${round}`);
    // Its acknowledgement is under way; the server has it when a question behind it is answered.
    await alice.text('singleChat', bob.user, 'fence');
    alice.close();
  }
  equal(alice.texts(), ['text 0', 'text 1', 'text 2', 'text 3', 'text 4', 'round 0', 'round 1'], 'texts');
});

scenario('group messages that came while one was away', {}, async (t) => {
  const [bob] = await t.people('bob');
  const user = await t.user('alice');
  const { data } = await t.rest('POST', '/chatgroups', { groupname: 'g', desc: 'd', public: true, owner: bob.user, members: [user], maxusers: 50 });
  const alice = await t.online(user);
  alice.close();
  for (let n = 0; n < 30; n++) await bob.text('groupChat', data.groupid, `text ${n}`);
  await alice.open(user, { accessToken: await t.token(user) });
  await alice.got('text 29');
  equal(alice.texts(), Array.from({ length: 30 }, (_, n) => `text ${n}`), 'texts');
});

scenario('a dropped connection loses nothing', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  let n = 0;
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 5; i++) await alice.text('singleChat', bob.user, `text ${n++}`);
    bob.drop();
    for (let i = 0; i < 5; i++) await alice.text('singleChat', bob.user, `text ${n++}`);
    await bob.got(`text ${n - 1}`, 15000);
  }
  equal(bob.texts(), Array.from({ length: n }, (_, i) => `text ${i}`), 'texts');
});

scenario('a receipt that comes again takes nothing along', { sdk: '4.21.1' }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const { serverMsgId } = await alice.text('singleChat', bob.user, 'hello');
  await bob.got('hello');
  for (const s of alice.sockets) s.send = () => {}; // what alice acknowledges from here on is lost with the line
  await bob.send({ chatType: 'singleChat', type: 'read', to: alice.user, id: serverMsgId });
  await alice.event('onReadMessage', { mid: serverMsgId });
  await bob.text('singleChat', alice.user, 'with the receipt');
  await alice.got('with the receipt');
  alice.cut();
  await bob.text('singleChat', alice.user, 'behind it');
  alice.mend();
  await alice.got('behind it');
  await alice.event('onMessage', (all) => all.some((m) => m.msg === 'behind it'));
  equal(alice.texts(), ['with the receipt', 'behind it'], 'texts');
});

scenario('a queue whose pull was cut short comes with a heartbeat', { core: 'jsdom', sdk: '4.8.1' }, async (t) => {
  const bob = await t.online(await t.user('bob'));
  const alice = await t.online(await t.user('alice'), { heartBeatWait: 300 });
  alice.cut();
  await bob.text('singleChat', alice.user, 'waits');
  let cuts = 0;
  alice.tap = (direction, data) => {
    if (direction === 'up' || cuts > 0 || !/^a\["/.test(data) || !atob(data.slice(3, -2)).includes(bob.user)) return;
    cuts++; // the list of what waits: the SDK asks for it, and the line breaks
    alice.drop();
  };
  alice.mend();
  await eventually(() => cuts > 0 && alice.conn.isOpened(), 'alice is back');
  await bob.text('singleChat', alice.user, 'said since');
  const hurry = setInterval(() => { alice.conn.lastHeartbeat = 0; }, 100); // it is half a minute otherwise
  await alice.got('said since').finally(() => clearInterval(hurry));
  equal(alice.texts(), ['waits', 'said since'], 'texts');
});

scenario('what was acknowledged in vain is acknowledged again', { core: 'jsdom' }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  for (const s of alice.sockets) s.send = () => {};
  await bob.text('singleChat', alice.user, 'hello');
  await alice.got('hello');
  alice.cut();
  alice.mend();
  await eventually(async () => (await t.rest('GET', `/users/${alice.user}/offline_msg_count`)).data[alice.user] === 0, 'nothing waits');
  equal(alice.texts(), ['hello'], 'texts');
});

scenario('what is sent while the line is down goes out later, once', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  alice.cut();
  await eventually(() => !alice.conn.isOpened(), 'alice is cut off');
  const sends = [1, 2, 3].map((n) => alice.text('singleChat', bob.user, `text ${n}`));
  alice.mend();
  await Promise.all(sends);
  await bob.got('text 3', 15000);
  equal(bob.texts(), ['text 1', 'text 2', 'text 3'], 'texts');
});

scenario('several devices of one person', { core: 'jsdom', apart: callbacks }, async (t) => {
  const bob = await t.online(await t.user('bob'));
  const user = await t.user('alice');
  const devices = [];
  for (const deviceId of ['one', 'two', 'three']) devices.push(await t.online(user, { deviceId }));
  const [one, two, three] = devices;
  await bob.text('singleChat', user, 'hello all');
  for (const d of devices) await d.got('hello all');
  await one.text('singleChat', bob.user, 'from one');
  await bob.got('from one');
  for (const d of [two, three]) has(await d.got('from one'), { from: user, to: bob.user }, 'the copy');
  await two.send({ chatType: 'singleChat', type: 'cmd', to: bob.user, action: 'fence' }); // behind its acknowledgements
  two.close();
  await bob.text('singleChat', user, 'two is away');
  await three.text('singleChat', bob.user, 'from three');
  await bob.got('from three');
  await two.open(user, { accessToken: await t.token(user) });
  await two.got('from three');
  await one.got('from three');
  await bob.text('singleChat', user, 'fence');
  for (const d of devices) await d.got('fence');
  equal(one.texts(), ['hello all', 'two is away', 'from three', 'fence'], 'one');
  equal(two.texts(), ['hello all', 'from one', 'two is away', 'from three', 'fence'], 'two');
  equal(three.texts(), ['hello all', 'from one', 'two is away', 'fence'], 'three');
});

scenario('a new device starts at what no device has read', { core: 'jsdom', apart: callbacks }, async (t) => {
  const bob = await t.online(await t.user('bob'));
  const user = await t.user('alice');
  await bob.text('singleChat', user, 'waits');
  const one = await t.online(user, { deviceId: 'one' });
  await one.got('waits');
  await bob.text('singleChat', user, 'read by one');
  await one.got('read by one');
  await one.text('singleChat', bob.user, 'fence'); // behind the acknowledgements
  await bob.got('fence');
  one.close();
  await bob.text('singleChat', user, 'read by none');
  const two = await t.online(user, { deviceId: 'two' });
  await two.got('read by none');
  equal(two.texts((m) => m.from === bob.user), ['read by none'], 'what the new device gets');
});

scenario('both ways at once', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const send = async (from, to) => {
    for (let n = 0; n < 40; n++) await from.text('singleChat', to.user, `${n}`);
  };
  await Promise.all([send(alice, bob), send(bob, alice)]);
  for (const d of [alice, bob]) {
    await d.got('39');
    equal(d.texts(), Array.from({ length: 40 }, (_, n) => `${n}`), d.user);
  }
});

scenario('more than a hundred at once', { long: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const all = Array.from({ length: 150 }, (_, n) => `${n}`); // the SDK waits 15 s for the last
  await Promise.all(all.map((msg) => alice.text('singleChat', bob.user, msg)));
  await eventually(() => bob.texts().length >= all.length, 'all of them', 20000);
  equal(bob.texts(), all, 'texts');
});
