import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { SessionInfo } from '../../../../protocol/accounts.ts';
import { allSessions } from '../../../client/lists.ts';
import { useSession } from '../../parts/context.ts';
import { ReadState } from '../../parts/read-state.tsx';
import { Confirm } from '../../parts/screen.tsx';
import { useRead } from '../../parts/use-read.ts';
import { faultWords } from '../../parts/words.ts';
import { ago } from '../ago.ts';
import { s } from '../screen-speech.ts';
import { AddDevice } from './add-device.tsx';
import { deviceName } from './device-name.ts';

/** Where one is logged in. Each log-in can be ended. */
export function Devices(): JSX.Element {
  const { client } = useSession();
  const sessions = useSignal<readonly SessionInfo[] | undefined>(undefined);
  const fault = useSignal('');
  const ending = useSignal<SessionInfo | undefined>(undefined);
  const read = (): void => {
    allSessions(client).then(
      (all) => ([sessions.value, fault.value] = [all, '']),
      (error: unknown) => (fault.value = faultWords(error)),
    );
  };
  useRead(read, [client]);
  const end = (id: string): void => {
    client
      .call('deleteSession', { params: { id } })
      .then(read)
      .catch((error: unknown) => (fault.value = faultWords(error)));
  };
  const asked = ending.value;
  return (
    <>
      <ReadState known={sessions.value !== undefined} fault={fault.value} />
      <ul class="rows devices">
        {sessions.value?.map((session) => (
          <li key={session.id}>
            <span>
              <b>{deviceName(session.user_agent) ?? s.settings.unknown_device}</b>
              <small>
                {session.current ? s.settings.this_device : s.settings.last_used(ago(session.last_used_at))}
                {session.address !== null && ` · ${session.address}`}
              </small>
            </span>
            {!session.current && (
              <button type="button" class="quiet" onClick={() => (ending.value = session)}>
                {s.settings.end}
              </button>
            )}
          </li>
        ))}
      </ul>
      <AddDevice onClose={read} />
      {asked && (
        <Confirm
          title={s.settings.end_title}
          text={s.settings.end_text}
          yes={s.settings.end}
          danger
          onYes={() => end(asked.id)}
          onClose={() => (ending.value = undefined)}
        />
      )}
    </>
  );
}
