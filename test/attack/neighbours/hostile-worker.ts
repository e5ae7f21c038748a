import { request } from 'node:http';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, openSync, rmSync, writeSync, writeFileSync, chmodSync } from 'node:fs';
import { constants, deflateRawSync } from 'node:zlib';

/*
 * What a worker under somebody else's control does to its server. It runs inside the container, by itself: no import of
 * Errand's. Arguments: what to do, the task, the attempt, its token, and for how many seconds.
 */

const SOCKET = '/run/errand/coordinator/coordinator.sock';
const MB = 1024 * 1024;
const CONNECTIONS = 8;
const [what = '', task_id = '', attempt = '1', token = '', seconds = '1'] = process.argv.slice(2);
const until = Date.now() + Number(seconds) * 1000;
const isOver = () => Date.now() > until;

/** Sends a body, and resolves with the status and the text of the answer; with 0 if the connection was cut. */
function post(path: string, type: string, body: Buffer): Promise<{ status: number; text: string }> {
  return new Promise((resolve) => {
    const headers = {
      authorization: `Bearer ${token}`,
      'x-api-key': token,
      'content-type': type,
      'content-length': body.length,
      'anthropic-version': '2023-06-01',
    };
    const call = request({ socketPath: SOCKET, method: 'POST', path: `/internal/tasks/${task_id}/${path}`, headers });
    const cut = () => resolve({ status: 0, text: '' });
    call.on('error', cut);
    call.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (more: string) => (text += more.slice(0, 1000)));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      response.on('error', cut);
    });
    call.end(body);
  });
}

/** Fetches the assignment, and resolves with the status of the answer; with 0 if the connection was cut. */
function fetchAssignment(): Promise<{ status: number }> {
  return new Promise((resolve) => {
    const headers = { authorization: `Bearer ${token}` };
    const call = request({ socketPath: SOCKET, path: `/internal/tasks/${task_id}/assignment`, headers });
    const cut = () => resolve({ status: 0 });
    call.on('error', cut);
    call.on('response', (response) => {
      response.on('end', () => resolve({ status: response.statusCode ?? 0 })).on('error', cut);
      response.resume();
    });
    call.end();
  });
}

const json = (path: string, text: string) => post(path, 'application/json', Buffer.from(text));

/** Makes calls on many connections until the time is over. Returns how often each status came. */
async function flood(call: (i: number) => Promise<{ status: number }>): Promise<string> {
  const counts: Record<string, number> = {};
  let i = 0;
  const one = async () => {
    while (!isOver()) {
      const { status } = await call(i++);
      counts[status] = (counts[status] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: CONNECTIONS }, one));
  return JSON.stringify(counts);
}

const event = (seq: number, data: string, at = new Date().toISOString()) =>
  `{"seq":${seq},"at":"${at}","type":"custom","body":{"name":"x","data":${data}}}`;

/** A list of objects, with so many values and keys in all. */
function manyValues(nodes: number): string {
  const one = `{${Array.from({ length: 1000 }, (_, i) => `"k${i}":0`).join()}}`;
  return `[${Array<string>(Math.floor(nodes / 2001))
    .fill(one)
    .join()}]`;
}

/** The number of the event that comes next. */
async function nextSeq(): Promise<number> {
  const { text } = await json('events', `{"attempt":${attempt},"events":[${event(1_000_000_000, '0')}]}`);
  return Number(/"expected_seq":(\d+)/.exec(text)?.[1] ?? 1);
}

function zeros(megabytes: number): Buffer {
  const block = deflateRawSync(Buffer.alloc(MB), { finishFlush: constants.Z_FULL_FLUSH });
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE((((megabytes * MB) % 65_521) * 65_536 + 1) >>> 0);
  const size = [0xb0 | ((megabytes * MB) % 16)];
  for (let rest = Math.floor((megabytes * MB) / 16); rest > 0; rest = Math.floor(rest / 128))
    size.push((rest % 128) | (rest >= 128 ? 0x80 : 0));
  const head = Buffer.from([...Buffer.from('PACK'), 0, 0, 0, 2, 0, 0, 0, 1, ...size, 0x78, 0x9c]);
  const all = Buffer.concat([head, ...Array<Buffer>(megabytes).fill(block), deflateRawSync(''), sum]);
  return Buffer.concat([all, createHash('sha1').update(all).digest()]);
}

const ATTACKS: Record<string, () => Promise<string>> = {
  'callback bodies': () => {
    const bodies = [
      `{"attempt":${attempt},"events":[${'0,'.repeat(2_000_000)}0]}`,
      `{"attempt":${attempt},"events":${'['.repeat(2_000_000)}${']'.repeat(2_000_000)}}`,
      `{${Array.from({ length: 250_000 }, (_, i) => `"k${i}":0`).join()}}`,
    ];
    return flood((i) => json('events', bodies[i % bodies.length] ?? ''));
  },
  'events in another order': async () => {
    const [first, at, data] = [await nextSeq(), new Date().toISOString(), manyValues(55_000)];
    const post = (each: string) =>
      json('events', `{"attempt":${attempt},"events":[${[0, 1, 2, 3].map((i) => event(first + i, each, at)).join()}]}`);
    const orders = [`{"a":${data},"b":0}`, `{"b":0,"a":${data}}`];
    return flood((i) => post(orders[i % 2] ?? ''));
  },
  assignments: async () => {
    const body = `{"turn":1,"ref":"x","name":"y","input":${manyValues(200_000)}}`;
    for (let i = 0; i < 30; i++) {
      const sent = `{"seq":${await nextSeq()},"at":"${new Date().toISOString()}","type":"tool.started","body":${body}}`;
      await json('events', `{"attempt":${attempt},"events":[${sent}]}`);
    }
    return flood(fetchAssignment);
  },
  'accepted model bodies': () => {
    const input = manyValues(450_000);
    const content = `[{"type":"tool_use","id":"x","name":"y","input":${input}}]`;
    const body = `{"model":"claude-sonnet-5-5","max_tokens":1,"messages":[{"role":"user","content":${content}}]}`;
    return flood(() => json('llm/v1/messages', body));
  },
  'model bodies': () => {
    const body = `{"model":"claude-sonnet-5-5","max_tokens":1,"messages":[${'0,'.repeat(15_000_000)}0]}`;
    return flood(() => json('llm/v1/messages', body));
  },
  'undeletable folders': async () => {
    let made = 0;
    for (; !isOver(); made++) {
      let dir = `/run/errand/worker/${made}`;
      try {
        for (let depth = 0; depth < 12; depth++) mkdirSync((dir = `${dir}/${'x'.repeat(250)}`), { recursive: true });
        writeFileSync(`${dir}/-rf *`, '');
        for (let i = 0; i < 28; i++) execFileSync('mkdir', ['x'.repeat(250)], { cwd: dir, stdio: 'ignore' });
      } catch {
        // The path is too long by now.
      }
      chmodSync(`/run/errand/worker/${made}`, 0o000);
    }
    return `${made} trees`;
  },
  'a flood of events': async () => {
    let seq = 0;
    let last = '';
    const data = JSON.stringify('x'.repeat(7000));
    while (!isOver()) {
      const events = Array.from({ length: 500 }, (_, i) => event(seq + i + 1, data)).join();
      const { status, text } = await json('events', `{"attempt":${attempt},"events":[${events}]}`);
      last = `${status} ${text.slice(0, 200)}`;
      const expected = /"expected_seq":(\d+)/.exec(text)?.[1];
      const acked = /"acked_seq":(\d+)/.exec(text)?.[1];
      seq = acked !== undefined ? Number(acked) : expected !== undefined ? Number(expected) - 1 : seq + 1;
    }
    return `${seq} events; ${last}`;
  },
  'unlinked files': async () => {
    const file = openSync('/workspace/hidden', 'w');
    rmSync('/workspace/hidden');
    const block = Buffer.alloc(8 * MB, 1);
    let written = 0;
    while (!isOver()) {
      try {
        written += writeSync(file, block);
      } catch {
        // It is full: go on with what becomes free.
      }
      await new Promise((resolve) => setImmediate(resolve));
    }
    return `${written / MB} MB`;
  },
  'pack bombs': () => {
    const pack = zeros(4096);
    const line = (i: number) =>
      `${'0'.repeat(40)} ${'1'.repeat(40)} refs/heads/errand/${task_id}-${i}\0report-status\n`;
    return flood((i) => {
      const command = line(i);
      const head = `${(command.length + 4).toString(16).padStart(4, '0')}${command}0000`;
      return post(
        'git/git-receive-pack',
        'application/x-git-receive-pack-request',
        Buffer.concat([Buffer.from(head), pack]),
      );
    });
  },
};

console.log(await ATTACKS[what]?.());
