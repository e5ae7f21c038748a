import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { ServerInfo } from '../../../../protocol/server-info.ts';
import { useSession } from '../../parts/context.ts';

/** What the server offers for an errand; undefined: that is not known, or not yet. */
export function useOffer(): ServerInfo | undefined {
  const { client } = useSession();
  const offer = useSignal<ServerInfo | undefined>(undefined);
  useEffect(() => {
    client.call('server', {}).then(
      (info) => (offer.value = info),
      // Without it the defaults have no names here.
      () => undefined,
    );
  }, [client]);
  return offer.value;
}
