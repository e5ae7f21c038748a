import type { JSX } from 'preact';
import { Screen } from '../../parts/screen.tsx';
import { Forges } from '../accounts/forges.tsx';
import { People } from './people.tsx';
import { ServerSettings } from './server-settings.tsx';
import { Status } from './status.tsx';
import { s } from '../screen-speech.ts';

/** What the owner of the server sees and does: how it does, who is on it, and how it is set up. */
export function OwnerScreen(): JSX.Element {
  return (
    <Screen title={s.owner.title} parent={{ name: 'settings' }}>
      <div class="body settings owner">
        <h2>{s.owner.status}</h2>
        <Status />
        <h2>{s.owner.people}</h2>
        <People />
        <h2>{s.accounts.forges}</h2>
        <Forges />
        <h2>{s.owner.settings}</h2>
        <ServerSettings />
      </div>
    </Screen>
  );
}
