import { within } from '../../coordinator/base/deadline.ts';
import { until } from '../support/until.ts';
import type { AttackGroup, Attempt, Verdict } from './attempt.ts';
import type { AttackScene } from './scene.ts';

/** How long a line of the log, an event or a counter may take to appear. */
const NOTICE_MS = 5_000;
/** Longer than a command may take. What is not answered by then is not refused. */
const ANSWER_MS = 90_000;
const ANSWER_CHARS_MAX = 300;

/** Makes every attempt, one after the other. Calls back with each verdict. */
export async function attack(
  scene: AttackScene,
  groups: AttackGroup[],
  each: (verdict: Verdict) => void,
): Promise<void> {
  for (const group of groups)
    for (const attempt of group.attempts) {
      const noticed = await lookout(scene, attempt);
      const answer = (await within(ANSWER_MS, attempt.make(scene))) ?? 'there is no answer';
      each({
        attempt: attempt.name,
        group: `${group.from}: ${group.about}`,
        answer: answer.slice(0, ANSWER_CHARS_MAX),
        refused: attempt.refused.test(answer),
        noticed: await until('it is noticed', noticed, NOTICE_MS).catch(() => false),
      });
    }
}

/** Looks at what is known before an attempt. Returns a function that tells whether something was noticed since. */
async function lookout(scene: AttackScene, { noticed }: Attempt): Promise<() => Promise<boolean>> {
  if (noticed === 'errand') {
    const cursor = await scene.cursor();
    return async () => (await scene.newestEvents(cursor)).some(({ type }) => type === 'tool.finished');
  }
  if (noticed instanceof RegExp) {
    const from = scene.coordinator.stdout.length;
    return () => Promise.resolve(noticed.test(scene.coordinator.stdout.slice(from)));
  }
  const before = (await scene.metrics()).get(noticed.metric) ?? 0;
  return async () => ((await scene.metrics()).get(noticed.metric) ?? 0) > before;
}
