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
import { RenameDevice } from './rename-device.tsx';

/** Where one is logged in. Each device can be named, and each log-in ended. */
export function Devices(): JSX.Element {
  const { client } = useSession();
  const sessions = useSignal<readonly SessionInfo[] | undefined>(undefined);
  const fault = useSignal('');
  const [ending, renaming] = [
    useSignal<SessionInfo | undefined>(undefined),
    useSignal<SessionInfo | undefined>(undefined),
  ];
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
          <DeviceRow
            key={session.id}
            session={session}
            onRename={() => (renaming.value = session)}
            onEnd={() => (ending.value = session)}
          />
        ))}
      </ul>
      <AddDevice onClose={read} />
      {renaming.value && (
        <RenameDevice session={renaming.value} onRenamed={read} onClose={() => (renaming.value = undefined)} />
      )}
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

type RowProps = { session: SessionInfo; onRename: () => void; onEnd: () => void };

function DeviceRow({ session, onRename, onEnd }: RowProps): JSX.Element {
  return (
    <li>
      <span>
        <b dir="auto">{session.name ?? deviceName(session.user_agent) ?? s.settings.unknown_device}</b>
        <small>
          {session.current ? s.settings.this_device : s.settings.last_used(ago(session.last_used_at))}
          {session.address !== null && ` · ${session.address}`}
        </small>
      </span>
      <span class="buttons">
        <button type="button" class="quiet" onClick={onRename}>
          {s.settings.rename}
        </button>
        {!session.current && (
          <button type="button" class="quiet" onClick={onEnd}>
            {s.settings.end}
          </button>
        )}
      </span>
    </li>
  );
}
