import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { SessionInfo } from '../../../../protocol/accounts.ts';
import { Refusal } from '../../../client/errors.ts';
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
  const renaming = useSignal<SessionInfo | undefined>(undefined);
  const ending = useSignal<readonly SessionInfo[]>([]);
  const failed = (error: unknown): void => {
    fault.value = faultWords(error);
  };
  const readAll = (): Promise<unknown> =>
    allSessions(client).then((all) => ([sessions.value, fault.value] = [all, '']), failed);
  const read = (): void => void readAll();
  useRead(read, [client]);
  const end = async (ended: readonly SessionInfo[]): Promise<void> => {
    for (const { id } of ended) await client.call('deleteSession', { params: { id } }).catch(unlessEnded);
  };
  const others = sessions.value?.filter(({ current }) => !current) ?? [];
  const asked = ending.value;
  const forget = (): void => {
    ending.value = [];
  };
  return (
    <>
      <ReadState known={sessions.value !== undefined} fault={fault.value} />
      <ul class="rows devices">
        {sessions.value?.map((session) => (
          <DeviceRow
            key={session.id}
            session={session}
            onRename={() => (renaming.value = session)}
            onEnd={() => (ending.value = [session])}
          />
        ))}
      </ul>
      {others.length > 1 && (
        <button type="button" class="choice" onClick={() => (ending.value = others)}>
          {s.settings.end_others}
        </button>
      )}
      <AddDevice onClose={read} />
      {renaming.value && (
        <RenameDevice session={renaming.value} onRenamed={read} onClose={() => (renaming.value = undefined)} />
      )}
      {asked.length > 0 && (
        <Confirm
          title={asked.length > 1 ? s.settings.end_others_title(asked.length) : s.settings.end_title}
          text={asked.length > 1 ? s.settings.end_others_text : s.settings.end_text}
          yes={s.settings.end}
          danger
          onYes={() => void end(asked).then(read, (error: unknown) => readAll().then(() => failed(error)))}
          onClose={forget}
        />
      )}
    </>
  );
}

/** A device that has logged itself out, or whose log-in has expired, is what it was to become. */
function unlessEnded(error: unknown): void {
  if (!(error instanceof Refusal && error.code === 'not_found')) throw error;
}

type RowProps = { session: SessionInfo; onRename: () => void; onEnd: () => void };

function DeviceRow({ session, onRename, onEnd }: RowProps): JSX.Element {
  const name = session.name ?? deviceName(session.user_agent) ?? s.settings.unknown_device;
  return (
    <li>
      <span>
        <b dir="auto">{name}</b>
        <small>
          {session.current ? s.settings.this_device : s.settings.last_used(ago(session.last_used_at))}
          {session.address !== null && ` · ${session.address}`}
        </small>
      </span>
      <span class="buttons">
        <button type="button" class="quiet" aria-label={s.settings.rename_named(name)} onClick={onRename}>
          {s.settings.rename}
        </button>
        {!session.current && (
          <button type="button" class="quiet" aria-label={s.settings.end_named(name)} onClick={onEnd}>
            {s.settings.end}
          </button>
        )}
      </span>
    </li>
  );
}
