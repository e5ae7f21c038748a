import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useSession } from '../../parts/context.ts';
import { refusalWords } from '../refusal-words.ts';
import { moment, OWN_ZONE, s } from './words.ts';

/** A person types a little before it is asked. */
const ASK_MS = 250;

type Due = { cron: string; time_zone: string };
type NextDue = { times: readonly string[]; fault: string };

/** The next due times, or what is wrong with the timing. */
export function useNextDue({ cron, time_zone }: Due): NextDue {
  const { client } = useSession();
  const times = useSignal<readonly string[]>([]);
  const fault = useSignal('');
  useEffect(() => {
    let stale = false;
    const ask = (): void => {
      client
        .call('listDueTimes', { query: { cron, time_zone } })
        .then(({ items }) => stale || ([times.value, fault.value] = [items, '']))
        .catch((error: unknown) => stale || ([times.value, fault.value] = [[], refusalWords(error)]));
    };
    const timer = setTimeout(ask, ASK_MS);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [client, cron, time_zone]);
  return { times: times.value, fault: fault.value };
}

/** The next due times of a schedule; what is wrong with them is said instead. */
export function NextTimes(due: Due): JSX.Element {
  const { times, fault } = useNextDue(due);
  if (fault !== '') return <p class="fault">{fault}</p>;
  return <DueTimes times={times} time_zone={due.time_zone} />;
}

/** Due times, on the device's clock. */
export function DueTimes({ times, time_zone }: { times: readonly string[]; time_zone: string }): JSX.Element {
  return (
    <div class="next-times" aria-live="polite">
      <h2>{s.next}</h2>
      <ul>
        {times.map((at) => (
          <li key={at}>
            <time dateTime={at}>{moment(at)}</time>
          </li>
        ))}
      </ul>
      {time_zone !== OWN_ZONE && <small>{s.own_zone(OWN_ZONE)}</small>}
    </div>
  );
}
