// The life of groups, for members who are there and for those who were away.

import { topic } from './run.mjs';
import { equal, has, ok, refused } from './device.mjs';
import { group } from './messages.mjs';

const scenario = topic('groups');
const callbacks = { '3.6.3': 'its calls are others' };

const make = (t, d, members, more = {}) => d.conn.createGroup({ data: {
  groupname: 'a group', desc: 'for tests', members: members.map((m) => m.user ?? m), public: true, approval: true, allowinvites: true,
  inviteNeedConfirm: false, maxusers: 50, ...more,
} }).then((answer) => answer.data.groupid);

const event = (d, operation, id, more = {}) => d.event('onGroupEvent', { operation, id, ...more });

scenario('a group is made with members', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await make(t, alice, [bob]);
  has(await event(bob, 'directJoined', id), { from: alice.user, name: 'a group' }, 'what bob is told');
  await bob.text('groupChat', id, 'thanks');
  await alice.got('thanks');
  const info = (await bob.conn.getGroupInfo({ groupId: id })).data[0];
  has(info, { id, name: 'a group', owner: alice.user, affiliations_count: 2 }, 'details');
  ok((await bob.conn.getJoinedGroups({ pageNum: 1, pageSize: 20 })).data.some((g) => (g.groupid ?? g.groupId) === id), "bob's groups");
  const rich = await bob.conn.getJoinedGroups({ pageNum: 0, pageSize: 20, needAffiliations: true, needRole: true });
  has(rich.entities.find((g) => g.groupId === id), { groupName: 'a group', affiliationsCount: 2, role: 'member' }, "bob's groups with numbers");
  if (bob.conn.getJoinedGroupsCount) equal((await bob.conn.getJoinedGroupsCount()).data, 1, 'how many'); // a newer call
});

scenario('an invitation accepted and one declined', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await make(t, alice, [], { inviteNeedConfirm: true });
  await alice.conn.inviteUsersToGroup({ groupId: id, users: [bob.user, carol.user] });
  for (const d of [bob, carol]) has(await event(d, 'inviteToJoin', id), { from: alice.user, name: 'a group' }, d.user);
  await bob.conn.acceptGroupInvite({ invitee: bob.user, groupId: id });
  has(await event(alice, 'acceptInvite', id), { from: bob.user }, 'alice is told of bob');
  await carol.conn.rejectGroupInvite({ invitee: carol.user, groupId: id });
  has(await event(alice, 'rejectInvite', id), { from: carol.user }, 'alice is told of carol');
  await bob.text('groupChat', id, 'here I am');
  await alice.got('here I am');
  await refused(carol.text('groupChat', id, 'me too'), 602, 'who declined');
});

scenario('an application accepted and one declined', {}, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await make(t, alice, []);
  await bob.conn.joinGroup({ groupId: id, message: 'let me in' });
  has(await event(alice, 'requestToJoin', id), { from: bob.user, reason: 'let me in' }, 'alice is asked');
  await alice.conn.acceptGroupJoinRequest({ applicant: bob.user, groupId: id });
  has(await event(bob, 'acceptRequest', id), { from: alice.user }, 'bob is told');
  await carol.conn.joinGroup({ groupId: id, message: 'me too' });
  await event(alice, 'requestToJoin', id, { from: carol.user });
  await alice.conn.rejectGroupJoinRequest({ applicant: carol.user, groupId: id, reason: 'no place' });
  has(await event(carol, 'joinPublicGroupDeclined', id), { from: alice.user, userId: carol.user }, 'carol is told');
});

scenario('an open group is joined', {}, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await make(t, alice, [carol], { approval: false });
  await bob.conn.joinGroup({ groupId: id, message: '' });
  for (const d of [alice, carol]) has(await event(d, 'memberPresence', id), { from: bob.user }, d.user);
  await bob.text('groupChat', id, 'hello');
  await carol.got('hello');
  await bob.conn.leaveGroup({ groupId: id });
  for (const d of [alice, carol]) has(await event(d, 'memberAbsence', id), { from: bob.user }, d.user);
  await refused(bob.text('groupChat', id, 'hello?'), 602, 'who left');
});

scenario('a member is thrown out of a group', {}, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await group(t, alice, bob, carol);
  await alice.conn.removeGroupMember({ groupId: id, username: bob.user });
  has(await event(bob, 'removeMember', id), { from: alice.user }, 'bob is told');
  has(await event(carol, 'memberAbsence', id), { from: bob.user }, 'carol is told');
  await refused(bob.text('groupChat', id, 'hello?'), 602, 'who was thrown out');
  await alice.text('groupChat', id, 'he is gone');
  await carol.got('he is gone');
  await alice.text('singleChat', bob.user, 'fence');
  await bob.got('fence');
  equal(bob.texts(), ['fence'], 'what bob heard');
});

scenario('mutes and roles in a group', {}, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await group(t, alice, bob, carol);
  await alice.conn.setGroupAdmin({ groupId: id, username: bob.user });
  has(await event(bob, 'setAdmin', id), { from: alice.user }, 'bob is told');
  await bob.conn.muteGroupMember({ groupId: id, username: carol.user, muteDuration: 60_000 });
  has(await event(carol, 'muteMember', id), { from: bob.user }, 'carol is told');
  await refused(carol.text('groupChat', id, 'hello?'), 507, 'who is muted');
  equal((await alice.conn.getGroupMutelist?.({ groupId: id }) ?? await alice.conn.getMuted({ groupId: id })).data.map((m) => m.user), [carol.user], 'muted');
  await bob.conn.unmuteGroupMember({ groupId: id, username: carol.user });
  await event(carol, 'unmuteMember', id);
  await carol.text('groupChat', id, 'thanks');
  await alice.got('thanks');
  await alice.conn.removeGroupAdmin({ groupId: id, username: bob.user });
  await event(bob, 'removeAdmin', id);
  await alice.conn.changeGroupOwner({ groupId: id, newOwner: carol.user });
  has(await event(carol, 'changeOwner', id), { from: alice.user }, 'carol is told');
  has((await bob.conn.getGroupInfo({ groupId: id })).data[0], { owner: carol.user }, 'the owner');
});

scenario('a group is changed and ends', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  const id = await group(t, alice, bob);
  await alice.conn.modifyGroup({ groupId: id, groupName: 'renamed', description: 'changed' });
  const changed = await event(bob, 'updateInfo', id);
  has(changed, { from: alice.user }, 'bob is told');
  has(changed.detail, { name: 'renamed', description: 'changed' }, 'of what');
  await alice.conn.updateGroupAnnouncement({ groupId: id, announcement: 'tea at five' });
  has(await event(bob, 'updateAnnouncement', id), { announcement: 'tea at five' }, 'the announcement');
  equal((await bob.conn.fetchGroupAnnouncement({ groupId: id })).data.announcement, 'tea at five', 'the announcement read');
  await bob.conn.setGroupMemberAttributes({ groupId: id, userId: bob.user, memberAttributes: { hat: 'green' } });
  has(await event(alice, 'memberAttributesUpdate', id), { userId: bob.user, attributes: { hat: 'green' } }, 'the attributes');
  await alice.conn.destroyGroup({ groupId: id });
  has(await event(bob, 'destroy', id), { from: alice.user }, 'the end');
  await refused(bob.text('groupChat', id, 'hello?'), 605, 'a group that ended');
});

scenario('what happened to groups while one was away', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice] = await t.people('alice');
  const user = await t.user('bob');
  const bob = t.device();
  await bob.open(user, { accessToken: await t.token(user) });
  const [kept, left, ended] = [await group(t, alice, bob), await group(t, alice, bob), await group(t, alice, bob)];
  await alice.text('singleChat', user, 'settled');
  await bob.got('settled');
  bob.close();
  const { events } = bob;
  const before = events.length;
  const fresh = await make(t, alice, [user]);
  await alice.conn.removeGroupMember({ groupId: left, username: user });
  await alice.conn.destroyGroup({ groupId: ended });
  await alice.conn.changeGroupOwner({ groupId: kept, newOwner: user });
  await bob.open(user, { accessToken: await t.token(user) });
  await event(bob, 'directJoined', fresh);
  await event(bob, 'removeMember', left);
  await event(bob, 'destroy', ended);
  await event(bob, 'changeOwner', kept);
  const told = events.slice(before).filter((e) => e.name === 'onGroupEvent').map((e) => `${e.data.operation} ${e.data.id}`);
  equal(told.length, new Set(told).size, `nothing is told twice: ${told}`);
});

scenario('an invitation while one was away', {}, async (t) => {
  const [alice] = await t.people('alice');
  const user = await t.user('bob');
  const bob = await t.online(user);
  bob.close();
  const id = await make(t, alice, [], { inviteNeedConfirm: true });
  await alice.conn.inviteUsersToGroup({ groupId: id, users: [user] });
  await bob.open(user, { accessToken: await t.token(user) });
  has(await event(bob, 'inviteToJoin', id), { from: alice.user }, 'the invitation');
  await bob.conn.acceptGroupInvite({ invitee: user, groupId: id });
  await event(alice, 'acceptInvite', id);
});

scenario('what one does on one device the others hear', {}, async (t) => {
  const [alice] = await t.people('alice');
  const user = await t.user('bob');
  const [one, two] = [await t.online(user, { deviceId: 'one' }), await t.online(user, { deviceId: 'two' })];
  const id = await make(t, one, [alice]);
  has(await event(two, 'create', id), { from: user }, 'a group is made');
  await one.conn.setGroupMemberAttributes({ groupId: id, userId: user, memberAttributes: { nick: 'B' } });
  const attributes = { from: user, userId: user, attributes: { nick: 'B' } };
  has(await two.event('onMultiDeviceEvent', { operation: 'memberAttributesUpdate', id }), attributes, 'attributes are set');
  has(await event(alice, 'memberAttributesUpdate', id), attributes, 'alice is told as all are');
  const gid = await make(t, alice, [], { approval: false });
  await one.conn.joinGroup({ groupId: gid, message: '' });
  has(await two.event('onGroupChange', { type: 'join', gid }), { from: user }, 'a group is joined');
  await one.conn.leaveGroup({ groupId: gid });
  has(await two.event('onGroupChange', { type: 'leave', gid }), { from: user }, 'and left');
  const room = await t.chatroom();
  await one.join(room);
  has(await two.event('onChatroomChange', { type: 'join', gid: room }), { from: user }, 'a chatroom is entered');
  await t.rest('POST', `/users/${user}/contacts/users/${alice.user}`);
  await one.conn.deleteContact(alice.user);
  has(await two.event('onContactDeleted'), { from: user, to: alice.user }, 'a contact is ended');
  await alice.text('singleChat', user, 'fence');
  for (const d of [one, two]) await d.got('fence');
  const own = [...one.all('onGroupEvent'), ...one.all('onChatroomEvent'), ...one.all('onMultiDeviceEvent'), ...one.all('onContactDeleted'),
    ...one.all('onGroupChange', (e) => e.type !== 'memberJoinPublicGroupSuccess'), ...one.all('onChatroomChange')];
  equal(own, [], 'the device that did it is told nothing');
});

scenario('more of groups with the SDK', { long: true }, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  const id = await group(t, alice, bob, carol);
  const { conn } = alice;
  const groupId = id;
  const members = (await conn.listGroupMembers({ groupId, pageNum: 1, pageSize: 20 })).data;
  equal(members.map((m) => m.member ?? m.owner).sort(), [alice, bob, carol].map((d) => d.user).sort(), 'members');
  ok((await conn.getPublicGroups({ limit: 50 })).data.length > 0, 'public groups');
  await conn.disableSendGroupMsg({ groupId });
  await event(bob, 'muteAllMembers', id);
  await conn.addUsersToGroupAllowlist({ groupId, users: [bob.user] });
  await event(bob, 'addUserToAllowlist', id);
  await bob.text('groupChat', id, 'I may');
  await carol.got('I may');
  equal((await conn.getGroupAllowlist({ groupId })).data.includes(bob.user), true, 'the allow list');
  await conn.removeGroupAllowlistMember({ groupId, userName: bob.user });
  await conn.enableSendGroupMsg({ groupId });
  await event(bob, 'unmuteAllMembers', id);
  await conn.blockGroupMember({ groupId, username: carol.user });
  await event(carol, 'removeMember', id);
  equal((await conn.getGroupBlocklist({ groupId })).data, [carol.user], 'blocked');
  await conn.unblockGroupMember({ groupId, username: carol.user });
  await bob.conn.blockGroupMessages({ groupId });
  await conn.send(alice.sdk.message.create({ chatType: 'groupChat', type: 'txt', to: id, msg: 'not for bob' }));
  await conn.muteGroupMember({ groupId, username: bob.user, muteDuration: 1.1 * 3600_000 }); // is not whole
  await event(bob, 'muteMember', id, { userId: bob.user });
  await conn.unmuteGroupMember({ groupId, username: bob.user });
  await bob.conn.unblockGroupMessage({ groupId });
  await alice.text('groupChat', id, 'for bob');
  await bob.got('for bob');
  equal(bob.texts().includes('not for bob'), false, 'bob heard what he did not want to hear');
});
