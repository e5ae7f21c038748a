import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { useSession } from '../../parts/context.ts';
import { faultWords } from '../../parts/words.ts';
import { moment, OWN_ZONE, s } from './words.ts';

/** A person types a little before it is asked. */
const ASK_MS = 250;

/** The next due times, on the device's clock; what is wrong with them is said instead. */
export function NextTimes({ cron, time_zone }: { cron: string; time_zone: string }): JSX.Element {
  const { client } = useSession();
  const times = useSignal<readonly string[]>([]);
  const fault = useSignal('');
  useEffect(() => {
    let stale = false;
    const ask = (): void => {
      client
        .call('listDueTimes', { query: { cron, time_zone } })
        .then(({ items }) => stale || ([times.value, fault.value] = [items, '']))
        .catch((error: unknown) => stale || ([times.value, fault.value] = [[], faultWords(error)]));
    };
    const timer = setTimeout(ask, ASK_MS);
    return () => {
      stale = true;
      clearTimeout(timer);
    };
  }, [client, cron, time_zone]);
  return (
    <div class="next-times" aria-live="polite">
      {fault.value === '' ? (
        <>
          <h2>{s.next}</h2>
          <ul>
            {times.value.map((at) => (
              <li key={at}>
                <time dateTime={at}>{moment(at)}</time>
              </li>
            ))}
          </ul>
        </>
      ) : (
        <p class="fault">{fault.value}</p>
      )}
      {time_zone !== OWN_ZONE && <small>{s.own_zone(OWN_ZONE)}</small>}
    </div>
  );
}
