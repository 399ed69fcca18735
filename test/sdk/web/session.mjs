// Logging in, and every reason against it.

import { topic } from './run.mjs';
import { equal, eventually, has, ok, refused } from './device.mjs';

const scenario = topic('session');

scenario('login by password', { core: true }, async (t) => {
  const user = t.name('alice');
  await t.rest('POST', '/users', { username: user, password: 'secret1' });
  const d = t.device();
  await d.open(user, { pwd: 'secret1' });
  ok(d.conn.isOpened(), 'the connection is not open');
});

scenario('login by token', { core: true }, async (t) => {
  const d = await t.online(await t.user('alice'));
  ok(d.conn.isOpened(), 'the connection is not open');
});

scenario('an app registers, logs in, out and in again', {}, async (t) => {
  const user = t.name('alice');
  const d = t.device();
  await d.conn.registerUser({ username: user, password: 'secret1', nickname: 'Alice' });
  await d.open(user, { pwd: 'secret1' });
  d.close();
  await d.event('onDisconnected');
  await d.open(user, { pwd: 'secret1' });
  ok(d.conn.isOpened(), 'the connection is not open');
});

scenario('a wrong password', {}, async (t) => {
  const user = t.name('alice');
  await t.rest('POST', '/users', { username: user, password: 'secret1' });
  await refused(t.device().open(user, { pwd: 'secret2' }), 1, 'a wrong password');
});

scenario('a password of nobody', {}, async (t) => {
  await refused(t.device().open(t.name('nobody'), { pwd: 'secret2' }), 1, 'an unknown user');
});

scenario('a token that is none', { core: true, apart: { '3.6.3': 'it tells no type' } }, async (t) => {
  await refused(t.device().open(await t.user('alice'), { accessToken: 'YWMtnothing' }), 28, 'a bad token');
});

scenario('a token of somebody else', {}, async (t) => {
  const token = await t.token(await t.user('bob'));
  await refused(t.device().open(await t.user('alice'), { accessToken: token }), 28, "another's token");
});

scenario('an expired token', {}, async (t) => {
  const user = await t.user('alice');
  const token = await t.token(user, { ttl: 1 });
  await eventually(async () => {
    const res = await fetch(`${t.url}/${t.app.key.replace('#', '/')}/users/${user}`, { headers: { Authorization: `Bearer ${token}` } });
    return res.status === 401;
  }, 'the token ends');
  await refused(t.device().open(user, { accessToken: token }), 56, 'an expired token');
});

scenario('a user who is gone', {}, async (t) => {
  const user = await t.user('alice');
  const token = await t.token(user);
  await t.rest('DELETE', `/users/${user}`);
  await refused(t.device().open(user, { accessToken: token }), 204, 'a token of a deleted user');
});

scenario('a user who is not there', {}, async (t) => {
  const token = await t.token(await t.user('alice'));
  await refused(t.device().open(t.name('nobody'), { accessToken: token }), 204, 'an unknown user');
});

scenario('a user who may not log in', {}, async (t) => {
  const user = await t.user('alice');
  const token = await t.token(user);
  await t.rest('POST', `/users/${user}/deactivate`);
  await refused(t.device().open(user, { accessToken: token }), 57, 'a deactivated user');
});

scenario('more devices than the app allows', {}, async (t) => {
  const app = t.world.config.apps.tight;
  const user = await t.user('alice', app);
  for (let i = 0; i < 2; i++) await t.online(user, {}, { app });
  await refused(t.online(user, {}, { app }), 214, 'the third device');
});

scenario('the server tells when the token ends', {}, async (t) => {
  const user = await t.user('alice');
  const d = t.device();
  await d.open(user, { accessToken: await t.token(user, { ttl: 8 }) }); // a busy machine takes some of them to log in
  await d.event('onTokenWillExpire');
  await d.event('onTokenExpired');
});

scenario('a renewed token', {}, async (t) => {
  const user = await t.user('alice');
  const d = await t.online(user);
  const renewed = await d.conn.renewToken(await t.token(user, { ttl: 3600 }));
  ok(renewed.expire > Date.now() && renewed.expire < Date.now() + 3700e3, `expires at ${JSON.stringify(renewed)}`);
});

scenario('the same resource twice', { core: true, apart: { '3.6.3': 'its resources differ at each login' } }, async (t) => {
  const user = await t.user('alice');
  const first = await t.online(user, { deviceId: 'here' });
  const second = await t.online(user, { deviceId: 'here' });
  has(await first.event('onError'), { type: 206 }, 'the first one');
  ok(second.conn.isOpened(), 'the second is not open');
  await eventually(() => !first.conn.isOpened(), 'the first is closed');
  const bob = await t.online(await t.user('bob'));
  await bob.text('singleChat', user, 'hello');
  await second.got('hello');
});

for (const [what, type, act] of [
  ['a changed password', 216, (t, user) => t.rest('PUT', `/users/${user}/password`, { newpassword: 'secret9' })],
  ['a deactivated user', 207, (t, user) => t.rest('POST', `/users/${user}/deactivate`)],
  ['a deleted user', 207, (t, user) => t.rest('DELETE', `/users/${user}`)],
  ['a forced logout', 217, (t, user) => t.rest('GET', `/users/${user}/disconnect`)],
]) {
  scenario(`${what} ends the session`, { core: what === 'a forced logout', apart: { '3.6.3': 'it tells no type' } }, async (t) => {
    const user = await t.user('alice');
    const d = await t.online(user);
    await act(t, user);
    has(await d.event('onError'), { type }, 'the error');
    await eventually(() => !d.conn.isOpened(), 'the socket is closed');
    // jsdom tells of the end in the same breath as of the message before it, which SDKs take a moment for.
    if (t.world.home === 'browser') equal(d.all('onReconnecting').length, 0, 'attempts to come back');
  });
}

scenario('a forced logout of one device', {}, async (t) => {
  const user = await t.user('alice');
  const here = await t.online(user, { deviceId: 'here' });
  const there = await t.online(user, { deviceId: 'there' });
  await t.rest('DELETE', `/users/${user}/disconnect/${here.conn.clientResource}`).catch(async () =>
    t.rest('GET', `/users/${user}/disconnect/${here.conn.clientResource}`));
  has(await here.event('onError'), { type: 217 }, 'the error');
  ok(there.conn.isOpened(), 'the other device is not open');
});

scenario('the state of a user', {}, async (t) => {
  const user = await t.user('alice');
  const state = async () => Object.values((await t.rest('GET', `/users/${user}/status`)).data)[0];
  equal(await state(), 'offline', 'before');
  const d = await t.online(user);
  equal(await state(), 'online', 'meanwhile');
  d.close();
  await eventually(async () => await state() === 'offline', 'offline after the logout');
});

scenario('ids of a user on other platforms', { long: true }, async (t) => {
  const user = await t.user('alice');
  const here = await t.online(user, { deviceId: 'here' });
  await t.online(user, { deviceId: 'there' });
  const ids = await here.conn.getSelfIdsOnOtherPlatform();
  equal(ids.data.length, 1, 'other devices');
});

scenario('a message to one device', {}, async (t) => {
  const [alice] = await t.people('alice');
  const user = await t.user('bob');
  const [one, two, three] = [await t.online(user, { deviceId: 'one' }), await t.online(user, { deviceId: 'two' }), await t.online(user, { deviceId: 'three' })];
  const at = (d) => `${user}/${d.conn.clientResource}`;
  await alice.text('singleChat', at(two), 'to the second');
  has(await two.got('to the second'), { from: alice.user, to: at(two) }, 'from another');
  ok((await one.conn.getSelfIdsOnOtherPlatform()).data.includes(at(three)), 'the third is known to the first');
  await one.text('singleChat', at(three), 'to myself');
  has(await three.got('to myself'), { from: at(one), to: at(three) }, 'from oneself');
  await alice.text('singleChat', user, 'fence');
  for (const d of [one, two, three]) await d.got('fence');
  equal([one, two, three].map((d) => d.texts()), [['fence'], ['to the second', 'fence'], ['to myself', 'fence']], 'what came where');
});

scenario('finding the server', {}, async (t) => {
  // All that differs from an app without url and apiUrl is who is asked where the server is.
  const d = t.device({ isHttpDNS: true, url: undefined, apiUrl: undefined, https: false });
  d.conn.dnsArr = [t.url];
  d.conn.dnsTotal = 1;
  const user = t.name('alice');
  await t.rest('POST', '/users', { username: user, password: 'secret1' });
  await d.open(user, { pwd: 'secret1' });
  ok(d.conn.url.includes(new URL(t.url).host), `the socket: ${d.conn.url}`);
  const bob = await t.online(await t.user('bob'));
  await d.text('singleChat', bob.user, 'found');
  await bob.got('found');
});

scenario('a page as an app has it', { core: true, only: 'browser' }, async (t) => {
  const script = document.createElement('script');
  script.src = `/${t.job.bundle}`;
  const loaded = new Promise((resolve, reject) => { script.onload = resolve; script.onerror = () => reject(new Error('the script does not load')); });
  document.head.append(script);
  await loaded;
  const sdk = window.websdk.default ?? window.websdk;
  const d = t.device({}, { sdk, storage: window.localStorage });
  const user = await t.user('alice');
  await d.open(user, { accessToken: await t.token(user) });
  const bob = await t.online(await t.user('bob'));
  await d.text('singleChat', bob.user, 'from the page');
  await bob.got('from the page');
  await bob.text('singleChat', user, 'to the page');
  await d.got('to the page');
});
