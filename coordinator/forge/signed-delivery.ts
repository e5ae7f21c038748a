import { verify } from '@octokit/webhooks-methods';
import { LIMITS } from '../../protocol/limits.ts';
import { shapeFault, shapeOf } from '../base/json-shape.ts';
import { z } from 'zod';
import type { Delivery, ForgeEvent, ForgePerson, ForgeRepositoryInfo } from './forge.ts';
import { ForgeApiError } from './forge-api-error.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });
const SHAPE = { ...shapeOf(LIMITS.forge_answer_nodes_max), keys_max: 1_000 };

type WithoutCommon<T> = T extends unknown ? Omit<T, 'delivery_id' | 'repository' | 'sender'> : never;

/** What one kind of event says, without what all events have. */
export type Said = WithoutCommon<ForgeEvent>;

/** How a forge's webhooks are read. `read`: undefined for events that Errand does not use; throws a `ZodError`. */
export type DeliveryReader = {
  delivery_id: string | undefined;
  Repository: z.ZodType<ForgeRepositoryInfo>;
  Account: z.ZodType<ForgePerson>;
  read: (json: unknown) => Said | undefined;
};

/** Verifies a webhook and reads it. Throws `invalid_signature`, and `invalid` for what the forge does not send. */
export async function eventOf(
  delivery: Delivery,
  secret: string,
  { delivery_id = '', Repository, Account, read }: DeliveryReader,
): Promise<ForgeEvent | undefined> {
  const json = await signedJson(delivery, secret);
  try {
    const said = read(json);
    if (said === undefined) return undefined;
    if (!/^[\w-]{1,100}$/.test(delivery_id)) throw new ForgeApiError('invalid', 'The webhook has no delivery id.');
    const { sender, repository } = z.object({ repository: Repository, sender: Account }).parse(json);
    const { id, owner, name, clone_url, default_branch } = repository;
    return { ...said, delivery_id, sender, repository: { id, owner, name, clone_url, default_branch } };
  } catch (cause) {
    if (!(cause instanceof z.ZodError)) throw cause;
    const path = cause.issues[0]?.path.join('.');
    throw new ForgeApiError('invalid', `The webhook is not as the forge sends it, at ${path}.`, { cause });
  }
}

/**
 * The JSON of a webhook, once its signature is verified: HMAC-SHA256 over its bytes, as GitHub and Gitea send it in
 * `x-hub-signature-256`. Throws `invalid_signature`, and `invalid` for what is signed and no JSON.
 */
async function signedJson({ headers, body }: Delivery, secret: string): Promise<unknown> {
  const signature = headers['x-hub-signature-256'];
  const text = textOf(body);
  if (
    secret === '' ||
    text === undefined ||
    text === '' ||
    signature === undefined ||
    !/^sha256=[0-9a-f]{64}$/.test(signature)
  )
    throw unsigned();
  if (!(await verify(secret, text, signature))) throw unsigned();
  const fault = shapeFault(Buffer.from(body), SHAPE);
  if (fault !== undefined) throw new ForgeApiError('invalid', `The webhook's body ${fault}.`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ForgeApiError('invalid', "The webhook's body is not JSON.", { cause });
  }
}

function textOf(body: Uint8Array): string | undefined {
  try {
    return UTF8.decode(body);
  } catch {
    return undefined;
  }
}

const unsigned = (): ForgeApiError => new ForgeApiError('invalid_signature', 'The webhook has no valid signature.');
