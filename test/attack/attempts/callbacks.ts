import { newId } from '../../../protocol/ids.ts';
import { MODEL } from '../../support/errand.ts';
import { callWorkerApi } from '../../support/worker-api-call.ts';
import type { Attempt, AttackGroup } from '../attempt.ts';
import type { AttackScene, Party } from '../scene.ts';

const NOTICED = { metric: 'errand_worker_calls_refused_total' };

/** A call of the attacker's worker: by default with its own token, about its own errand. */
type Call = {
  about?: (scene: AttackScene) => Party;
  /** The last part of the path. */
  to: string;
  token?: (scene: AttackScene) => Promise<string> | string;
  body?: unknown;
  headers?: Record<string, string>;
  method?: string;
};

async function call(scene: AttackScene, { about, to, token, body, headers, method }: Call): Promise<string> {
  const party = about?.(scene) ?? scene.attacker;
  try {
    const { status, body: answer } = await callWorkerApi(
      { socketPath: scene.socketOf(scene.attacker) },
      {
        path: `/internal/tasks/${party.task_id}/${to}`,
        token: await (token ? token(scene) : scene.token(scene.attacker)),
        body,
        ...(method !== undefined && { method }),
        headers: { 'content-type': 'application/json', ...headers },
      },
    );
    return `${status} ${JSON.stringify(answer)}`;
  } catch (error) {
    return `the connection was cut: ${String(error)}`;
  }
}

const attempt = (name: string, refused: RegExp, to: Call): Attempt => ({
  name,
  refused,
  noticed: NOTICED,
  make: (scene) => call(scene, to),
});

const victim = (scene: AttackScene): Party => scene.victim;
const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
/** A token without a signature that names the victim's errand. */
const unsigned = ({ victim: { task_id } }: AttackScene) =>
  `${base64({ alg: 'none', typ: 'task+jwt' })}.${base64({ sub: task_id, attempt: 1, exp: 4e9 })}.`;
/** The attacker's own token with the victim's errand written into it. */
async function altered(scene: AttackScene): Promise<string> {
  const [head = '', body = '', signature = ''] = (await scene.token(scene.attacker)).split('.');
  const claims = Buffer.from(body, 'base64url').toString().replaceAll(scene.attacker.task_id, scene.victim.task_id);
  return [head, Buffer.from(claims).toString('base64url'), signature].join('.');
}

const event = (type: string, body: object, seq = 1_000_000) => ({ seq, at: new Date().toISOString(), type, body });
const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

/** What a worker under somebody else's control tries at the callback API. */
export const CALLBACKS: AttackGroup = {
  from: 'a worker',
  about: 'the callback API',
  attempts: [
    attempt('call without a token', /^401/, { to: 'heartbeat', token: () => '', body: {} }),
    attempt('call with a token without a signature', /^401/, { about: victim, to: 'assignment', token: unsigned }),
    attempt('call with an altered token', /^401/, { about: victim, to: 'assignment', token: altered }),
    attempt("call with a person's access token", /^401/, {
      to: 'assignment',
      token: ({ attacker }) => attacker.session.access_token,
    }),
    attempt("read another errand's assignment", /^(401|403|404)/, { about: victim, to: 'assignment' }),
    attempt("read another errand's assignment with its token", /^(401|403|404)/, {
      about: victim,
      to: 'assignment',
      token: (scene) => scene.token(scene.victim),
    }),
    attempt('write an event into another errand', /^(401|403|404)/, {
      about: victim,
      to: 'events',
      body: { attempt: 1, events: [event('log', { text: 'x' })] },
    }),
    attempt('end another errand', /^(401|403|404)/, {
      about: victim,
      to: 'result',
      body: { attempt: 1, status: 'failed', reason: 'error', detail: 'x' },
    }),
    attempt("write an event of the coordinator's", /^400.*discriminator/, {
      to: 'events',
      body: { attempt: 1, events: [event('task.status', { from: 'running', to: 'succeeded' })] },
    }),
    attempt('leave a gap in the numbers of the events', /^409.*have not arrived/, {
      to: 'events',
      body: { attempt: 1, events: [event('log', { level: 'info', text: 'x' })] },
    }),
    attempt('speak for an attempt that is not its own', /^4\d\d.*attempt/, {
      to: 'events',
      body: { attempt: 99, events: [] },
    }),
    attempt('send a body that is too large', /^413|cut/, { to: 'events', body: `{"x":"${'x'.repeat(5 << 20)}"}` }),
    attempt('send a body that is nested too deeply', /^4\d\d/, {
      to: 'events',
      body: `{"attempt":1,"events":[${nested(100_000)}]}`,
    }),
    attempt('send a million events that are none', /^4\d\d/, {
      to: 'events',
      body: `{"attempt":1,"events":[${'0,'.repeat(1 << 20)}0]}`,
    }),
    attempt('send a body that is not JSON', /^4\d\d.*not valid JSON/, { to: 'heartbeat', body: '\u0000\u0001' }),
    attempt('call a path of another kind', /^404/, { to: '../../tasks' }),
    attempt('call an errand that does not exist', /^401.*another task/, {
      about: (scene) => ({ ...scene.attacker, task_id: newId() }),
      to: 'assignment',
    }),
    attempt('use another part of the Claude API', /^(403|404)/, { to: 'llm/v1/files' }),
    attempt('use the administration of the Claude API', /^(403|404)/, { to: 'llm/v1/organizations/api_keys' }),
    attempt('leave the Claude API by its path', /^(403|404)/, { to: 'llm/../../v1/models' }),
    attempt('use a model without a price', /^4\d\d/, {
      to: 'llm/v1/messages',
      body: { model: 'claude-unknown', max_tokens: 10, messages: [{ role: 'user', content: 'x' }] },
    }),
    attempt('spend more than the budget in one request', /^429.*budget/, {
      to: 'llm/v1/messages',
      body: { model: MODEL, max_tokens: 10, messages: [{ role: 'user', content: 'x y '.repeat(700_000) }] },
    }),
    attempt('have the API fetch a document', /^403.*type 'url'/, {
      to: 'llm/v1/messages',
      body: {
        model: MODEL,
        max_tokens: 10,
        messages: [
          { role: 'user', content: [{ type: 'document', source: { type: 'url', url: 'https://evil.example/?x' } }] },
        ],
      },
    }),
    attempt('have the API connect to a server', /^403.*mcp_servers/, {
      to: 'llm/v1/messages',
      body: {
        model: MODEL,
        max_tokens: 10,
        messages: [{ role: 'user', content: 'x' }],
        mcp_servers: [{ type: 'url', url: 'https://evil.example', name: 'x' }],
      },
    }),
    attempt('use a tool that the API runs, and that costs extra', /^4\d\d/, {
      to: 'llm/v1/messages',
      body: {
        model: MODEL,
        max_tokens: 10,
        messages: [{ role: 'user', content: 'x' }],
        tools: [{ type: 'web_search_20260209', name: 'web_search' }],
      },
    }),
  ],
};
