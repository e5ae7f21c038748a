import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Person } from '../../../../protocol/people.ts';
import { useSession } from '../../parts/context.ts';
import { Confirm, Sheet } from '../../parts/screen.tsx';
import { format, t } from '../../parts/speech.ts';
import { ago } from '../ago.ts';
import { s } from '../screen-speech.ts';
import { NewPassword } from './new-password.tsx';

type Act = (work: () => Promise<unknown>) => void;
type PersonRowProps = { person: Person; act: Act };

/** A person, and what the owner can do about them. */
export function PersonRow({ person, act }: PersonRowProps): JSX.Element {
  const open = useSignal(false);
  const { email, role } = person;
  return (
    <li>
      <span>
        <b>{email}</b>
        <small>{describe(person)}</small>
      </span>
      {role === 'member' && (
        <button
          type="button"
          class="quiet"
          aria-label={s.owner.manage_person(email)}
          onClick={() => (open.value = true)}
        >
          {s.owner.manage}
        </button>
      )}
      {open.value && <Manage person={person} act={act} onClose={() => (open.value = false)} />}
    </li>
  );
}

/** What can be done; then, what that means. */
function Manage({ person, act, onClose }: PersonRowProps & { onClose: () => void }): JSX.Element {
  const { client } = useSession();
  const asks = useSignal<'block' | 'remove' | 'password' | undefined>(undefined);
  const { id, email, blocked_at, errands } = person;
  const params = { id };
  if (asks.value === 'password') return <NewPassword email={email} onClose={onClose} />;
  if (asks.value !== undefined) {
    const blocks = asks.value === 'block';
    return (
      <Confirm
        key={asks.value}
        title={blocks ? s.owner.block_title(email) : s.owner.remove_title(email)}
        text={blocks ? s.owner.block_text : s.owner.remove_text(errands)}
        yes={blocks ? s.owner.block : s.owner.remove}
        danger
        onYes={() => act(() => client.call(blocks ? 'blockPerson' : 'removePerson', { params }))}
        onClose={onClose}
      />
    );
  }
  const unblock = (): void => {
    onClose();
    act(() => client.call('unblockPerson', { params }));
  };
  return (
    <Sheet label={email} onClose={onClose}>
      <h2>{email}</h2>
      <p>{describe(person)}</p>
      <button type="button" class="choice" onClick={blocked_at === null ? () => (asks.value = 'block') : unblock}>
        {blocked_at === null ? s.owner.block : s.owner.unblock}
      </button>
      <button type="button" class="choice" onClick={() => (asks.value = 'password')}>
        {s.owner.new_password}
      </button>
      <button type="button" class="choice danger" onClick={() => (asks.value = 'remove')}>
        {s.owner.remove}
      </button>
      <button type="button" class="choice" onClick={onClose}>
        {t.cancel}
      </button>
    </Sheet>
  );
}

function describe({ role, blocked_at, month_usd, errands, last_used_at }: Person): string {
  return [
    role === 'owner' ? s.settings.owner : s.owner.member,
    ...(blocked_at === null ? [] : [s.owner.blocked(format.clock(blocked_at))]),
    ...(last_used_at === null ? [] : [s.settings.last_used(ago(last_used_at))]),
    s.owner.month(format.money(month_usd)),
    ...(errands === 0 ? [] : [s.owner.open_errands(errands)]),
  ].join(' · ');
}
