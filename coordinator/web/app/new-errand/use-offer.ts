import { useSignal } from '@preact/signals';
import type { ServerInfo } from '../../../../protocol/server-info.ts';
import { useSession } from '../../parts/context.ts';
import { useRead } from '../../parts/use-read.ts';

/** What the server offers for an errand; undefined: that is not known, or not yet. */
export function useOffer(): ServerInfo | undefined {
  const { client } = useSession();
  const offer = useSignal<ServerInfo | undefined>(undefined);
  const read = (): void => {
    client.call('server', {}).then(
      (info) => (offer.value = info),
      // Without it the defaults have no names here.
      () => undefined,
    );
  };
  useRead(read, [client]);
  return offer.value;
}
