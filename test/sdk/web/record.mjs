// Frames of the scenarios, one of each kind, as the codec's tests and fuzzing read them.

const commands = ['SYNC', 'UNREAD', 'NOTICE', 'PROVISION', 'LOGOUT'];
const spaces = ['STATISTIC', 'CHAT', 'MUC', 'ROSTER', 'CONFERENCE', 'NOTIFY', 'QUERY'];

// record makes the world keep frames and write them at the end.
export function record(world) {
  const files = new Map();
  const known = new Set(); // one of each kind is enough
  const root = schema(world);
  world.frame = (device, direction, data) => {
    const file = device.job.all ? `${device.topic}.txt` : `sdk-${device.job.sdk}.txt`;
    for (const bytes of binary(device, data)) {
      const what = `${direction}, ${tell(root, direction, bytes).trim()}`;
      if (known.has(`${device.job.sdk} ${what}`)) continue;
      known.add(`${device.job.sdk} ${what}`);
      if (!files.has(file)) files.set(file, new Map());
      files.get(file).set(what, `${hex(veiled(bytes, device.app.token.length))} # ${what}\n`);
    }
  };
  world.written = async () => {
    for (const [file, kinds] of files) {
      const head = '# What published SDKs and this server said to each other, a frame a line. "make vectors" records it; tokens are veiled.\n';
      const text = [...kinds.keys()].sort().map((k) => kinds.get(k)).join('');
      await world.control('vectors', { file, text: head + text });
    }
  };
}

// show prints every frame, for whoever looks at a scenario that fails.
export function show(world) {
  const root = schema(world);
  world.frame = (device, direction, data) => {
    for (const bytes of binary(device, data)) console.log(`${device.user} ${direction} ${tell(root, direction, bytes)} ${hex(veiled(bytes, device.app.token.length))}`);
  };
}

// schema is the newest SDK's own.
function schema(world) {
  const module = { exports: {} };
  const around = world.surroundings;
  const names = Object.keys(around);
  new Function(...names, 'localStorage', 'module', 'exports', 'define', world.sources['4.21.1'])(
    ...names.map((n) => around[n]), { getItem: () => null, setItem() {} }, module, module.exports, undefined);
  return new (module.exports.default ?? module.exports).connection({ appKey: 'a#b', isHttpDNS: false, url: 'ws://x', apiUrl: 'http://x' }).root;
}

// binary returns the MSync messages of a WebSocket message: itself, or those inside SockJS.
function binary(device, data) {
  if (!device.job.sockjs) return [new Uint8Array(data.buffer ? data.slice() : data.slice(0))];
  const text = String(data);
  const at = text.indexOf('[');
  if (at < 0 || text[0] === 'c') return [];
  return JSON.parse(text.slice(at)).map((s) => Uint8Array.from(atob(s), (c) => c.charCodeAt(0)));
}

function tell(root, direction, bytes) {
  const read = (name, b) => {
    const type = root.lookup('easemob.pb.' + name);
    return type.toObject(type.decode(b), { longs: String, enums: String });
  };
  const m = read('MSync', bytes);
  const command = commands[Number.isInteger(m.command) ? m.command : commands.indexOf(m.command)] ?? commands[0];
  const payload = root.lookup('easemob.pb.MSync').decode(bytes).payload;
  switch (command) {
    case 'SYNC':
      return 'SYNC ' + (direction === 'up' ? up(read('CommSyncUL', payload)) : down(read('CommSyncDL', payload)));
    case 'UNREAD':
      return 'UNREAD' + (direction === 'down' && read('CommUnreadDL', payload).unread?.length ? ' of some' : '');
    case 'PROVISION': {
      const { status } = read('Provision', payload);
      return 'PROVISION' + (status ? ` ${status.errorCode ?? 'OK'} ${status.reason ?? ''}` : '');
    }
  }
  return command;

  function up(ul) {
    if (ul.meta) return meta(ul.meta);
    return ul.key && ul.key !== '0' ? 'with key' : 'pull';
  }

  function down(dl) {
    const said = [];
    if (dl.metaId && dl.metaId !== '0') said.push(`answer ${dl.status?.errorCode ?? 'OK'} ${dl.status?.reason ?? ''}`.trim());
    const metas = [...new Set((dl.metas ?? []).map(meta))];
    if (metas.length) said.push(metas.length > 3 ? 'many kinds' : metas.join(', '));
    if ((dl.metas ?? []).length > 1) said.push('several');
    if (dl.nextKey && dl.nextKey !== '0') said.push('next key');
    if (dl.isLast) said.push('last');
    return said.join('; ');
  }

  function meta(m) {
    const ns = Number.isInteger(m.ns) ? spaces[m.ns] : m.ns ?? spaces[0];
    const bytes = typeof m.payload === 'string' ? Uint8Array.from(atob(m.payload), (c) => c.charCodeAt(0)) : m.payload;
    const route = m.routeType && m.routeType !== 'ROUTE_ALL' ? ` ${m.routeType}` : '';
    switch (ns) {
      case 'CHAT': {
        const b = read('MessageBody', bytes);
        const kinds = (b.contents ?? []).map((c) => (c.type ?? 'TEXT') + (c.subType ? ` ${c.subType}` : ''));
        return `CHAT ${b.type ?? 'NORMAL'} ${kinds.join('+')}${b.ext?.length ? ' with ext' : ''}${route}`;
      }
      case 'MUC': {
        const b = read('MUCBody', bytes);
        return `MUC ${b.operation ?? 'CREATE'}${b.isChatroom ? ' room' : ' group'}`;
      }
      case 'ROSTER':
        return `ROSTER ${read('RosterBody', bytes).operation ?? 'GET_ROSTER'}`;
      case 'STATISTIC':
        return `STATISTIC ${read('StatisticsBody', bytes).operation ?? 'INFORMATION'}`;
    }
    return ns;
  }
}

// veiled replaces tokens, which are of one length, by as many letters.
function veiled(bytes, length) {
  const text = Array.from(bytes, (b) => String.fromCharCode(b)).join('')
    .replace(new RegExp(`YWMt[\\w+/=-]{${length - 4}}`, 'g'), 'YWMt' + 'x'.repeat(length - 4));
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function hex(bytes) {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}
