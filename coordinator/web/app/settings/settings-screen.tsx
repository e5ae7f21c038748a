import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { isWaiting } from '../../../client/sync/outbox-entry.ts';
import { useSession, useStore } from '../../parts/context.ts';
import { Icon } from '../../parts/icons.tsx';
import { Confirm, Screen } from '../../parts/screen.tsx';
import { format } from '../../parts/speech.ts';
import { pathOf } from '../../store/routes.ts';
import { Devices } from './devices.tsx';
import { Health } from './health.tsx';
import { Install } from './install.tsx';
import { PasswordForm } from './password-form.tsx';
import { faultWords } from '../../parts/words.ts';
import { s } from '../screen-speech.ts';
import { useMe } from '../use-me.ts';

/** The account, its devices and projects, and the server. */
export function SettingsScreen(): JSX.Element {
  const { me, role, read } = useMe();
  /** Counts what ends other log-ins. */
  const ends = useSignal(0);
  const onPassword = (): void => {
    ends.value++;
    read();
  };
  const access = useStore().access.value;
  const has_password = me.value?.has_password ?? true;
  return (
    <Screen title={s.settings.title} parent={{ name: 'inbox' }}>
      <div class="body settings">
        <h2>{s.settings.account}</h2>
        <p>{access.kind === 'in' ? access.email : ''}</p>
        {role.value === 'owner' && <p class="soft">{s.settings.owner}</p>}
        {me.value?.month_usd !== undefined && (
          <p class="soft">{monthWords(me.value.month_usd, me.value.month_usd_max)}</p>
        )}
        <LinkRow to={pathOf('projects')} name={s.settings.projects} hint={s.settings.projects_hint} />
        <LinkRow to={pathOf('schedules')} name={s.schedules.title} hint={s.schedules.hint} />
        <LinkRow to={pathOf('notifications')} name={s.notify.title} hint={s.notify.hint} />
        <LinkRow to={pathOf('accounts')} name={s.accounts.title} hint={s.accounts.hint} />
        <h2>{s.settings.devices}</h2>
        <Devices key={ends.value} />
        <h2>{has_password ? s.settings.password : s.accounts.set_password}</h2>
        <PasswordForm
          email={access.kind === 'in' ? access.email : ''}
          has_password={has_password}
          onSaved={onPassword}
        />
        <Install />
        <h2>{s.settings.server}</h2>
        <Health />
        {/* It says to a member that it is not theirs. */}
        {(role.value === 'owner' || role.value === 'unknown') && (
          <LinkRow to={pathOf('owner')} name={s.owner.title} hint={s.owner.hint} />
        )}
        <LogOut />
      </div>
    </Screen>
  );
}

function LinkRow({ to, name, hint }: { to: string; name: string; hint: string }): JSX.Element {
  return (
    <a class="link-row" href={to}>
      <span>
        <b>{name}</b>
        <small>{hint}</small>
      </span>
      <Icon name="open" />
    </a>
  );
}

function LogOut(): JSX.Element {
  const store = useStore();
  const session = useSession();
  const asks = useSignal(false);
  const fault = useSignal('');
  const unsent = session.acts.entries.value.filter(isWaiting).length;
  const text = [s.settings.log_out_text, ...(unsent > 0 ? [s.settings.log_out_unsent(unsent)] : [])].join(' ');
  return (
    <>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <button type="button" class="choice danger" onClick={() => (asks.value = true)}>
        {s.settings.log_out}
      </button>
      {asks.value && (
        <Confirm
          title={s.settings.log_out_title}
          text={text}
          yes={s.settings.log_out}
          danger
          onYes={() => void store.logOut().catch((error: unknown) => (fault.value = faultWords(error)))}
          onClose={() => (asks.value = false)}
        />
      )}
    </>
  );
}

function monthWords(usd: number, max: number | null | undefined): string {
  const spent = format.money(usd);
  return max === null || max === undefined ? s.settings.month(spent) : s.settings.month_of(spent, format.money(max));
}
