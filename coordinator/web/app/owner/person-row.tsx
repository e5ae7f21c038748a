import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Person } from '../../../../protocol/people.ts';
import { useSession } from '../../parts/context.ts';
import { now } from '../../parts/now.ts';
import { Confirm, Sheet } from '../../parts/screen.tsx';
import { format, t } from '../../parts/speech.ts';

type Act = (work: () => Promise<unknown>) => void;
type PersonRowProps = { person: Person; act: Act };

/** A person, and what the owner can do about them. */
export function PersonRow({ person, act }: PersonRowProps): JSX.Element {
  const { client } = useSession();
  const open = useSignal<'actions' | 'block' | 'remove' | undefined>(undefined);
  const close = (): void => void (open.value = undefined);
  const { id, email, role, blocked_at } = person;
  const params = { id };
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
          aria-label={t.owner.manage_person(email)}
          onClick={() => (open.value = 'actions')}
        >
          {t.owner.manage}
        </button>
      )}
      {open.value === 'actions' && (
        <Sheet label={email} onClose={close}>
          <h2>{email}</h2>
          <p>{describe(person)}</p>
          {blocked_at === null ? (
            <button type="button" class="choice" onClick={() => (open.value = 'block')}>
              {t.owner.block}
            </button>
          ) : (
            <button
              type="button"
              class="choice"
              onClick={() => {
                close();
                act(() => client.call('unblockPerson', { params }));
              }}
            >
              {t.owner.unblock}
            </button>
          )}
          <button type="button" class="choice danger" onClick={() => (open.value = 'remove')}>
            {t.owner.remove}
          </button>
          <button type="button" class="choice" onClick={close}>
            {t.cancel}
          </button>
        </Sheet>
      )}
      {open.value === 'block' && (
        <Confirm
          title={t.owner.block_title(email)}
          text={t.owner.block_text}
          yes={t.owner.block}
          danger
          onYes={() => act(() => client.call('blockPerson', { params }))}
          onClose={close}
        />
      )}
      {open.value === 'remove' && (
        <Confirm
          title={t.owner.remove_title(email)}
          text={t.owner.remove_text(person.errands)}
          yes={t.owner.remove}
          danger
          onYes={() => act(() => client.call('removePerson', { params }))}
          onClose={close}
        />
      )}
    </li>
  );
}

function describe({ role, blocked_at, month_usd, errands, last_used_at }: Person): string {
  return [
    role === 'owner' ? t.settings.owner : t.owner.member,
    ...(blocked_at === null ? [] : [t.owner.blocked(format.clock(blocked_at))]),
    ...(last_used_at === null ? [] : [t.settings.last_used(format.age(last_used_at, now.value))]),
    t.owner.month(format.money(month_usd)),
    ...(errands === 0 ? [] : [t.owner.open_errands(errands)]),
  ].join(' · ');
}
