import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { Unreachable } from '../../../client/errors.ts';
import { useSession } from '../../parts/context.ts';
import { useRead } from '../../parts/use-read.ts';
import { format } from '../../parts/speech.ts';
import { faultWords } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';
import { checkWords } from './check-words.ts';

type Check = { name: string; ok: boolean; detail: string };

/** Whether the server can do its work, check by check. */
export function Health(): JSX.Element {
  const { client } = useSession();
  const checks = useSignal<readonly Check[]>([]);
  const words = useSignal('');
  const read = (): void => {
    client.call('readyz', {}).then(
      (state) => {
        // It starts errands also without its backups, say.
        words.value = Object.values(state.checks).every(({ ok }) => ok) ? s.settings.ready : s.settings.ready_in_part;
        checks.value = Object.entries(state.checks).map(([name, check]) => ({ name, ...check }));
      },
      (error: unknown) => {
        const failed = error instanceof Unreachable ? error.errors : [];
        words.value = failed.length > 0 ? s.settings.not_ready : faultWords(error);
        checks.value = failed.map(({ field, message }) => ({
          name: field.replace('/checks/', ''),
          ok: false,
          detail: message,
        }));
      },
    );
  };
  useRead(read, [client]);
  return (
    <>
      <p>
        {client.server.replace(/^https?:\/\//, '')}
        {words.value !== '' && <span class="soft"> · {words.value}</span>}
      </p>
      <ul class="checks">
        {checks.value.map((check) => (
          <CheckLine key={check.name} {...check} />
        ))}
      </ul>
    </>
  );
}

function CheckLine({ name, ok, detail }: Check): JSX.Element {
  const { name: title, words } = checkWords(name, detail, s.checks);
  return (
    <li class={ok ? '' : 'fault'}>
      <span aria-hidden="true">{ok ? '✓' : '✗'}</span> {title}: <span class={ok ? 'soft' : ''}>{withSizes(words)}</span>
    </li>
  );
}

/** The server tells of all sizes in MB of 1,024 kB: large ones read better as people are used to them. */
function withSizes(words: string): string {
  return words.replaceAll(/\b(\d{4,}) MB\b/g, (_, mb: string) => format.bytes(Number(mb) * 2 ** 20));
}
