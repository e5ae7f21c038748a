import test, { type ExecutionContext } from 'ava';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Agent, request } from 'undici';
import type { CoordinatorUnderTest, OpenTask } from './coordinator-calls.ts';
import { COORDINATOR_RULES } from './coordinator-suite.ts';
import { mockedCoordinator } from './mocked-coordinator.ts';
import { parseJson, type Json } from './mutants/mutant.ts';
import { checkRule } from './rule.ts';

type Answer = { status: number; body: string };
type Change = (answer: Answer) => Answer;

/** A coordinator that changes each answer of the mock's. Resolves with its address. */
async function changing(t: ExecutionContext, socket_path: string, change: Change): Promise<OpenTask['address']> {
  const agent = new Agent({ connect: { socketPath: socket_path } });
  const server = createServer((incoming, response) => {
    void (async () => {
      const { method = 'GET', url = '', headers } = incoming;
      const body = method === 'POST' ? await buffer(incoming) : null;
      const reply = await request(`http://mock${url}`, { method, headers, body, dispatcher: agent });
      const type = String(reply.headers['content-type']);
      const answer = change({ status: reply.statusCode, body: await reply.body.text() });
      response.writeHead(answer.status, { 'content-type': type }).end(answer.body);
    })();
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(async () => {
    server.close();
    server.closeAllConnections();
    await agent.close();
  });
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, socket_path: null };
}

/** Changes the JSON of each answer that has this field. */
const field =
  (name: string, change: (value: unknown) => unknown): Change =>
  (answer) => {
    const json = parseJson(Buffer.from(answer.body));
    if (json?.[name] === undefined) return answer;
    return { ...answer, body: JSON.stringify({ ...json, [name]: change(json[name]) }) };
  };

const more = (value: unknown) => Number(value) + 1;
const without = (name: string, empty: unknown) =>
  field('control', (control) => ({ ...(control as Json), [name]: empty }));

/** What a coordinator does wrong, the rule that it breaks, and what the rule says of it. */
const MUTANTS: [name: string, change: Change, rule: string, says: RegExp][] = [
  [
    'assigns another task',
    field('task_id', () => 'another'),
    'the assignment can be fetched with the task token',
    /GET …\/assignment was answered with 200 \{.*; it should be 200 with .*Assignment/,
  ],
  [
    'acknowledges more than there is',
    field('acked_seq', more),
    'events are acknowledged up to the newest',
    /POST …\/events was answered with 200 \{"acked_seq":2.*; it should be 200 with the acked_seq 1$/,
  ],
  [
    'expects the wrong event',
    field('expected_seq', more),
    'a gap: 409 events_missing, with the number that comes next, and nothing is stored',
    /was answered with 409 .*"expected_seq":2.*; it should be events_missing with the expected_seq 1$/,
  ],
  [
    'drops messages',
    without('messages', []),
    'every reply has a pending message until an input.added that names it was acknowledged',
    /POST …\/heartbeat was answered with 200 .*; it should be 200 with the messages \[.*Use tabs/,
  ],
  [
    'drops a cancel',
    without('cancel', null),
    'every reply has a pending cancel',
    /POST …\/heartbeat was answered with 200 .*; it should be 200 with a cancel that has a reason$/,
  ],
  [
    'refuses with another status',
    (answer) => (answer.status === 401 ? { ...answer, status: 403 } : answer),
    'a token that is missing, malformed or of another task: 401',
    /was answered with 403 .*; it should be 401, which is the status of unauthenticated$/,
  ],
  [
    'does not name the event that it refuses',
    field('errors', () => []),
    'a malformed event: 400 that names it, and nothing of the POST is stored',
    /was answered with 400 .*; it should be 400 with errors that name \/events\/1$/,
  ],
  [
    'assigns no further repository',
    field('repositories', () => []),
    'a task with several repositories: each is assigned and has its own git address; a worker that knows one is given up',
    /was answered with 200 .*; it should be 200 with one further repository, whose key is /,
  ],
];

/** What the suite says of a rule that this coordinator breaks. */
async function words(t: ExecutionContext, name: string, coordinator: CoordinatorUnderTest): Promise<string> {
  const rule = COORDINATOR_RULES.find((one) => one.name === name);
  if (!rule) throw new Error(`There is no rule '${name}'.`);
  const message = (await t.throwsAsync(checkRule(rule, coordinator)))?.message ?? '';
  t.true(message.startsWith(`The rule "${name}" is broken: `), message);
  t.notRegex(message, /\S+ [!=]==? \S+/, 'the message is a sentence');
  return message;
}

for (const [name, change, rule, says] of MUTANTS)
  test(`the suite detects a coordinator that ${name}`, async (t) => {
    const coordinator = await mockedCoordinator(t, (socket_path) => changing(t, socket_path, change));
    t.regex(await words(t, rule, coordinator), says);
  });

test('of a coordinator that knows no path each rule says what was called and answered', async (t) => {
  const nothing = { status: 404, body: '"There is nothing here."' };
  const coordinator = await mockedCoordinator(t, (socket_path) => changing(t, socket_path, () => nothing));
  for (const { name } of COORDINATOR_RULES)
    t.regex(
      await words(t, name, coordinator),
      /(GET|POST) …\/\S+ was answered with 404 There is nothing here\.; it should be /,
    );
});
