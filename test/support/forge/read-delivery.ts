import type { RunJob } from '../../../coordinator/base/check-body.ts';
import type { Delivery, ForgeClient, ForgeEvent } from '../../../coordinator/forge/forge.ts';
import { isSignature, isSigned } from '../../../coordinator/forge/signed-delivery.ts';

const here: RunJob = async (bytes, job, ...args) => ({ value: job.run(bytes, ...args), bytes });

/** Reads a webhook, if its signature is right. */
export async function readDelivery(
  client: ForgeClient,
  delivery: Delivery,
  secret: string,
): Promise<ForgeEvent | undefined> {
  const signature = client.signatureOf(delivery.headers);
  if (!isSignature(signature) || !(await isSigned(delivery.body, secret, signature)))
    throw new Error('The signature is wrong.');
  return client.readDelivery(delivery, here);
}
