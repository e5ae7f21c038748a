import { verify } from '@octokit/webhooks-methods';
import { z } from 'zod';
import { shapeOf } from '../../protocol/json-shape.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ErrandError } from '../../protocol/problem.ts';
import { parseJson } from '../base/json-body.ts';
import type { ForgeEvent, ForgePerson, ForgeRepositoryInfo } from './forge.ts';

const UTF8 = new TextDecoder('utf-8', { fatal: true });
/** What the body of a webhook begins with that is sent as a form. */
const FORM = Buffer.from('payload=');
const SHAPE = { ...shapeOf(LIMITS.forge_answer_nodes_max), keys_max: 1_000 };

type WithoutCommon<T> = T extends unknown ? Omit<T, 'delivery_id' | 'repository' | 'sender'> : never;

/** What one kind of event says, without what all events have. */
export type EventContent = WithoutCommon<ForgeEvent>;

/** How a forge's webhooks are read. `read`: undefined for events that Errand does not use; throws a `ZodError`. */
export type DeliveryReader = {
  delivery_id: string | undefined;
  Repository: z.ZodType<ForgeRepositoryInfo>;
  Account: z.ZodType<ForgePerson>;
  read: (json: unknown) => EventContent | undefined;
};

/** Reads a webhook whose signature is right. Throws `invalid` or `too_large` for what the forge does not send. */
export function eventOf(
  body: Buffer,
  { delivery_id = '', Repository, Account, read }: DeliveryReader,
): ForgeEvent | undefined {
  // A forge's first choice for a webhook that is made by hand.
  if (body.subarray(0, FORM.length).equals(FORM))
    throw new ErrandError('invalid', 'The webhook came as a form: set its content type to application/json.');
  const json = parseJson(body, SHAPE);
  try {
    const said = read(json);
    if (said === undefined) return undefined;
    if (!/^[\w-]{1,100}$/.test(delivery_id)) throw new ErrandError('invalid', 'The webhook has no delivery id.');
    const { sender, repository } = z.object({ repository: Repository, sender: Account }).parse(json);
    const { id, owner, name, clone_url, default_branch } = repository;
    return { ...said, delivery_id, sender, repository: { id, owner, name, clone_url, default_branch } };
  } catch (cause) {
    if (!(cause instanceof z.ZodError)) throw cause;
    const path = cause.issues[0]?.path.join('.');
    throw new ErrandError('invalid', `The webhook is not as the forge sends it, at ${path}.`, { cause });
  }
}

/** The form of a signature: HMAC-SHA256 in hex, as GitHub and Gitea send it in `x-hub-signature-256`. */
export function isSignature(text: string | undefined): text is string {
  return text !== undefined && /^sha256=[0-9a-f]{64}$/.test(text);
}

/** Whether a webhook's bytes are signed with the secret. `signature`: see `isSignature`. */
export async function isSigned(body: Buffer, secret: string, signature: string): Promise<boolean> {
  const text = textOf(body);
  return secret !== '' && text !== undefined && text !== '' && verify(secret, text, signature);
}

function textOf(body: Buffer): string | undefined {
  try {
    return UTF8.decode(body);
  } catch {
    return undefined;
  }
}
