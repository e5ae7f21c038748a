import { useSignal } from '@preact/signals';
import type { ServerInfo } from '../../../../protocol/server-info.ts';
import { BUDGET_USD_MAX } from '../../../../protocol/without-schemas.ts';
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

/** The highest budget in US dollars that this person may give an errand, as far as that is known. */
export function useBudgetMax(): number {
  return useOffer()?.bounds.budget_usd_max ?? BUDGET_USD_MAX;
}
