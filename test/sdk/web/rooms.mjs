// The life of chatrooms as those inside see it.

import { topic } from './run.mjs';
import { equal, eventually, has, ok, refused } from './device.mjs';

const scenario = topic('rooms');
const callbacks = { '3.6.3': 'its calls are others' };

scenario('joining, speaking and leaving a chatroom', { core: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  await bob.join(id);
  const joined = await alice.room('memberPresence', 'memberJoinChatRoomSuccess', (e) => e.from === bob.user);
  if (t.job.sdk === '4.21.1') has(joined, { id, memberCount: 3 }, 'who joined');
  const sent = await bob.text('chatRoom', id, 'hello room', { ext: { mood: 'good' } });
  has(await alice.got('hello room'), { from: bob.user, to: id, id: sent.serverMsgId, ext: { mood: 'good' } }, 'what alice gets');
  if (t.job.style === 3) await new Promise((success, error) => bob.conn.quitChatRoom({ roomId: id, success, error }));
  else await (bob.conn.leaveChatRoom ?? bob.conn.quitChatRoom).call(bob.conn, { roomId: id });
  const left = await alice.room('memberAbsence', 'leaveChatRoom', (e) => e.from === bob.user);
  if (t.job.sdk === '4.21.1') has(left, { id, memberCount: 2 }, 'who left');
  if (t.job.style === 4) await refused(bob.text('chatRoom', id, 'still there?'), t.job.sdk === '4.21.1' ? 602 : (await code(bob, id)), 'who has left');
});

// code asks again, to learn the SDK's own number for it.
async function code(d, id) {
  return d.text('chatRoom', id, 'again').then(() => 'taken', (err) => err.type);
}

scenario('what joining tells', { core: 'jsdom', apart: { ...callbacks, '4.8.1': 'it passes nothing on' } }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  const joined = await bob.join(id, { ext: 'with a hat' });
  has(joined.data ?? joined, { id, action: 'apply' }, 'the answer');
  const info = (joined.data ?? joined).info;
  has(info, { isAllMembersMuted: false, memberCount: 3 }, 'what it tells');
  ok(info.isInAllowlist === false, `allow list: ${JSON.stringify(info)}`);
  ok(Math.abs(info.createTimestamp - Date.now()) < 60_000, `made at ${info.createTimestamp}`);
  has(await alice.room('memberPresence', '', (e) => e.from === bob.user), { ext: 'with a hat', memberCount: 3 }, 'what the others see');
});

scenario('joining twice', {}, async (t) => {
  const [alice] = await t.people('alice');
  const id = await t.chatroom();
  await alice.join(id);
  await alice.join(id);
  equal((await t.rest('GET', `/chatrooms/${id}`)).data[0].affiliations_count, 2, 'members');
});

scenario('several come at once', { core: 'jsdom' }, async (t) => {
  const [alice] = await t.people('alice');
  const id = await t.chatroom({ owner: alice.user });
  const guests = [await t.user('bob'), await t.user('carol')];
  await t.rest('POST', `/chatrooms/${id}/users`, { usernames: guests });
  for (const from of guests) await alice.room('memberPresence', 'memberJoinChatRoomSuccess', { from });
});

scenario('joining one room leaves the others', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const [one, two] = [await t.chatroom(), await t.chatroom()];
  await bob.join(one);
  await alice.join(one);
  await alice.join(two, { leaveOtherRooms: true });
  await bob.room('memberAbsence', '', (e) => e.from === alice.user && e.id === one);
});

scenario('doors that stay closed', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  await refused(alice.join('99999999999999'), 705, 'an unknown room');
  const full = await t.chatroom({ maxusers: 2 });
  await alice.join(full);
  await refused(bob.join(full), 704, 'a full room');
  const blocked = await t.chatroom({ members: [bob.user] });
  await t.rest('POST', `/chatrooms/${blocked}/blocks/users/${bob.user}`);
  await refused(bob.join(blocked), 603, 'a room that blocks');
  await t.rest('DELETE', `/chatrooms/${blocked}/blocks/users/${bob.user}`);
  await bob.join(blocked);
});

scenario('more rooms than a user may be in', {}, async (t) => {
  const app = t.world.config.apps.tight;
  const alice = await t.online(await t.user('alice', app), {}, { app });
  for (let i = 0; i < 2; i++) await alice.join(await t.chatroom({}, app));
  await refused(alice.join(await t.chatroom({}, app)), 50, 'the third room');
});

scenario('muted by REST, unmuted by REST', { core: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  await bob.join(id);
  await bob.text('chatRoom', id, 'before');
  await alice.got('before');
  await t.rest('POST', `/chatrooms/${id}/mute`, { usernames: [bob.user], mute_duration: 3600_000 });
  const muted = await bob.room('muteMember', 'addMute');
  if (t.job.sdk === '4.21.1') {
    has(muted, { id }, 'the event');
    ok(Math.abs(muted.muteTimestamp - Date.now() - 3600_000) < 60_000, `muted until ${JSON.stringify(muted)}`);
  }
  await refused(bob.text('chatRoom', id, 'muted'), 507, 'while muted');
  await t.rest('DELETE', `/chatrooms/${id}/mute/${bob.user}`);
  await bob.room('unmuteMember', 'removeMute');
  await bob.text('chatRoom', id, 'after');
  await alice.got('after');
  equal(alice.texts(), ['before', 'after'], 'what the room heard');
});

scenario('a mute ends by itself', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom({ owner: alice.user });
  await alice.join(id);
  await bob.join(id);
  await t.rest('POST', `/chatrooms/${id}/mute`, { usernames: [bob.user], mute_duration: 3600_000 });
  await bob.room('muteMember', '', { id });
  await refused(bob.text('chatRoom', id, 'muted'), 507, 'while muted');
  await t.rest('POST', `/chatrooms/${id}/mute`, { usernames: [bob.user], mute_duration: 1000 }); // in place of the first
  await bob.room('unmuteMember', '', { id });
  await alice.room('unmuteMember', '', (e) => e.id === id && (e.userId === bob.user || t.job.sdk === '4.8.1')); // admins are told, too
  await bob.text('chatRoom', id, 'after');
  await alice.got('after');
});

scenario('thrown out while the line is down', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  await bob.join(id);
  bob.cut();
  await eventually(() => !bob.conn.isOpened(), 'bob is cut off');
  await t.rest('DELETE', `/chatrooms/${id}/users/${bob.user}`);
  bob.mend();
  await eventually(() => bob.conn.isOpened(), 'bob is back', 20000);
  await refused(bob.text('chatRoom', id, 'hello?'), 602, 'who was thrown out meanwhile');
});

scenario('a mute outlives leaving and coming back', {}, async (t) => {
  const [bob] = await t.people('bob');
  const id = await t.chatroom();
  await bob.join(id);
  await t.rest('POST', `/chatrooms/${id}/mute`, { usernames: [bob.user], mute_duration: 3600_000 });
  await bob.room('muteMember');
  await bob.conn.leaveChatRoom({ roomId: id });
  const joined = await bob.join(id);
  ok((joined.data ?? joined).info.muteExpireTimestamp > Date.now(), `the answer tells of the mute: ${JSON.stringify(joined)}`);
  await refused(bob.text('chatRoom', id, 'muted'), 507, 'after coming back');
});

scenario('several are muted at once', {}, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await t.chatroom({ owner: alice.user });
  for (const d of [alice, bob, carol]) await d.join(id);
  await t.rest('POST', `/chatrooms/${id}/mute`, { usernames: [bob.user, carol.user], mute_duration: 3600_000 });
  for (const d of [bob, carol]) await d.room('muteMember', '', { id });
  for (const d of [bob, carol]) await refused(d.text('chatRoom', id, 'muted'), 507, d.user);
});

scenario('all are muted, but some', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await t.chatroom({ owner: alice.user });
  for (const d of [alice, bob, carol]) await d.join(id);
  await t.rest('POST', `/chatrooms/${id}/ban`);
  await bob.room('muteAllMembers', '', { id });
  await refused(bob.text('chatRoom', id, 'muted'), 506, 'one of all');
  await t.rest('POST', `/chatrooms/${id}/white/users/${carol.user}`);
  await carol.room('addUserToAllowlist', '', { id });
  await carol.text('chatRoom', id, 'I may');
  await bob.got('I may');
  await alice.text('chatRoom', id, 'so may I');
  await bob.got('so may I');
  await t.rest('DELETE', `/chatrooms/${id}/white/users/${carol.user}`);
  await carol.room('removeAllowlistMember', '', { id });
  await refused(carol.text('chatRoom', id, 'muted'), 506, 'no more on the list');
  await t.rest('DELETE', `/chatrooms/${id}/ban`);
  await bob.room('unmuteAllMembers', '', { id });
  await bob.text('chatRoom', id, 'at last');
  await alice.got('at last');
});

scenario('thrown out by REST', { core: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  await bob.join(id);
  await t.rest('DELETE', `/chatrooms/${id}/users/${bob.user}`);
  await bob.room('removeMember', 'removedFromGroup');
  await alice.room('memberAbsence', 'leaveChatRoom', (e) => e.from === bob.user);
  if (t.job.style === 4) ok((await code(bob, id)) !== 'taken', 'who was thrown out can speak');
  await alice.text('chatRoom', id, 'he is gone');
  await bob.join(id);
  await alice.text('chatRoom', id, 'he is back');
  await bob.got('he is back');
  equal(bob.texts(), ['he is back'], 'what bob heard');
});

scenario('blocked while inside', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  await bob.join(id);
  await t.rest('POST', `/chatrooms/${id}/blocks/users/${bob.user}`);
  await bob.room('removeMember', '', { id });
  ok((await code(bob, id)) !== 'taken', 'who is blocked can speak');
  await refused(bob.join(id), 603, 'coming back');
});

scenario('a room is closed', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  await bob.join(id);
  await t.rest('DELETE', `/chatrooms/${id}`);
  for (const d of [alice, bob]) await d.room('destroy', '', { id });
  await refused(alice.join(id), 705, 'a closed room');
  ok((await code(alice, id)) !== 'taken', 'somebody speaks in a closed room');
});

scenario('a room changes its name, announcement and attributes', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom({ owner: alice.user });
  await alice.join(id);
  await bob.join(id);
  await t.rest('PUT', `/chatrooms/${id}`, { name: 'another name' });
  await bob.room('updateInfo', '', { id });
  await alice.conn.updateChatRoomAnnouncement({ roomId: id, announcement: 'tea at five' });
  has(await bob.room('updateAnnouncement', '', { id }), { announcement: 'tea at five' }, 'the announcement');
  equal((await bob.conn.fetchChatRoomAnnouncement({ roomId: id })).data.announcement, 'tea at five', 'the announcement read');
  const set = await bob.conn.setChatRoomAttributes({ chatRoomId: id, attributes: { cups: '2', tea: '龙井' }, autoDelete: false });
  equal(set.data.successKeys?.sort?.() ?? set.data, ['cups', 'tea'], 'attributes set');
  has(await alice.room('updateChatRoomAttributes', '', { id }), { attributes: { cups: '2', tea: '龙井' }, from: bob.user }, 'the attributes');
  equal((await alice.conn.getChatRoomAttributes({ chatRoomId: id, attributeKeys: ['cups'] })).data, { cups: '2' }, 'attributes read');
  await bob.conn.removeChatRoomAttributes({ chatRoomId: id, attributeKeys: ['cups'] });
  has(await alice.room('removeChatRoomAttributes', '', { id }), { attributes: ['cups'], from: bob.user }, 'the attributes gone');
});

scenario('admins of a room', {}, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await t.chatroom({ owner: alice.user });
  for (const d of [alice, bob, carol]) await d.join(id);
  await alice.conn.setChatRoomAdmin({ chatRoomId: id, username: bob.user });
  has(await bob.room('setAdmin', '', { id }), { from: alice.user }, 'the new admin');
  equal((await carol.conn.getChatRoomAdmin({ chatRoomId: id })).data, [bob.user], 'admins');
  await bob.conn.muteChatRoomMember({ chatRoomId: id, username: carol.user, muteDuration: 60_000 });
  await carol.room('muteMember', '', { id });
  await refused(carol.text('chatRoom', id, 'muted'), 507, 'muted by an admin');
  await refused(bob.conn.muteChatRoomMember({ chatRoomId: id, username: alice.user, muteDuration: 60_000 }), 603, 'an admin mutes the owner');
  await bob.conn.unmuteChatRoomMember({ chatRoomId: id, username: carol.user });
  await carol.room('unmuteMember', '', { id });
  const answer = await carol.conn.muteChatRoomMember({ chatRoomId: id, username: bob.user, muteDuration: 60_000 }).then(() => 'done', (err) => err.type);
  ok([17, 603].includes(answer), `a member mutes: ${answer}`); // by the app's error profile
  await alice.conn.removeChatRoomAdmin({ chatRoomId: id, username: bob.user });
  await bob.room('removeAdmin', '', { id });
});

scenario('an owner acts with the SDK', { long: true }, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await t.chatroom({ owner: alice.user });
  for (const d of [alice, bob, carol]) await d.join(id);
  const { conn } = alice;
  const chatRoomId = id;
  has((await conn.getChatRoomDetails({ chatRoomId })).data[0], { id, name: 'a room', affiliations_count: 3, owner: alice.user }, 'details');
  await conn.modifyChatRoom({ chatRoomId, chatRoomName: 'renamed', description: 'changed', maxusers: 100 });
  has((await conn.getChatRoomDetails({ chatRoomId })).data[0], { name: 'renamed', description: 'changed', maxusers: 100 }, 'changed details');
  await conn.muteChatRoomMember({ chatRoomId, username: bob.user, muteDuration: 60_000 });
  equal((await conn.getChatRoomMutelist({ chatRoomId })).data.map((m) => m.user), [bob.user], 'muted');
  equal((await bob.conn.isInChatRoomMutelist({ chatRoomId })).data, true, 'bob asks whether he is muted');
  await conn.unmuteChatRoomMember({ chatRoomId, username: bob.user });
  await conn.disableSendChatRoomMsg({ chatRoomId });
  await bob.room('muteAllMembers', '', { id });
  await conn.addUsersToChatRoomAllowlist({ chatRoomId, users: [bob.user] });
  await bob.room('addUserToAllowlist', '', { id });
  ok((await conn.getChatRoomAllowlist({ chatRoomId })).data.includes(bob.user), 'the allow list');
  has((await bob.conn.isInChatRoomAllowlist({ chatRoomId, userName: bob.user })).data, { white: true }, 'bob asks whether he may');
  await conn.removeChatRoomAllowlistMember({ chatRoomId, userName: bob.user });
  await conn.enableSendChatRoomMsg({ chatRoomId });
  await bob.room('unmuteAllMembers', '', { id });
  await conn.blockChatRoomMember({ chatRoomId, username: carol.user });
  await carol.room('removeMember', '', { id });
  equal((await conn.getChatRoomBlocklist?.({ chatRoomId }) ?? await conn.getChatRoomBlacklist({ chatRoomId })).data, [carol.user], 'blocked');
  await conn.unblockChatRoomMember({ chatRoomId, username: carol.user });
  await carol.join(id);
  await conn.removeChatRoomMember({ chatRoomId, username: carol.user });
  await carol.room('removeMember', '', { id });
  const members = (await conn.listChatRoomMembers({ chatRoomId, pageNum: 1, pageSize: 20 })).data;
  equal(members.map((m) => m.member ?? m.owner).sort(), [alice.user, bob.user].sort(), 'members');
  const page = (await conn.getChatRoomMembers({ chatRoomId, limit: 20 })).data;
  equal(page.members.map((m) => m.userId).sort(), [alice.user, bob.user].sort(), 'members by cursor');
  ok((await bob.conn.getJoinedChatRooms({ pageNum: 1, pageSize: 20 })).data.some((r) => r.id === id), 'rooms that bob is in');
  ok((await conn.getChatRooms({ pagenum: 1, pagesize: 50 })).data.length > 0, 'rooms');
});

scenario('messages from above and of priorities', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  await bob.join(id);
  for (const priority of ['high', 'normal', 'low']) {
    await alice.text('chatRoom', id, priority, { priority });
    has(await bob.got(priority), { priority }, priority);
  }
  await t.rest('POST', '/messages/chatrooms', { from: 'admin', to: [id], type: 'txt', body: { msg: 'from above' } });
  has(await bob.got('from above'), { from: 'admin', to: id }, 'by REST');
  await t.rest('POST', '/messages/chatrooms/broadcast', { from: 'admin', chatroom_msg_level: 'high', msg: { type: 'txt', msg: `to all of ${id}` } });
  has(await bob.got(`to all of ${id}`), { from: 'admin', to: id, broadcast: true }, 'a broadcast');
});

scenario('all devices of a member are in the room', {}, async (t) => {
  const user = await t.user('alice');
  const here = await t.online(user, { deviceId: 'here' });
  const there = await t.online(user, { deviceId: 'there' });
  const bob = await t.online(await t.user('bob'));
  const id = await t.chatroom();
  await here.join(id);
  await bob.join(id);
  await bob.text('chatRoom', id, 'hello both');
  for (const d of [here, there]) await d.got('hello both');
  await here.text('chatRoom', id, 'mine');
  for (const d of [bob, there]) await d.got('mine');
  equal(here.texts(), ['hello both'], 'what the sending device got');
});

scenario('a short absence changes nothing', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await t.chatroom();
  await alice.join(id);
  await bob.join(id);
  await alice.room('memberPresence', '', (e) => e.from === bob.user);
  bob.drop();
  await bob.event('onReconnecting');
  await bob.event('onConnected', () => true, 15000);
  await alice.text('chatRoom', id, 'are you there?');
  await bob.got('are you there?');
  await bob.text('chatRoom', id, 'I am');
  await alice.got('I am');
  equal(alice.all('onChatroomEvent', { operation: 'memberAbsence' }), [], 'absences');
});

scenario('a long absence ends a stay', {}, async (t) => {
  const app = t.world.config.apps.tight;
  const alice = await t.online(await t.user('alice', app), {}, { app });
  const bob = await t.online(await t.user('bob', app), {}, { app });
  const id = await t.chatroom({}, app);
  await alice.join(id);
  await bob.join(id);
  bob.cut();
  await alice.event('onChatroomEvent', { operation: 'memberAbsence', from: bob.user }, 15000);
  bob.mend();
  await eventually(() => bob.conn.isOpened(), 'bob is back', 20000);
  ok((await code(bob, id)) !== 'taken', 'bob speaks though he fell out');
  await bob.join(id);
  await alice.text('chatRoom', id, 'welcome back');
  await bob.got('welcome back');
});

scenario('many messages in a chatroom, in order', {}, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await t.chatroom();
  for (const d of [alice, bob, carol]) await d.join(id);
  const from = async (d) => {
    for (let n = 0; n < 40; n++) await d.text('chatRoom', id, `${d.user} ${n}`);
  };
  await Promise.all([from(alice), from(bob)]);
  await eventually(() => carol.texts().length >= 80, 'all of them');
  for (const d of [alice, bob]) {
    equal(carol.texts((m) => m.from === d.user), Array.from({ length: 40 }, (_, n) => `${d.user} ${n}`), d.user);
  }
});
