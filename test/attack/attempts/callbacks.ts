import { newId } from '../../../protocol/ids.ts';
import type { AttackGroup } from '../attempt.ts';
import type { AttackScene, Party } from '../scene.ts';
import { byWorker as attempt } from './by-worker.ts';

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
    attempt("write an event of the coordinator's", /^400.*type must be one of /, {
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
  ],
};
