import { Settings } from './settings.ts';

/* What is wrong with settings only beside each other, in words for the server's owner. */

type Given = Readonly<Record<string, unknown>>;
type Name = keyof typeof Settings.shape;

/** The first may not be above the second. Where only the second is given, the first follows it. */
const NOT_ABOVE: [Name, Name][] = [
  ['ERRAND_ATTEMPT_EVENTS_MB', 'ERRAND_EVENTS_MB'],
  ['ERRAND_ATTEMPT_EVENTS', 'ERRAND_EVENTS'],
];

/** Faults of settings that each have their form. */
export function faultsBetween(given: Given): string[] {
  const faults: string[] = [];
  if (given.ERRAND_WORKER_COMMAND !== undefined && given.ERRAND_RUNNER !== 'process')
    faults.push('ERRAND_WORKER_COMMAND needs ERRAND_RUNNER=process: its workers are processes without isolation');
  const port = numberOf('PORT', given);
  if (given.ERRAND_CALLBACK_PORT !== undefined && port !== 0 && numberOf('ERRAND_CALLBACK_PORT', given) === port)
    faults.push('ERRAND_CALLBACK_PORT is the same as PORT: give it another one');
  for (const [part, whole] of NOT_ABOVE) {
    const [one, all] = [numberOf(part, given), numberOf(whole, given)];
    if (given[part] !== undefined && one !== undefined && all !== undefined && one > all)
      faults.push(`${part} is above ${whole} (${all}): one attempt cannot have more than its errand`);
  }
  return faults;
}

/** The number that a setting stands for, given or by default. Undefined: it has not its form. */
function numberOf(name: Name, given: Given): number | undefined {
  const { data } = Settings.shape[name].safeParse(given[name]);
  return typeof data === 'number' ? data : undefined;
}
