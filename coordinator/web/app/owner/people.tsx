import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { OneTimeLink } from '../../../../protocol/accounts.ts';
import type { Invite, Person } from '../../../../protocol/people.ts';
import { allPeople } from '../../../client/lists.ts';
import { useSession } from '../../parts/context.ts';
import { ReadState } from '../../parts/read-state.tsx';
import { format } from '../../parts/speech.ts';
import { useOnce } from '../../parts/use-once.ts';
import { useRead } from '../../parts/use-read.ts';
import { faultWords } from '../../parts/words.ts';
import { LinkSheet } from '../settings/link-sheet.tsx';
import { PersonRow } from './person-row.tsx';
import { s } from '../screen-speech.ts';

type Known = { people: readonly Person[]; invites: readonly Invite[] };

/** Everybody on the server, and the invitations that were not used yet. */
export function People(): JSX.Element {
  const { client } = useSession();
  const known = useSignal<Known | undefined>(undefined);
  const made = useSignal<OneTimeLink | undefined>(undefined);
  const fault = useSignal('');
  const once = useOnce();
  const attempt = async (act: () => Promise<unknown>): Promise<void> => {
    fault.value = '';
    try {
      await act();
    } catch (error) {
      fault.value = faultWords(error);
    }
    const [people, { items: invites }] = await Promise.all([allPeople(client), client.call('listInvites', {})]);
    known.value = { people, invites };
  };
  const act = (work: () => Promise<unknown>) =>
    attempt(work).catch((error: unknown) => (fault.value = faultWords(error)));
  useRead(() => void act(() => Promise.resolve()), [client]);
  const invite = async () => (made.value = await client.call('createInvite', { body: {} }));
  const close = (): void => {
    made.value = undefined;
    void act(() => Promise.resolve());
  };
  return (
    <>
      <ul class="rows devices">
        {known.value?.people.map((person) => (
          <PersonRow key={person.id} person={person} act={(work) => void act(work)} />
        ))}
        {known.value?.invites.map(({ id, expires_at }) => (
          <InviteRow
            key={id}
            expires_at={expires_at}
            onRevoke={() => void act(() => client.call('deleteInvite', { params: { id } }))}
          />
        ))}
      </ul>
      <ReadState known={known.value !== undefined} fault={fault.value} />
      <button type="button" class="choice" onClick={() => once(() => act(invite))}>
        {s.owner.invite}
      </button>
      {made.value && (
        <LinkSheet
          title={s.owner.invite}
          text={s.owner.invite_text}
          made={made.value}
          server={client.server}
          onClose={close}
        />
      )}
    </>
  );
}

function InviteRow({ expires_at, onRevoke }: { expires_at: string; onRevoke: () => void }): JSX.Element {
  return (
    <li>
      <span>
        {s.owner.invitation}
        <small>{s.owner.valid_until(format.clock(expires_at))}</small>
      </span>
      <button type="button" class="quiet" onClick={onRevoke}>
        {s.owner.revoke}
      </button>
    </li>
  );
}
