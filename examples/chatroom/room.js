// A chatroom with the official Web SDK: what the page and the terminal share. A program for the vendor's cloud looks the same but
// for the three options that are marked.
'use strict';

// enterRoom signs in, enters the room, and returns what can be done in it. What happens there is told to show, a line at a time.
async function enterRoom(websdk, { server, appKey, user, password, room }, show) {
  server = server.replace(/\/+$/, '');
  const conn = new websdk.connection({
    appKey,
    isHttpDNS: false, // ← do not ask the vendor's servers for addresses
    url: server.replace(/^http/, 'ws') + '/websocket', // ← Web SDK 3.x to 4.8: server + '/ws'
    apiUrl: server, // ←
  });
  let inside = false;
  conn.addEventHandler('example', {
    onTextMessage: (m) => m.to === room && show(`${m.from}: ${m.msg}`),
    onChatroomEvent: (e) => e.id === room && show(`* ${happened(e, user)}`),
    onDisconnected: () => inside && show('* the connection is lost'),
    onReconnecting: () => inside && show('* connecting again …'),
    onConnected: () => inside && show('* connected again'),
    onError: (err) => inside && show(`! ${reason(err)}`), // signed in elsewhere, signed out by the server, …
  });
  await conn.open({ user, pwd: password });
  await conn.joinChatRoom({ roomId: room });
  inside = true;
  return {
    say: (msg) => conn.send(websdk.message.create({ type: 'txt', chatType: 'chatRoom', to: room, msg })),
    mute: (username, seconds) => conn.muteChatRoomMember({ chatRoomId: room, username, muteDuration: seconds * 1000 }),
    unmute: (username) => conn.unmuteChatRoomMember({ chatRoomId: room, username }),
    async leave() {
      inside = false;
      await conn.leaveChatRoom({ roomId: room }).catch(() => {}); // removed, or without a connection: out already
      conn.close();
    },
  };
}

// obey does what was typed: a line is said, a command is carried out. What fails is told to show, and the answer is false.
async function obey(line, room, show) {
  const [command, name, seconds] = line.trim().split(/\s+/);
  try {
    if (command === '/mute' && name) await room.mute(name, Number(seconds ?? 60));
    else if (command === '/unmute' && name) await room.unmute(name);
    else if (command.startsWith('/')) show('! commands are: /mute NAME [SECONDS], /unmute NAME');
    else if (command !== '') await room.say(line.trim());
    return true;
  } catch (err) {
    show(`! not done: ${reason(err)}`);
    return false;
  }
}

// happened words an event of the room. Mutes are told to those who are muted, and to admins.
function happened({ operation, from, userId, memberCount, muteTimestamp }, me) {
  const who = userId === me ? 'you' : userId;
  const verb = userId === me ? 'are' : 'is';
  switch (operation) {
    case 'memberPresence': return `${from} came in; members: ${memberCount}`;
    case 'memberAbsence': return `${from} left; members: ${memberCount}`;
    case 'muteMember': return `${who} ${verb} muted until ${new Date(muteTimestamp).toLocaleString()}`;
    case 'unmuteMember': return `${who} may speak again`;
    case 'muteAllMembers': return 'nobody may speak now';
    case 'unmuteAllMembers': return 'all may speak again';
    case 'removeMember': return 'you were removed from the room';
    case 'destroy': return 'the room is gone';
    default: return operation;
  }
}

// reason words an error of the SDK: its number, and what it stands for.
function reason(err) {
  const known = {
    '-2': 'the server does not answer: does it run, and is its address right?',
    16: 'no connection',
    206: 'you signed in elsewhere',
    217: 'you were signed out',
    219: 'you are muted in the whole app',
    506: 'nobody may speak in this room now',
    507: 'you are muted in this room',
    602: 'you are not in this room',
    705: 'there is no such room',
  };
  const { type, message, data } = err.data?.type === undefined ? err : err.data; // what open() fails with has the reason inside
  let said = message;
  try {
    said = JSON.parse(data).error_description ?? said; // what REST answered
  } catch { /* no answer, or none in JSON */ }
  return `${type ?? ''} ${known[type] ?? said ?? err}`.trim();
}

if (typeof module === 'object') module.exports = { enterRoom, obey, reason };
