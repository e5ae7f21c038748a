import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { loadWire } from '../../../client/load-wire.ts';
import { useRouter, useStore } from '../../parts/context.ts';
import { Logo } from '../../parts/logo.tsx';
import { useTitle } from '../../parts/use-title.ts';
import { t } from '../../parts/speech.ts';
import { takeSignIn, type PendingSignIn } from '../../store/pending-sign-in.ts';
import { pathOf, type RouteName } from '../../store/routes.ts';
import type { Session } from '../../store/session.ts';
import type { Store } from '../../store/store.ts';
import { link } from '../access/link-code.ts';
import { signInFault } from './sign-in-fault.ts';
import { s } from '../screen-speech.ts';

/** Where each purpose leads in the end. */
const NEXT: Record<PendingSignIn['purpose'], RouteName> = { sign_in: 'inbox', link: 'accounts', app: 'owner' };

/** The browser came back from a forge or the identity provider. `session`: who is logged in here. */
export function SignedInScreen({ session }: { session: Session | undefined }): JSX.Element {
  const [store, router] = [useStore(), useRouter()];
  const fault = useSignal('');
  const next = useSignal<RouteName>('inbox');
  useTitle(t.app);
  useEffect(() => {
    const answer = location.search;
    // The code stays in no history.
    history.replaceState(history.state, '', pathOf('signed_in'));
    const pending = takeSignIn();
    next.value = pending ? NEXT[pending.purpose] : 'inbox';
    finish(store, session, pending, answer).then(
      () => {
        // What brought the person here was used on the way.
        if (pending?.purpose === 'sign_in') link.value = undefined;
        router.go(next.value, {}, true);
      },
      (error: unknown) => (fault.value = signInFault(error)),
    );
  }, []);
  return (
    <main class="access">
      <div class="access-card">
        <Logo />
        <h1>{fault.value === '' ? s.accounts.finishing : s.accounts.failed}</h1>
        <p class={fault.value === '' ? 'lead' : 'fault'} role="alert">
          {fault.value}
        </p>
        {fault.value !== '' && (
          <button type="button" class="primary" onClick={() => router.go(next.value, {}, true)}>
            {s.accounts.back}
          </button>
        )}
      </div>
    </main>
  );
}

async function finish(
  store: Store,
  session: Session | undefined,
  pending: PendingSignIn | undefined,
  answer: string,
): Promise<void> {
  if (!pending) throw new Error(s.accounts.elsewhere);
  const body = { flow: pending.flow, answer };
  if (pending.purpose === 'sign_in') {
    const { send } = await loadWire();
    const log_in = await send(store.server, 'finishSignIn', { body }, {}, AbortSignal.timeout(30_000));
    return store.replaceLogIn(log_in);
  }
  if (!session) throw new Error(s.accounts.logged_out);
  await session.client.call(pending.purpose === 'link' ? 'finishLink' : 'finishForgeApp', { body });
}
