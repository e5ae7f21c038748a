import { useSignal, type Signal } from '@preact/signals';
import type { JSX, TargetedSubmitEvent } from 'preact';
import type { SignInWay } from '../../../../protocol/forges.ts';
import { useSession } from '../../parts/context.ts';
import { fieldsOf } from '../../parts/form.ts';
import { Sheet } from '../../parts/screen.tsx';
import { t } from '../../parts/speech.ts';
import { keepSignIn } from '../../store/pending-sign-in.ts';
import type { Session } from '../../store/session.ts';
import { isAbout } from '../is-about.ts';
import { s } from '../screen-speech.ts';
import { CurrentPassword, Whose } from '../settings/password-form.tsx';
import { confirmFault } from './confirm-fault.ts';

type Linking = {
  /** Begins to link an account. */
  link: (way_id: string) => void;
  /** Asks for the password, if it is needed. */
  sheet: (ways: readonly SignInWay[]) => JSX.Element | undefined;
};

/** Links accounts; the server may want the password first. `fault` says why it failed. */
export function useLinking(fault: Signal<string>): Linking {
  const { client } = useSession();
  const asking = useSignal<string | undefined>(undefined);
  const link = (id: string): void => {
    fault.value = '';
    startLink(client, id).catch((error: unknown) => {
      if (isAbout(error, '/password')) asking.value = id;
      else fault.value = confirmFault(error);
    });
  };
  const sheet = (ways: readonly SignInWay[]): JSX.Element | undefined => {
    const way = ways.find(({ id }) => id === asking.value);
    if (!way) return undefined;
    const begin = (password: string): Promise<void> => startLink(client, way.id, password);
    return <ConfirmLink way={way} email={client.email} begin={begin} onClose={() => (asking.value = undefined)} />;
  };
  return { link, sheet };
}

/** Leaves the app for the other side, which sends the browser back. */
async function startLink(client: Session['client'], id: string, password?: string): Promise<void> {
  const body = password === undefined ? {} : { password };
  const { url, flow } = await client.call('startLink', { params: { id }, body });
  keepSignIn({ flow, purpose: 'link' });
  location.assign(url);
}

type ConfirmLinkProps = {
  way: Pick<SignInWay, 'name'>;
  email: string;
  /** Begins to link, with this password. */
  begin: (password: string) => Promise<void>;
  onClose: () => void;
};

/** Asks for the password before an account is linked, which lets whoever has it log in. */
function ConfirmLink({ way, email, begin, onClose }: ConfirmLinkProps): JSX.Element {
  const is_wrong = useSignal(false);
  const fault = useSignal('');
  const beginning = useSignal(false);
  const title = s.accounts.link(way.name);
  const submit = (event: TargetedSubmitEvent<HTMLFormElement>): void => {
    event.preventDefault();
    const { old_password = '' } = fieldsOf(event.currentTarget);
    [is_wrong.value, fault.value, beginning.value] = [false, '', true];
    begin(old_password)
      .catch((error: unknown) => {
        is_wrong.value = isAbout(error, '/password');
        fault.value = is_wrong.value ? '' : confirmFault(error);
      })
      .finally(() => (beginning.value = false));
  };
  return (
    <Sheet label={title} onClose={onClose}>
      <h2>{title}</h2>
      <p>{s.accounts.confirm_link}</p>
      <form onSubmit={submit}>
        <Whose email={email} />
        <CurrentPassword is_wrong={is_wrong.value} />
        <p class={fault.value === '' ? '' : 'fault'} role="status">
          {fault.value}
        </p>
        <button type="submit" class="choice main" disabled={beginning.value}>
          {beginning.value ? t.access.working : title}
        </button>
      </form>
      <button type="button" class="choice" onClick={onClose}>
        {t.cancel}
      </button>
    </Sheet>
  );
}
