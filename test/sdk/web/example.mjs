// The page of examples/chatroom, as two people use it: forms are filled in and sent, and what the page says is read.

import { topic } from './run.mjs';
import { eventually } from './device.mjs';

const scenario = topic('example');

scenario('the page of the example', { only: 'browser', sdk: '4.21.1' }, async (t) => {
  const [jma1, jma2] = [t.name('jma1'), t.name('jma2')];
  for (const username of [jma1, jma2]) await t.rest('POST', '/users', { username, password: '123456' });
  const room = await t.chatroom({ owner: jma2 });
  const [owner, guest] = [await enter(t, jma2, room), await enter(t, jma1, room)];
  await owner.sees(`* ${jma1} came in; members: 2`);
  guest.types('the water boils');
  await owner.sees(`${jma1}: the water boils`);
  await guest.sees(`${jma1}: the water boils`);
  owner.types(`/mute ${jma1}`);
  await guest.sees('* you are muted until ');
  guest.types('and the leaves?');
  await guest.sees('! not done: 507 you are muted in this room');
  owner.types(`/unmute ${jma1}`);
  await guest.sees('* you may speak again');
  guest.closes();
  await owner.sees(`* ${jma1} left; members: 1`);
  owner.closes();
  const stranger = await page(t, jma1, room, 'wrong');
  await stranger.sees('! 17 invalid password');
  stranger.closes();
});

async function enter(t, user, room) {
  const p = await page(t, user, room, '123456');
  await p.sees(`* ${user} is in the chatroom ${room}`);
  return p;
}

async function page(t, user, room, password) {
  const frame = document.createElement('iframe');
  const loaded = new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }));
  frame.src = '/examples/chatroom/index.html?' + new URLSearchParams({ server: t.url, appKey: t.app.key, user, password, room });
  document.body.append(frame);
  await loaded;
  const { forms, defaultView } = frame.contentDocument;
  const told = () => defaultView.document.getElementById('told').textContent.split('\n');
  forms.enter.requestSubmit();
  return {
    sees: (beginning) => eventually(() => told().some((line) => line.startsWith(beginning)), `${user} sees ${beginning}`),
    types(line) {
      forms.speak.elements.line.value = line;
      forms.speak.requestSubmit();
    },
    closes: () => frame.remove(),
  };
}
