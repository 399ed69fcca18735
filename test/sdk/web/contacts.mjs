// Contacts: asking, answering, parting.

import { topic } from './run.mjs';
import { equal, has } from './device.mjs';

const scenario = topic('contacts');
const callbacks = { '3.6.3': 'its calls are others' };

scenario('a contact asked for and accepted', { core: 'jsdom', apart: callbacks }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  await alice.conn.addContact(bob.user, 'remember me?');
  has(await bob.event('onContactInvited'), { from: alice.user, to: bob.user, status: 'remember me?' }, 'bob is asked');
  await bob.conn.acceptContactInvite(alice.user);
  has(await alice.first(['onContactAgreed', 'onContactAdded']).then((e) => e.data), { from: bob.user }, 'alice is told');
  for (const [d, other] of [[alice, bob], [bob, alice]]) equal((await d.conn.getContacts()).data, [other.user], d.user);
  await alice.conn.setContactRemark({ userId: bob.user, remark: 'from school' });
  equal((await alice.conn.getAllContacts()).data.map((c) => [c.userId, c.remark]), [[bob.user, 'from school']], 'with remarks');
  await alice.conn.deleteContact(bob.user);
  has(await bob.event('onContactDeleted'), { from: alice.user }, 'bob is told');
  equal((await bob.conn.getContacts()).data, [], "bob's contacts");
});

scenario('a contact declined', {}, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  await alice.conn.addContact(bob.user, 'remember me?');
  await bob.event('onContactInvited');
  await bob.conn.declineContactInvite(alice.user);
  has(await alice.event('onContactRefuse'), { from: bob.user }, 'alice is told');
  equal((await alice.conn.getContacts()).data, [], 'contacts');
});

scenario('asked while away', {}, async (t) => {
  const [alice] = await t.people('alice');
  const user = await t.user('bob');
  await alice.conn.addContact(user, 'are you there?');
  const bob = await t.online(user);
  has(await bob.event('onContactInvited'), { from: alice.user, status: 'are you there?' }, 'bob is asked');
});

scenario('contacts made by REST', { long: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  await t.rest('POST', `/users/${alice.user}/contacts/users/${bob.user}`);
  await Promise.all([alice, bob].map((d) => d.first(['onContactAdded', 'onContactAgreed', 'onContactInvited'])));
  await t.rest('DELETE', `/users/${alice.user}/contacts/users/${bob.user}`);
  await bob.event('onContactDeleted');
});

scenario('a profile', { long: true }, async (t) => {
  const [alice, bob] = await t.people('alice', 'bob');
  await alice.conn.updateUserInfo({ nickname: 'Alice 爱丽丝', sign: 'tea' });
  has((await bob.conn.fetchUserInfoById([alice.user])).data[alice.user], { nickname: 'Alice 爱丽丝', sign: 'tea' }, 'what bob reads');
});

scenario('contacts over the socket', { core: true, sdk: '3.6.3' }, async (t) => {
  const [alice, bob, carol] = await t.people('alice', 'bob', 'carol');
  alice.conn.addContact(bob.user, 'remember me?');
  has(await bob.event('onContactInvited'), { from: alice.user, to: bob.user, status: 'remember me?' }, 'bob is asked');
  bob.conn.acceptInvitation(alice.user);
  has((await alice.first(['onContactAgreed', 'onContactAdded'])).data, { from: bob.user }, 'alice is told');
  alice.conn.addContact(carol.user, 'and you?');
  await carol.event('onContactInvited');
  carol.conn.declineInvitation(alice.user);
  has(await alice.event('onContactRefuse'), { from: carol.user }, 'alice is told of carol');
  alice.conn.deleteContact(bob.user);
  has(await bob.event('onContactDeleted'), { from: alice.user }, 'bob is told');
});
