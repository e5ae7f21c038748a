import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { OneTimeLink } from '../../../../protocol/accounts.ts';
import { allSessions } from '../../../client/lists.ts';
import { useSession } from '../../parts/context.ts';
import { useVisible } from '../../parts/visible.ts';

const LOOK_MS = 2_000;

/** Whether another device has logged in since the link was made. Nobody waits for that without a link. */
export function useArrived(made: OneTimeLink | undefined): boolean {
  const { client } = useSession();
  const visible = useVisible();
  /** The id of the link after which one has. */
  const after = useSignal('');
  const arrived = made !== undefined && after.value === made.id;
  useEffect(() => {
    if (!made || !visible || arrived) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const look = async (): Promise<void> => {
      // Ids sort by creation time. Where a look fails, the next one may reach the server.
      const found = await allSessions(client).then(
        (all) => all.some(({ id }) => id > made.id),
        () => false,
      );
      if (ended) return;
      if (found) after.value = made.id;
      else if (Date.now() < Date.parse(made.expires_at)) timer = setTimeout(() => void look(), LOOK_MS);
    };
    void look();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [client, made, visible, arrived]);
  return arrived;
}
