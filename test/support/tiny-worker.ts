/*
 * A minimal worker of the contract (protocol/worker.ts) in one file without dependencies, for tests of the runners and
 * the dispatcher. TINY_WORKER in its environment selects a fault at its start; the first word of the task's prompt
 * selects what it does with the task.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, openSync, rmSync, symlinkSync, writeFileSync, writeSync } from 'node:fs';
import { createServer, request, type IncomingMessage } from 'node:http';
import { dirname } from 'node:path';

const coordinator = (process.env.ERRAND_COORDINATOR ?? '').replace(/^unix:/, '');
const listen = (process.env.ERRAND_LISTEN ?? '').replace(/^unix:/, '');
const workspace = process.env.ERRAND_WORKSPACE ?? '';
const boot = process.env.TINY_WORKER ?? '';

type Task = { task_id: string; attempt: number; token: string; prompt: string; branch: string; transcript: unknown[] };
let task: Task | undefined;
let seq = 0;

async function call(path: string, body: unknown): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${task?.token}` };
  const outgoing = request(
    { socketPath: coordinator, method: 'POST', path: `/internal/tasks/${task?.task_id}/${path}`, headers },
    (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    },
  );
  outgoing.on('error', reject);
  outgoing.end(JSON.stringify(body));
  return promise;
}

/** Retries until the coordinator answers. */
async function callUntilAnswered(path: string, body: unknown): Promise<number> {
  for (;;) {
    try {
      const status = await call(path, body);
      if (status < 500) return status;
    } catch {
      // The coordinator is not reachable now.
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const at = () => new Date().toISOString();
const report = (type: string, body: unknown) =>
  callUntilAnswered('events', { attempt: task?.attempt, events: [{ seq: ++seq, at: at(), type, body }], deltas: [] });
const heartbeat = (waiting_for: unknown = null) =>
  callUntilAnswered('heartbeat', { attempt: task?.attempt, last_seq: seq, waiting_for });
const COMMAND = { kind: 'command', since: at(), command: 'npm test' };

const READY = { branch: 'b', base_branch: 'main', base_commit: null, commit: null };

async function finish(status: 'succeeded' | 'cancelled'): Promise<void> {
  if (status === 'succeeded') await report('repository.ready', READY);
  await callUntilAnswered('result', {
    attempt: task?.attempt,
    last_seq: seq,
    status,
    reason: null,
    detail: null,
    summary: `${status} with a transcript of ${task?.transcript.length}`,
    branch: task?.prompt === 'lie' ? task.branch : null,
    commit: task?.prompt === 'lie' ? 'a'.repeat(40) : null,
    base_commit: null,
    diff_stat: { files: 0, insertions: 0, deletions: 0 },
    diff: '',
    diff_truncated: false,
  });
}

async function work(): Promise<void> {
  appendFileSync(`${workspace}/seen`, `${task?.attempt}\n`);
  await report('agent.started', { agent: 'tiny', version: '1', resumed: (task?.transcript.length ?? 0) > 0 });
  const word = task?.prompt.split(' ')[0];
  if (word === 'die') process.exit(7);
  if (word === 'give-up') {
    console.error('it has no idea');
    process.exit(0);
  }
  if (word === 'die-once' && task?.attempt === 1) process.exit(7);
  if (word === 'crash-once' && task?.attempt === 1) throw new Error('the flux has gone');
  // Blocks the event loop, and with it the heartbeats.
  if (word === 'block-once' && task?.attempt === 1) for (;;);
  // Sends only heartbeats: it reports a command that should have ended long ago.
  if (word === 'stall-once' && task?.attempt === 1)
    return void setInterval(() => void heartbeat({ ...COMMAND, until: COMMAND.since }), 100);
  if (word === 'eat') {
    const eaten: Buffer[] = [];
    for (;;) eaten.push(Buffer.alloc(16 * 1024 * 1024, 1));
  }
  // Writes until it is stopped, the disk is full, or the test has failed.
  if (word === 'fill' || word === 'fill-link')
    for (let mb = 0; mb < 500; mb++) {
      try {
        appendFileSync(`${word === 'fill' ? workspace : dirname(listen)}/filling`, Buffer.alloc(1024 * 1024, 1));
      } catch {
        break;
      }
      await heartbeat();
    }
  // The same with a file that no folder shows.
  if (word === 'fill-hidden') {
    const file = openSync(`${workspace}/hidden`, 'w');
    rmSync(`${workspace}/hidden`);
    for (let mb = 0; mb < 250; mb++) {
      try {
        writeSync(file, Buffer.alloc(1024 * 1024, 1));
      } catch {
        break;
      }
      await heartbeat();
    }
  }
  if (word === 'leave-a-child') {
    const child = spawn('sleep', ['600'], { detached: true, stdio: 'ignore' });
    child.unref();
    writeFileSync(`${workspace}/child`, String(child.pid));
    process.exit(7);
  }
  if (['stay', 'fill', 'fill-link', 'fill-hidden', 'hold-on', 'promise', 'dawdle', 'listen'].includes(word ?? ''))
    return void setInterval(() => void heartbeat(), 250);
  await finish('succeeded');
  if (word === 'linger') return void setInterval(() => undefined, 1_000);
  process.exit(0);
}

/** Takes in the messages and finishes. */
async function hear({ messages }: { messages: { id: string; text: string }[] }): Promise<void> {
  for (const { id, text } of messages) await report('input.added', { turn: 0, source: 'person', message_id: id, text });
  await finish('succeeded');
  process.exit(0);
}

/** Cancels at once, later than a silent worker's grace period (`dawdle`), or never (`hold-on`, `promise`). */
function cancelled(word: string | undefined): { status: number } {
  if (word === 'hold-on') return { status: 503 };
  if (word === 'promise') return { status: 202 };
  setTimeout(() => void finish('cancelled').then(() => process.exit(0)), word === 'dawdle' ? 1_800 : 0);
  return { status: 202 };
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

async function answer(incoming: IncomingMessage): Promise<{ status: number; body?: unknown }> {
  const text = await bodyOf(incoming);
  switch (`${incoming.method} ${incoming.url}`) {
    case 'GET /healthz':
      return {
        status: 200,
        body: { ok: true, contract_version: boot === 'newer' ? 2 : 1, agent: 'tiny', version: '1' },
      };
    case 'POST /task': {
      if (boot === 'refuse') return { status: 409, body: 'boom with sk-ant-0123456789' };
      if (boot === 'break') {
        console.error('it breaks at its task');
        process.exit(4);
      }
      if (boot === 'newer') return { status: 400 };
      const assignment: Task = JSON.parse(text);
      if (task)
        return { status: task.task_id === assignment.task_id && task.attempt === assignment.attempt ? 202 : 409 };
      task = assignment;
      setImmediate(() => void work());
      return { status: 202 };
    }
    case 'POST /messages':
      if (!task) return { status: 409 };
      if (task.prompt.startsWith('listen')) void hear(JSON.parse(text));
      return { status: 202 };
    case 'POST /cancel':
      if (!task) return { status: 409 };
      return cancelled(task.prompt.split(' ')[0]);
    default:
      return { status: 404 };
  }
}

if (boot === 'exit') {
  console.error('it exits at once');
  process.exit(3);
}
process.on('SIGTERM', () => {
  if (!task?.prompt.startsWith('hold-on')) process.exit(143);
});
// A killed process may have left its socket.
rmSync(listen, { force: true });
if (boot === 'silent') setInterval(() => undefined, 1_000);
else if (boot === 'link') {
  symlinkSync(coordinator, listen);
  setInterval(() => undefined, 1_000);
} else
  createServer((incoming, outgoing) => {
    if (boot === 'deaf' && incoming.url === '/task') return;
    // Takes the task and starts, but never responds.
    if (boot === 'mute' && incoming.url === '/task') return void answer(incoming);
    void answer(incoming).then(({ status, body }) => {
      outgoing.writeHead(status, { 'content-type': 'application/json' });
      outgoing.end(body === undefined ? '' : JSON.stringify(body));
    });
  }).listen(listen);
