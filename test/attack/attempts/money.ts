import { LIMITS } from '../../../protocol/limits.ts';
import { MODEL } from '../../support/errand.ts';
import { until } from '../../support/until.ts';
import type { AttackGroup } from '../attempt.ts';
import type { AttackScene } from '../scene.ts';
import { callAsWorker, CALL_REFUSED } from './by-worker.ts';

/** An answer of so many tokens costs most of the budget. */
const LONG_TOKENS = 60_000;
const HANG_UPS_MAX = 4;
/** More than a minute's requests, since some are forgotten meanwhile. */
const COUNTS_MAX = 3 * LIMITS.llm_requests_per_minute_max;

const question = { model: MODEL, messages: [{ role: 'user', content: 'x' }] };

/** Asks for an answer in one piece, and hangs up as soon as the API has the request. Returns what was refused. */
async function hangUp(scene: AttackScene): Promise<string> {
  const asked = () => scene.model.requests.filter(({ path }) => path === '/v1/messages').length;
  const before = asked();
  const gone = new AbortController();
  const call = { to: 'llm/v1/messages', body: { ...question, max_tokens: LONG_TOKENS }, signal: gone.signal };
  const answer = callAsWorker(scene, call);
  await Promise.race([answer, until('the API has the request', () => asked() > before)]);
  gone.abort();
  return answer;
}

/** What a worker under somebody else's control tries so that others pay more than its errand may cost. */
export const MONEY: AttackGroup = {
  from: 'a worker',
  about: "the errand's budget",
  attempts: [
    {
      name: 'hang up before each answer',
      refused: /^429.*budget/,
      noticed: CALL_REFUSED,
      make: async (scene) => {
        let answer = '';
        for (let nth = 0; nth < HANG_UPS_MAX && !answer.startsWith('429'); nth++) answer = await hangUp(scene);
        return answer;
      },
    },
    {
      name: 'count tokens without end',
      refused: /^429.*requests in a minute/,
      noticed: CALL_REFUSED,
      make: async (scene) => {
        let answer = '';
        for (let nth = 0; nth < COUNTS_MAX && !answer.startsWith('429'); nth++)
          answer = await callAsWorker(scene, { to: 'llm/v1/messages/count_tokens', body: question });
        return answer;
      },
    },
  ],
};
