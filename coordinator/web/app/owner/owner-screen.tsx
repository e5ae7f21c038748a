import type { JSX } from 'preact';
import { ReadState } from '../../parts/read-state.tsx';
import { Screen } from '../../parts/screen.tsx';
import { Forges } from '../accounts/forges.tsx';
import { People } from './people.tsx';
import { ServerSettings } from './server-settings.tsx';
import { Status } from './status.tsx';
import { s } from '../screen-speech.ts';
import { useMe } from '../use-me.ts';

/** What the owner of the server sees and does: how it does, who is on it, and how it is set up. A member sees none. */
export function OwnerScreen(): JSX.Element {
  // Where it is unknown, the parts of the page say why they show nothing.
  const seen_by = useMe().role;
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
