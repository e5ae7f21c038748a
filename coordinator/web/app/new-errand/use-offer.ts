import { signal, type Signal } from '@preact/signals';
import type { ServerInfo } from '../../../../protocol/server-info.ts';
import { BUDGET_USD_MAX } from '../../../../protocol/without-schemas.ts';
import type { Client } from '../../../client/client.ts';
import { useSession } from '../../parts/context.ts';
import { useRead } from '../../parts/use-read.ts';

/** What a server offers, as it was last read. All places that show it have the same. */
type Offer = { info: Signal<ServerInfo | undefined>; reading?: Promise<ServerInfo> | undefined };

const offers = new WeakMap<Client, Offer>();

function offerOf(client: Client): Offer {
  const offer = offers.get(client) ?? { info: signal(undefined) };
  offers.set(client, offer);
  return offer;
}

/** Reads what the server offers for an errand, once for all that ask at the same time. */
export function readOffer(client: Client): Promise<ServerInfo> {
  const offer = offerOf(client);
  offer.reading ??= client
    .call('server', {})
    .then((info) => (offer.info.value = info))
    .finally(() => (offer.reading = undefined));
  return offer.reading;
}

/** What the server offers for an errand, read anew; undefined: that is not known, or not yet. */
export function useOffer(): ServerInfo | undefined {
  const { client } = useSession();
  // Without it the defaults have no names here.
  useRead(() => void readOffer(client).catch(() => undefined), [client]);
  return offerOf(client).info.value;
}

/**
 * The highest budget in US dollars that this person may give an errand, as far as that is known. It is read where
 * nothing has read it before: each row of a list asks for it, and the server refuses more.
 */
export function useBudgetMax(): number {
  const { client } = useSession();
  const { info } = offerOf(client);
  useRead(() => {
    if (info.peek() === undefined) readOffer(client).catch(() => undefined);
  }, [client]);
  return info.value?.bounds.budget_usd_max ?? BUDGET_USD_MAX;
}
