import type { Config } from '../../../base/config.ts';
import { keyVerdict } from '../../../domain/key-verdict.ts';
import { duration } from '../../../cli/render/format.ts';
import { ask, noAnswerReason } from './ask.ts';
import { ok, problem, type Finding } from './finding.ts';

/** Tolerance: the Date header has whole seconds, and the answer takes a while. */
const CLOCK_OFF_MS_MAX = 30_000;

/** Checks the API key, and compares this machine's clock with the Date header of the API. */
export async function checkModel({
  anthropic_api_key: key,
  anthropic_base_url: url,
  proxy,
}: Config): Promise<Finding[]> {
  const sent_ms = Date.now();
  const headers = { 'anthropic-version': '2023-06-01', ...(key !== undefined && { 'x-api-key': key }) };
  const answer = await ask(`${url}/v1/models?limit=1`, { headers, proxy }).catch(noAnswerReason);
  const model =
    key === undefined
      ? ok('model', 'no ANTHROPIC_API_KEY: the demo model answers, which only knows errand://sample')
      : keyFinding(url, answer);
  return [model, clockFinding(url, answer, sent_ms)];
}

/** `answer`: a text says why there is none. */
function keyFinding(url: string, answer: Response | string): Finding {
  if (typeof answer === 'string')
    return problem(
      'model',
      `${url} cannot be reached: ${answer}. Check the network, and HTTPS_PROXY and ANTHROPIC_BASE_URL if they are set.`,
    );
  const takes = keyVerdict(answer.status);
  if (takes === false)
    return problem('model', `${url} refuses the API key (${answer.status}). Correct ANTHROPIC_API_KEY.`);
  if (takes && answer.ok) return ok('model', `${url} takes the API key`);
  if (takes) return ok('model', `${url} answers; whether it takes the API key is not known`);
  return problem(
    'model',
    `${url} answers with ${answer.status}. Try again later, and check ANTHROPIC_BASE_URL if it is set.`,
  );
}

function clockFinding(url: string, answer: Response | string, sent_ms: number): Finding {
  const date = typeof answer === 'string' ? null : answer.headers.get('date');
  const theirs_ms = Date.parse(date ?? '');
  if (Number.isNaN(theirs_ms)) return ok('clock', `not compared: ${url} did not tell the time`);
  const ahead_ms = sent_ms - theirs_ms;
  if (Math.abs(ahead_ms) <= CLOCK_OFF_MS_MAX) return ok('clock', 'as that of the API');
  const off = `${duration(Math.abs(ahead_ms))} ${ahead_ms > 0 ? 'ahead of' : 'behind'}`;
  return problem('clock', `${off} that of the API. Set it by the network: sudo timedatectl set-ntp true`);
}
