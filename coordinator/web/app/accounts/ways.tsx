import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { SignInWay } from '../../../../protocol/forges.ts';
import { loadWire } from '../../../client/load-wire.ts';
import { useStore } from '../../parts/context.ts';
import { keepSignIn } from '../../store/pending-sign-in.ts';
import type { NewAccount } from '../../store/store.ts';
import { WayName } from './way-name.tsx';
import { signInFault } from './sign-in-fault.ts';
import { s } from '../screen-speech.ts';

export type WaysProps = {
  link: NewAccount | undefined;
  /** Somebody makes an account, and has no link: the server may want one. */
  needs_link: boolean;
  /** The server makes no account without a link. */
  onClosed: () => void;
};

/** A button for each way to sign in besides the password. The browser leaves the app for it. */
export function Ways({ link, needs_link, onClosed }: WaysProps): JSX.Element {
  const { server } = useStore();
  const ways = useSignal<readonly SignInWay[]>([]);
  const closed = useSignal(false);
  const fault = useSignal('');
  useEffect(() => {
    const stop = new AbortController();
    loadWire()
      .then(({ send }) => send(server, 'listSignInWays', {}, {}, stop.signal))
      .then(
        ({ items, signup }) => {
          ways.value = items;
          if (signup !== false) return;
          closed.value = true;
          onClosed();
        },
        // Whoever has a password can log in nevertheless.
        () => undefined,
      );
    return () => stop.abort();
  }, [server]);
  const start = (id: string): void => {
    fault.value = '';
    const body = {
      ...(link?.kind === 'setup' && { setup_code: link.code }),
      ...(link?.kind === 'invite' && { invite: link.code }),
    };
    loadWire()
      .then(({ send }) => send(server, 'startSignIn', { params: { id }, body }, {}, AbortSignal.timeout(30_000)))
      .then(({ url, flow }) => {
        keepSignIn({ flow, purpose: 'sign_in' });
        location.assign(url);
      })
      .catch((error: unknown) => (fault.value = signInFault(error)));
  };
  return (
    <div class="ways">
      {closed.value && !link && <p class="lead">{s.accounts.link_only}</p>}
      {!closed.value && needs_link && <p class="lead">{s.accounts.link_needed}</p>}
      {ways.value.length > 0 && <p class="or">{s.accounts.or}</p>}
      {ways.value.map((way) => (
        <button key={way.id} type="button" class="choice" onClick={() => start(way.id)}>
          <WayName way={way} text={s.accounts.continue_with} />
        </button>
      ))}
      <p class="fault" role="alert">
        {fault.value}
      </p>
    </div>
  );
}
