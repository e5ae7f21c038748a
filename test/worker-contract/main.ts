import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import type { Assignment } from '../../protocol/worker-schemas.ts';
import { CONTRACT_HEADER, CONTRACT_VERSION } from '../../protocol/worker.ts';
import type { ResultPost } from '../../protocol/worker-schemas.ts';
import { startGitServer } from '../support/git-server.ts';
import { serveRepository, severalOf } from '../support/mock-coordinator/git.ts';
import { MockCoordinator } from '../support/mock-coordinator/mock.ts';
import { proxyUpstream } from '../support/mock-coordinator/model.ts';
import type { MockTask } from '../support/mock-coordinator/task.ts';
import { faults, startModel, type Entry } from '../support/model/server.ts';
import { readRecording, Recorded, recordingOf } from './recorded.ts';

/*
 * Records what today's worker sends: `node test/worker-contract/main.ts`. The real agent runs whole errands with a
 * scripted model and a mock coordinator. Together they produce every event type of the agent. With the name of an
 * errand it records that one alone, and keeps the others as they are.
 */

/** `further`: whether it has a second repository. */
type Errand = {
  name: string;
  script: Entry[];
  further?: boolean;
  assignment?: Partial<Assignment>;
  begin?: (task: MockTask) => void;
};

/** The folder and key of the second repository; in the recording it is `{other}`. */
const OTHER = 'the-other-repository';

const run = (command: string) => ({ name: 'run_command', input: { command } });
const PLAN = { name: 'update_plan', input: { items: [{ text: 'Write it down', status: 'in_progress' }] } };

const ERRANDS: Errand[] = [
  {
    name: 'succeeds',
    assignment: { max_turns: 6, setup_command: 'echo ready', verify_command: 'test -f notes.txt' },
    script: [
      faults.overloaded(),
      {
        thinking: 'What is there?',
        text: 'I look.',
        tools: [PLAN, { name: 'read_file', input: { path: 'README.md' } }],
      },
      { tools: [{ name: 'ask_person', input: { question: 'Where to?' } }] },
      {
        applied_edits: [{ type: 'clear_tool_uses_20250919', cleared_tool_uses: 1, cleared_input_tokens: 100 }],
        // Longer than `quiet_ms`, so that the command is reported as silent.
        tools: [run('sleep 11; echo one; exit 3')],
      },
      { tools: [{ name: 'write_file', input: { path: 'notes.txt', content: 'noted\n' } }] },
      { text: 'Write notes\n\nThey are written.' },
    ],
    begin: (task) => {
      task.watch((seen) => {
        if (seen.kind === 'event' && seen.event.type === 'question.asked') task.say('Into notes.txt, please.');
      });
    },
  },
  { name: 'fails', script: [{ refusal: { category: null, explanation: 'Not this.' } }] },
  {
    name: 'is cancelled',
    script: [{ tools: [run('sleep 600')] }],
    begin: (task) => {
      task.watch((seen) => {
        if (seen.kind === 'event' && seen.event.type === 'tool.started') task.cancel('You cancelled it.');
      });
    },
  },
  {
    name: 'changes two repositories',
    further: true,
    script: [
      { tools: [run(`echo noted > notes.txt && echo noted > ../${OTHER}/notes.txt`)] },
      { text: 'Write notes in both\n\nThey are written.' },
    ],
  },
];

const MAIN = fileURLToPath(new URL('../../agent-container/main.ts', import.meta.url));
const CALLBACK = /^\/internal\/tasks\/[^/]+\/(assignment|events|heartbeat|result)$/;

async function record({ name, script, further = false, assignment, begin }: Errand): Promise<Recorded[]> {
  const folder = await mkdtemp(join(tmpdir(), 'errand-record-'));
  const forge = await startGitServer();
  const beside = further ? [await forge.createRepository(OTHER)] : [];
  const repository = await serveRepository('errand://sample', folder, undefined, beside);
  const model = await startModel({ script });
  const upstream = proxyUpstream(model);
  const mock = new MockCoordinator({ git: repository.proxy, llm: upstream.proxy });
  await mock.start();
  const calls: Recorded[] = [];
  const between = createServer((request, response) => void pass(mock, name, calls, request, response));
  between.listen(0, '127.0.0.1');
  await once(between, 'listening');
  const task = mock.addTask({
    prompt: 'Write notes.',
    title: 'Write notes.',
    heartbeat_ms: 500,
    ...severalOf(repository),
    ...assignment,
  });
  begin?.(task);
  const worker = spawn(process.execPath, [MAIN], {
    env: {
      PATH: process.env.PATH,
      ERRAND_COORDINATOR: `http://127.0.0.1:${(between.address() as AddressInfo).port}`,
      ERRAND_TASK_ID: task.id,
      ERRAND_TASK_TOKEN: task.token,
      ERRAND_WORKSPACE: join(folder, 'workspace'),
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  const [code] = await once(worker, 'exit');
  if (code !== 0) throw new Error(`The worker of '${name}' exited with ${String(code)}.`);
  between.closeAllConnections();
  between.close();
  await Promise.all([mock.stop(), upstream.close(), model.close(), repository.close(), forge.close()]);
  await rm(folder, { recursive: true, force: true });
  const names = [[task.id, '{task_id}'], ...task.messages.map(({ id }, i) => [id, `{message_${i + 1}}`])];
  const places = repository.others.map(({ repo_url }) => [repo_url, `https://forge.test/owner/${OTHER}`]);
  const text = [[join(folder, 'workspace'), '/workspace'], ...names, ...places, [OTHER, '{other}']].reduce(
    (all, [from = '', to = '']) => all.replaceAll(from, to),
    JSON.stringify(calls),
  );
  return Recorded.array().parse(JSON.parse(text));
}

/** Forwards every call, and records the callbacks with their replies. */
async function pass(
  mock: MockCoordinator,
  errand: string,
  calls: Recorded[],
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { url = '', method, headers } = incoming;
  const [, call] = CALLBACK.exec(url) ?? [];
  const onward = httpRequest(new URL(url, mock.address), { method, headers });
  const sent = call === undefined ? undefined : textOf(incoming);
  const answered = once(onward, 'response') as Promise<[IncomingMessage]>;
  await pipeline(incoming, onward);
  const [answer] = await answered;
  outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
  const got = call === undefined ? undefined : textOf(answer);
  // The worker hangs up on a model's answer when it is cancelled.
  await pipeline(answer, outgoing).catch(() => undefined);
  if (call === undefined) return;
  const told = { [CONTRACT_HEADER]: String(headers[CONTRACT_HEADER]) };
  const [body, reply] = await Promise.all([sent, got]);
  const json = (text: string | undefined): unknown => (text ? JSON.parse(text) : null);
  calls.push(Recorded.parse({ errand, call, headers: told, body: json(body), answer: withoutToken(json(reply)) }));
}

async function textOf(stream: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(stream, 'end');
  return Buffer.concat(chunks).toString('utf8');
}

const withoutToken = (answer: unknown) =>
  JSON.parse(JSON.stringify(answer, (key, value) => (key === 'token' ? '' : value)));

/** Inserts events that this agent does not send, but others may, before the result. */
function withOthers(calls: Recorded[]): Recorded[] {
  const result = calls.at(-1);
  if (result?.call !== 'result') throw new Error('The last call is not the result.');
  const body = result.body as ResultPost;
  const events = [
    { type: 'log', body: { level: 'info', text: 'Worth a line.' } },
    { type: 'custom', body: { name: 'of-another-agent', data: { any: ['thing'] } } },
  ].map((event, i) => ({ seq: body.last_seq + 1 + i, at: new Date().toISOString(), ...event }));
  const acked_seq = body.last_seq + events.length;
  const post = { ...result, call: 'events' as const, body: { attempt: 1, events, deltas: [] } };
  return [...calls.slice(0, -1), post, { ...result, body: { ...body, last_seq: acked_seq } }];
}

const [only] = process.argv.slice(2);
const kept = only === undefined ? new Map<string, Recorded[]>() : readRecording(CONTRACT_VERSION);
const all: Recorded[] = [];
for (const errand of ERRANDS) {
  const before = errand.name === only ? undefined : kept.get(errand.name);
  all.push(...(before ?? withOthers(await record(errand))));
}
await writeFile(recordingOf(CONTRACT_VERSION), all.map((call) => `${JSON.stringify(call)}\n`).join(''));
