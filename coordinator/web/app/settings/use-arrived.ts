import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { OneTimeLink } from '../../../../protocol/accounts.ts';
import { allSessions } from '../../../client/lists.ts';
import { useSession } from '../../parts/context.ts';

const LOOK_MS = 2_000;

/** Whether another device has logged in since the link was made. Nobody waits for that without a link. */
export function useArrived(made: OneTimeLink | undefined): boolean {
  const { client } = useSession();
  const arrived = useSignal(false);
  useEffect(() => {
    arrived.value = false;
    if (!made) return;
    let before: ReadonlySet<string> | undefined;
    const look = (): void => {
      allSessions(client).then(
        (all) => {
          before ??= new Set(all.map(({ id }) => id));
          if (all.some(({ id }) => before?.has(id) === false)) arrived.value = true;
        },
        // The next look may reach the server.
        () => undefined,
      );
    };
    look();
    const timer = setInterval(look, LOOK_MS);
    return () => clearInterval(timer);
  }, [client, made]);
  return arrived.value;
}
