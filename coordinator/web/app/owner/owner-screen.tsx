import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { User } from '../../../../protocol/accounts.ts';
import { useSession } from '../../parts/context.ts';
import { ReadState } from '../../parts/read-state.tsx';
import { Screen } from '../../parts/screen.tsx';
import { useRead } from '../../parts/use-read.ts';
import { Forges } from '../accounts/forges.tsx';
import { People } from './people.tsx';
import { ServerSettings } from './server-settings.tsx';
import { Status } from './status.tsx';
import { s } from '../screen-speech.ts';

/** What the owner of the server sees and does: how it does, who is on it, and how it is set up. A member sees none. */
export function OwnerScreen(): JSX.Element {
  const { client } = useSession();
  const seen_by = useSignal<User['role'] | 'unknown' | undefined>(undefined);
  const read = (): void => {
    client.call('me', {}).then(
      ({ role }) => (seen_by.value = role),
      // The parts of the page say why they show nothing.
      () => (seen_by.value ??= 'unknown'),
    );
  };
  useRead(read, [client]);
  return (
    <Screen title={s.owner.title} parent={{ name: 'settings' }}>
      <div class="body settings owner">
        <ReadState known={seen_by.value !== undefined} fault="" />
        {seen_by.value === 'member' ? <p class="soft">{s.owner.not_yours}</p> : seen_by.value && <Parts />}
      </div>
    </Screen>
  );
}

function Parts(): JSX.Element {
  return (
    <>
      <h2>{s.owner.status}</h2>
      <Status />
      <h2>{s.owner.people}</h2>
      <People />
      <h2>{s.accounts.forges}</h2>
      <Forges />
      <h2>{s.owner.settings}</h2>
      <ServerSettings />
    </>
  );
}
