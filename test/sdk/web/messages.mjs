// Messages between people, in groups and in chatrooms: their kinds, extensions, receipts, and what follows them.

import { topic } from './run.mjs';
import { equal, eventually, has, ok, refused } from './device.mjs';

const scenario = topic('messages');
const callbacks = { '3.6.3': 'its calls are others' };

const png = Uint8Array.from(atob('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='), (c) => c.charCodeAt(0));

scenario('texts between two people', { core: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const sent = await alice.text('singleChat', bob.user, 'hello 你好 👋');
  const got = await bob.got('hello 你好 👋');
  has(got, { from: alice.user, to: bob.user, id: sent.serverMsgId }, 'what bob gets');
  ok(Math.abs(got.time - Date.now()) < 60_000 || t.job.style === 3, `its time: ${got.time}`);
  await bob.text('singleChat', alice.user, 'hello yourself');
  has(await alice.got('hello yourself'), { from: bob.user, to: alice.user }, 'what alice gets');
});

scenario('a text to oneself, a long one, a strange one', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const texts = ['x'.repeat(4000), '"quotes" \\ and <tags>', 'line\nbreak\tand tab', ' ', '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}'];
  for (const msg of texts) await alice.text('singleChat', bob.user, msg);
  await bob.got(texts.at(-1));
  equal(bob.texts(), texts, 'texts');
  const half = 'cut \u{1F469}'.slice(0, -1); // as who takes the first so many for a preview
  await alice.text('singleChat', bob.user, half, { ext: { preview: half, number: Infinity } });
  has((await bob.got('cut \uFFFD')).ext, { preview: 'cut \uFFFD' }, 'the extension');
});

scenario('more than the app takes in one message', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  await refused(alice.text('singleChat', bob.user, 'x'.repeat(200_000)), 511, 'a huge message');
  await alice.text('singleChat', bob.user, 'a small one');
  await bob.got('a small one');
});

// Each kind: what is sent, the event, and what must arrive. Files go up first.
const kinds = [
  ['location', { type: 'loc', addr: 'Tea Street 1', buildingName: 'the tea house', lat: 30.2741, lng: 120.1551 }, 'onLocationMessage',
    { addr: 'Tea Street 1', buildingName: 'the tea house', lat: 30.2741, lng: 120.1551 }],
  ['command', { type: 'cmd', action: 'dance' }, 'onCmdMessage', { action: 'dance' }],
  ['custom', { type: 'custom', customEvent: 'order', customExts: { cups: '2', tea: '龙井' } }, 'onCustomMessage',
    { customEvent: 'order', customExts: { cups: '2', tea: '龙井' } }],
];
const files = [
  ['image', 'img', 'tea.png', { width: 640, height: 480 }, 'onImageMessage', { width: 640, height: 480 }],
  ['voice', 'audio', 'tea.amr', { length: 3 }, 'onAudioMessage', { length: 3, filename: 'tea.amr' }],
  ['video', 'video', 'tea.mp4', { length: 7 }, 'onVideoMessage', { length: 7, filename: 'tea.mp4' }],
  ['file', 'file', 'tea.pdf', {}, 'onFileMessage', { filename: 'tea.pdf' }],
];

for (const [where, prepare] of [
  ['a person', async (t, bob) => ({ chatType: 'singleChat', to: bob.user })],
  ['a group', async (t, bob, alice) => ({ chatType: 'groupChat', to: await group(t, alice, bob) })],
  ['a chatroom', async (t, bob, alice) => {
    const to = await t.chatroom();
    await bob.join(to);
    await alice.join(to);
    return { chatType: 'chatRoom', to };
  }],
]) {
  scenario(`every kind of message to ${where}`, { long: where === 'a group' }, async (t) => {
    const [alice, bob] = await t.people('alice', 'bob');
    const to = await prepare(t, bob, alice);
    for (const [name, fields, event, want] of kinds) {
      const sent = await alice.send({ ...to, ...fields, ext: { kind: name } });
      has(await bob.event(event), { ...want, ext: { kind: name }, from: alice.user, to: to.to, id: sent.serverMsgId }, name);
    }
    for (const [name, type, filename, fields, event, want] of files) {
      const bytes = type === 'img' ? png : Uint8Array.from({ length: 3000 }, (_, i) => i % 251);
      const data = new t.world.surroundings.File([bytes], filename);
      const sent = await alice.send({ ...to, type, filename, file: { url: 'blob:x', filename, filetype: filename.slice(-3), data }, file_length: bytes.length, ext: { kind: name }, ...fields });
      const got = await bob.event(event);
      has(got, { ...want, ext: { kind: name }, from: alice.user, id: sent.serverMsgId, file_length: bytes.length }, name);
      const res = await fetch(got.url, { headers: { Authorization: `Bearer ${t.app.token}` } });
      equal([res.status, [...new Uint8Array(await res.arrayBuffer())]], [200, [...bytes]], `the bytes of the ${name}`);
    }
  });
}

scenario('a combined message', {}, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const messageList = [];
  for (const msg of ['one', 'two']) {
    await alice.text('singleChat', bob.user, msg);
    messageList.push(await bob.got(msg));
  }
  await bob.send({ chatType: 'singleChat', type: 'combine', to: carol.user, compatibleText: 'cannot be shown', title: 'A chat', summary: 'one, two', messageList });
  const got = await carol.event('onCombineMessage');
  has(got, { title: 'A chat', summary: 'one, two', compatibleText: 'cannot be shown', combineLevel: 1 }, 'the combined message');
  const inside = await carol.conn.downloadAndParseCombineMessage({ url: got.url, secret: got.secret });
  equal(inside.map((m) => [m.from, m.msg]), [[alice.user, 'one'], [alice.user, 'two']], 'what is inside');
});

scenario('a message goes on byte for byte', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const payloads = { up: [], down: [] };
  const { root } = alice.conn;
  const read = (name, bytes) => root.lookup(`easemob.pb.${name}`).decode(bytes);
  const keep = (wanted, name) => (direction, data) => {
    if (direction !== wanted) return;
    const frame = read('MSync', new Uint8Array(data.buffer ? data.slice() : data.slice(0)));
    if (frame.command !== 0) return;
    const sync = read(name, frame.payload);
    for (const meta of sync.metas ?? [sync.meta]) if (meta?.ns === 1) payloads[wanted].push([...meta.payload]);
  };
  alice.tap = keep('up', 'CommSyncUL');
  bob.tap = keep('down', 'CommSyncDL');
  await alice.text('singleChat', bob.user, 'word for word', { ext: { a: 1, b: 'two', c: { d: [3] }, e: 0.5, f: true } });
  await alice.send({ chatType: 'singleChat', type: 'custom', to: bob.user, customEvent: 'e', customExts: { x: 'y' } });
  await bob.event('onCustomMessage');
  equal(payloads.down, payloads.up, 'what bob gets');
  equal(payloads.up.length, 2, 'messages');
});

scenario('extension values of every type', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const ext = { yes: true, no: false, zero: 0, small: 42, negative: -7, half: 0.5, text: 'tea', empty: '', list: [1, 'two', null], object: { a: { b: 3 } }, 键: '值' };
  await alice.text('singleChat', bob.user, 'with extensions', { ext });
  has(await bob.got('with extensions'), { ext }, 'what bob gets');
});

scenario('integers beyond 32 bits in extensions', { long: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const ext = { now: 1700000000000, least: -2147483648, most: 2147483647 };
  await alice.text('singleChat', bob.user, 'with numbers', { ext });
  // The SDK itself writes and reads integers; what it reads of its own bytes is what must come.
  const got = await bob.got('with numbers');
  has(got.ext, { least: ext.least, most: ext.most }, 'what bob gets');
});

scenario('a text to nobody', {}, async (t) => {
  const [alice] = await t.people('alice');
  const answer = await alice.text('singleChat', t.name('nobody'), 'hello').then(() => 'taken', (err) => err.type);
  ok(['taken', 204].includes(answer), `a message to nobody: ${answer}`);
});

scenario('delivery and read receipts', { core: 'jsdom', apart: callbacks }, async (t) => {
  const alice = await t.online(await t.user('alice'));
  const bob = await t.online(await t.user('bob'), { delivery: true });
  const { serverMsgId } = await alice.text('singleChat', bob.user, 'read me');
  await bob.got('read me');
  has(await alice.event('onDeliveredMessage'), { mid: serverMsgId, from: bob.user }, 'the delivery receipt');
  await bob.send({ type: 'read', chatType: 'singleChat', to: alice.user, id: serverMsgId });
  has(await alice.event('onReadMessage'), { mid: serverMsgId, from: bob.user }, 'the read receipt');
  await bob.send({ type: 'channel', chatType: 'singleChat', to: alice.user });
  has(await alice.event('onChannelMessage'), { from: bob.user, to: alice.user }, 'the receipt of a conversation');
});

scenario('a receipt reaches who was away', {}, async (t) => {
  const [bob] = await t.people('bob');
  const user = await t.user('alice');
  const device = await t.online(user, {});
  const { serverMsgId } = await device.text('singleChat', bob.user, 'read me later');
  await bob.got('read me later');
  device.close();
  await bob.send({ type: 'read', chatType: 'singleChat', to: user, id: serverMsgId });
  await device.open(user, { accessToken: await t.token(user) });
  has(await device.event('onReadMessage'), { mid: serverMsgId, from: bob.user }, 'the receipt');
});

scenario('receipts of a group message', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await group(t, alice, bob);
  const { serverMsgId } = await alice.text('groupChat', id, 'all read this', { msgConfig: { allowGroupAck: true } });
  has(await bob.got('all read this'), { msgConfig: { allowGroupAck: true } }, 'what bob gets');
  await bob.send({ type: 'read', chatType: 'groupChat', to: id, id: serverMsgId, ackContent: JSON.stringify({ seen: 1 }), msgConfig: { allowGroupAck: true } });
  const receipt = await alice.event('onReadMessage');
  has(receipt, { mid: serverMsgId }, 'the receipt');
  equal(receipt.groupReadCount, { [serverMsgId]: 1 }, 'its count');
});

scenario('a message withdrawn', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const { serverMsgId } = await alice.text('singleChat', bob.user, 'a slip');
  await bob.got('a slip');
  await alice.conn.recallMessage({ mid: serverMsgId, to: bob.user, chatType: 'singleChat', ext: 'sorry' });
  has(await bob.event('onRecallMessage'), { mid: serverMsgId, from: alice.user, ext: 'sorry' }, 'the recall');
});

scenario('a message withdrawn with callbacks', { core: 'jsdom', sdk: '3.6.3' }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const { serverMsgId } = await alice.text('singleChat', bob.user, 'a slip');
  await bob.got('a slip');
  await new Promise((success, fail) => alice.conn.recallMessage({ mid: serverMsgId, to: bob.user, type: 'chat', success, fail }));
  has(await bob.event('onRecallMessage'), { mid: serverMsgId, from: alice.user }, 'the recall');
});

scenario('somebody else cannot withdraw', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const { serverMsgId } = await alice.text('singleChat', bob.user, 'stays');
  await bob.got('stays');
  const answer = await bob.conn.recallMessage({ mid: serverMsgId, to: alice.user, chatType: 'singleChat' }).then(() => 'taken', (err) => err.type);
  ok(answer !== 'taken', 'bob withdrew what alice wrote');
  await bob.text('singleChat', alice.user, 'fence');
  await alice.got('fence');
  equal(alice.all('onRecallMessage'), [], 'recalls that alice sees');
});

scenario('a message withdrawn in a chatroom', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  await bob.join(id);
  const { serverMsgId } = await alice.text('chatRoom', id, 'a slip');
  await bob.got('a slip');
  await alice.conn.recallMessage({ mid: serverMsgId, to: id, chatType: 'chatRoom' });
  has(await bob.event('onRecallMessage'), { mid: serverMsgId }, 'the recall');
});

// The SDK makes the ids of texts and those of withdrawals and delivery receipts of the time and of two counts, so that they meet.
scenario('one id for a text, its withdrawal and another text', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const { localMsgId, serverMsgId } = await alice.text('singleChat', bob.user, 'a slip');
  await bob.got('a slip');
  alice.conn.getUniqueId = () => localMsgId;
  await alice.conn.recallMessage({ mid: serverMsgId, to: bob.user, chatType: 'singleChat' });
  has(await bob.event('onRecallMessage'), { mid: serverMsgId }, 'the recall');
  await alice.text('singleChat', bob.user, 'better words', { id: localMsgId });
  await bob.got('better words');
});

scenario('too late to withdraw', {}, async (t) => {
  const app = t.world.config.apps.tight;
  const alice = await t.online(await t.user('alice', app), {}, { app });
  const bob = await t.online(await t.user('bob', app), {}, { app });
  const { serverMsgId } = await alice.text('singleChat', bob.user, 'stays');
  await bob.got('stays');
  const sent = Date.now();
  await eventually(() => Date.now() > sent + 1100, 'the time of this app passes');
  await refused(alice.conn.recallMessage({ mid: serverMsgId, to: bob.user, chatType: 'singleChat' }), 504, 'a late recall');
});

scenario('a message rewritten', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const { serverMsgId } = await alice.text('singleChat', bob.user, 'first words');
  await bob.got('first words');
  const modifiedMessage = alice.sdk.message.create({ chatType: 'singleChat', type: 'txt', to: bob.user, msg: 'better words' });
  const { message } = await alice.conn.modifyMessage({ messageId: serverMsgId, modifiedMessage });
  has(message.modifiedInfo, { operatorId: alice.user, operationCount: 1 }, 'what alice is told');
  const got = await bob.event('onModifiedMessage');
  has(got, { id: serverMsgId, msg: 'better words', from: alice.user }, 'what bob is told');
  has(got.modifiedInfo, { operatorId: alice.user, operationCount: 1 }, 'how it was changed');
});

scenario('a message rewritten in a group', { long: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const to = await group(t, alice, bob);
  const { serverMsgId } = await alice.text('groupChat', to, 'first words');
  await bob.got('first words');
  const modifiedMessage = alice.sdk.message.create({ chatType: 'groupChat', type: 'txt', to, msg: 'better words', ext: { more: 1 } });
  await alice.conn.modifyMessage({ messageId: serverMsgId, modifiedMessage });
  has(await bob.event('onModifiedMessage'), { id: serverMsgId, msg: 'better words', from: alice.user, to }, 'what bob is told');
});

scenario('only for who is there', { core: 'jsdom', apart: callbacks }, async (t) => {
  const alice = await t.online(await t.user('alice'));
  const user = await t.user('bob');
  await alice.text('singleChat', user, 'bob is away', { deliverOnlineOnly: true });
  const bob = await t.online(user);
  await alice.text('singleChat', user, 'bob is there', { deliverOnlineOnly: true });
  has(await bob.got('bob is there'), { from: alice.user }, 'what bob gets');
  await alice.text('singleChat', user, 'fence');
  await bob.got('fence');
  equal(bob.texts(), ['bob is there', 'fence'], 'all that bob got');
  await bob.text('singleChat', alice.user, 'fence'); // behind his acknowledgements
  await alice.got('fence');
  bob.close();
  await bob.open(user, { accessToken: await t.token(user) });
  await alice.text('singleChat', user, 'later');
  await bob.got('later');
  equal(bob.texts(), ['bob is there', 'fence', 'later'], 'all that bob ever got');
});

for (const where of ['groupChat', 'chatRoom']) {
  scenario(`only for some of a ${where}`, {}, async (t) => {
    const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
    let to;
    if (where === 'groupChat') {
      to = await group(t, alice, bob, carol);
    } else {
      to = await t.chatroom();
      for (const d of [alice, bob, carol]) await d.join(to);
    }
    await alice.text(where, to, 'for bob', { receiverList: [bob.user] });
    await alice.text(where, to, 'for all');
    await bob.got('for bob');
    for (const d of [bob, carol]) await d.got('for all');
    equal(carol.texts(), ['for all'], 'what carol got');
  });
}

scenario('a message sent twice is one', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const m = alice.sdk.message.create({ chatType: 'singleChat', type: 'txt', to: bob.user, msg: 'once' });
  const first = await alice.conn.send(m);
  const again = alice.sdk.message.create({ chatType: 'singleChat', type: 'txt', to: bob.user, msg: 'once' });
  again.id = m.id;
  const second = await alice.conn.send(again);
  equal(second.serverMsgId, first.serverMsgId, 'the id of the second');
  await alice.text('singleChat', bob.user, 'fence');
  await bob.got('fence');
  equal(bob.texts(), ['once', 'fence'], 'what bob got');
});

scenario('a group message', { core: true }, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const to = await group(t, alice, bob, carol);
  const sent = await alice.text('groupChat', to, 'hello group');
  for (const d of [bob, carol]) has(await d.got('hello group'), { from: alice.user, to, id: sent.serverMsgId }, d.user);
  const dave = await t.online(await t.user('dave'));
  if (t.job.style === 4) await refused(dave.text('groupChat', to, 'let me in'), 602, 'a stranger');
  if (t.job.style === 4) await refused(dave.text('groupChat', '99999999999999', 'is there anybody'), 605, 'a group that is not there');
});

scenario('who is blocked is not heard', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  await bob.conn.addUsersToBlocklist({ name: [alice.user] });
  const answer = await alice.text('singleChat', bob.user, 'hello?').then(() => 'taken', (err) => err.type);
  ok(['taken', 603, 221].includes(answer), `a message to who blocks: ${answer}`);
  equal((await bob.conn.getBlocklist()).data, [alice.user], "bob's list");
  await bob.conn.removeUserFromBlocklist({ name: [alice.user] });
  await alice.text('singleChat', bob.user, 'and now?');
  await bob.got('and now?');
  equal(bob.texts(), ['and now?'], 'what bob got');
});

scenario('a message by REST arrives', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [bob] = await t.people('bob');
  await t.rest('POST', '/messages/users', { from: 'admin', to: [bob.user], type: 'txt', body: { msg: 'from above' }, ext: { n: 1, s: 'x', o: { a: [1] }, b: true } });
  has(await bob.got('from above'), { from: 'admin', to: bob.user, ext: { n: 1, s: 'x', o: { a: [1] }, b: true } }, 'what bob gets');
  await t.rest('POST', '/messages/users', { from: 'admin', to: [bob.user], type: 'img', body: { url: `${t.url}/acme/chat/chatfiles/11111111-2222-3333-4444-555555555555`, filename: 'a.png', secret: 's', size: { width: 3, height: 4 } } });
  has(await bob.event('onImageMessage'), { from: 'admin', width: 3, height: 4 }, 'the image');
  await t.rest('POST', '/messages/users', { from: 'admin', to: [bob.user], type: 'cmd', body: { action: 'jump' } });
  has(await bob.event('onCmdMessage'), { from: 'admin', action: 'jump' }, 'the command');
  await t.rest('POST', '/messages/users', { from: 'admin', to: [bob.user], type: 'custom', body: { customEvent: 'e', customExts: { a: 'b' } } });
  has(await bob.event('onCustomMessage'), { from: 'admin', customEvent: 'e', customExts: { a: 'b' } }, 'the custom message');
});

scenario('a withdrawal by REST arrives', { long: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const { serverMsgId } = await alice.text('singleChat', bob.user, 'a slip');
  await bob.got('a slip');
  await t.rest('POST', '/messages/msg_recall', { msg_id: serverMsgId, to: bob.user, from: alice.user, chat_type: 'chat', force: true });
  has(await bob.event('onRecallMessage'), { mid: serverMsgId }, 'the recall');
});

scenario('what is not offered is refused in words', { long: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  await refused(bob.conn.getHistoryMessages({ targetId: alice.user, chatType: 'singleChat', pageSize: 20, cursor: -1 }), 505, 'history');
  await refused(bob.conn.getServerConversations({ pageSize: 20, cursor: '' }), 505, 'conversations');
});

scenario('a group muted and unmuted', { long: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await group(t, alice, bob);
  await alice.conn.disableSendGroupMsg({ groupId: id });
  await bob.event('onGroupEvent', { operation: 'muteAllMembers', id });
  await refused(bob.text('groupChat', id, 'hello'), 506, 'in a muted group');
  await alice.conn.enableSendGroupMsg({ groupId: id });
  await bob.event('onGroupEvent', { operation: 'unmuteAllMembers', id });
  await bob.text('groupChat', id, 'hello');
  await alice.got('hello');
});

// group makes a group of the devices' users, owned by the first.
export async function group(t, owner, ...members) {
  const answer = await t.rest('POST', '/chatgroups', { groupname: 'a group', desc: 'for tests', public: true, owner: owner.user, members: members.map((d) => d.user), maxusers: 50 });
  for (const d of members) await d.first(['onGroupEvent', 'onPresence'], (e) => (e.id ?? e.gid) === answer.data.groupid || e.gid === answer.data.groupid);
  return answer.data.groupid;
}
