import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { User } from '../../../../protocol/accounts.ts';
import { useSession, useStore } from '../../parts/context.ts';
import { Icon } from '../../parts/icons.tsx';
import { words } from '../../parts/account-words.ts';
import { Confirm, Screen } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { faultWords } from '../../parts/words.ts';
import { pathOf } from '../../store/routes.ts';
import { Devices } from './devices.tsx';
import { Health } from './health.tsx';
import { Install } from './install.tsx';
import { PasswordForm } from './password-form.tsx';
import { s } from '../screen-speech.ts';

/** The account, its devices and projects, and the server. */
export function SettingsScreen(): JSX.Element {
  const session = useSession();
  const user = useSignal<User | undefined>(undefined);
  useEffect(() => {
    session.client.call('me', {}).then(
      (me) => (user.value = me),
      () => undefined,
    );
  }, [session]);
  const access = useStore().access.value;
  const has_password = user.value?.has_password ?? true;
  return (
    <Screen title={t.settings.title} parent={{ name: 'inbox' }}>
      <div class="body settings">
        <h2>{t.settings.account}</h2>
        <p>{access.kind === 'in' ? access.email : ''}</p>
        {user.value?.role === 'owner' && <p class="soft">{t.settings.owner}</p>}
        <a class="link-row" href={pathOf('projects')}>
          <span>
            <b>{t.settings.projects}</b>
            <small>{t.settings.projects_hint}</small>
          </span>
          <Icon name="open" />
        </a>
        <a class="link-row" href={pathOf('notifications')}>
          <span>
            <b>{t.notify.title}</b>
            <small>{t.notify.hint}</small>
          </span>
          <Icon name="open" />
        </a>
        <a class="link-row" href={pathOf('accounts')}>
          <span>
            <b>{words.title}</b>
            <small>{words.hint}</small>
          </span>
          <Icon name="open" />
        </a>
        <h2>{t.settings.devices}</h2>
        <Devices />
        <h2>{has_password ? t.settings.password : words.set_password}</h2>
        <PasswordForm email={access.kind === 'in' ? access.email : ''} has_password={has_password} />
        <Install />
        <h2>{t.settings.server}</h2>
        <Health />
        {user.value?.role === 'owner' && (
          <a class="link-row" href={pathOf('owner')}>
            <span>
              <b>{s.owner.title}</b>
              <small>{s.owner.hint}</small>
            </span>
            <Icon name="open" />
          </a>
        )}
        <LogOut />
      </div>
    </Screen>
  );
}

function LogOut(): JSX.Element {
  const store = useStore();
  const session = useSession();
  const asks = useSignal(false);
  const fault = useSignal('');
  const unsent = session.entries.value.length;
  const text = [t.settings.log_out_text, ...(unsent > 0 ? [t.settings.log_out_unsent(unsent)] : [])].join(' ');
  return (
    <>
      <p class="fault" role="alert">
        {fault.value}
      </p>
      <button type="button" class="choice danger" onClick={() => (asks.value = true)}>
        {t.settings.log_out}
      </button>
      {asks.value && (
        <Confirm
          title={t.settings.log_out_title}
          text={text}
          yes={t.settings.log_out}
          danger
          onYes={() => void store.logOut().catch((error: unknown) => (fault.value = faultWords(error)))}
          onClose={() => (asks.value = false)}
        />
      )}
    </>
  );
}
