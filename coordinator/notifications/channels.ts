import { newId } from '../../protocol/ids.ts';
import { LIMITS } from '../../protocol/limits.ts';
import {
  Occasion,
  type Channel,
  type ChannelCreate,
  type ChannelCreated,
  type ChannelPatch,
} from '../../protocol/notifications.ts';
import { ErrandError } from '../../protocol/problem.ts';
import type { AddressGuard } from '../base/address-guard.ts';
import type { Keys } from '../base/keys.ts';
import type { Db } from '../sqlite/database.ts';
import {
  countChannels,
  deleteChannel,
  deleteEndedDevices,
  findChannelOf,
  findDevices,
  listChannels,
  putChannel,
  type ChannelRow,
} from '../sqlite/channels.ts';
import type { EventLog, Tx } from '../sqlite/event-log.ts';
import { findProjectOf } from '../sqlite/projects.ts';
import { fingerprintOf, openAddress, sealAddress, urlOf, type Address } from './address.ts';
import { checkAddress } from './check-address.ts';
import { newWebhookSecret } from './requests.ts';

/** Whose channels: a person, on the device of this log-in. */
export type Who = { user_id: string; session: string };

type Dependencies = { log: EventLog; keys: Keys; private_hosts: string[]; guard: AddressGuard };

/** What a person can do with their channels. */
export class Channels {
  readonly #deps: Dependencies;

  constructor(deps: Dependencies) {
    this.#deps = deps;
  }

  /** Rejects with `invalid` if nothing may, or can, be sent to the address of a new channel. */
  check(input: ChannelCreate): Promise<void> {
    return checkAddress(input, this.#deps);
  }

  /**
   * Adds a channel in the caller's transaction. One that is there already, for the same device or at the same address,
   * keeps its id: the first answer may have been lost.
   */
  create(tx: Tx, { user_id, session }: Who, input: ChannelCreate): ChannelCreated {
    const { keys } = this.#deps;
    const project_id = input.kind === 'push' ? undefined : input.project_id;
    if (project_id !== undefined && !findProjectOf(tx.db, user_id, project_id))
      throw new ErrandError('not_found', 'There is no such project.');
    const created_at = new Date().toISOString();
    const fingerprint = input.kind === 'push' ? fingerprintOf(input.subscription) : null;
    const before =
      fingerprint === null
        ? this.#sameAddress(tx.db, user_id, input, project_id ?? null)
        : takeOver(tx.db, { user_id, session }, fingerprint);
    // After that: a device whose person has logged in again is not over.
    if (!before) deleteEndedDevices(tx.db, user_id, created_at);
    if (!before && countChannels(tx.db, user_id) >= LIMITS.channels_per_user_max)
      throw new ErrandError('conflict', `You have ${LIMITS.channels_per_user_max} channels: remove one first.`);
    const id = before?.id ?? newId();
    const secret = input.kind === 'webhook' ? newWebhookSecret() : null;
    const address = addressOf(input, secret ?? '');
    const row: ChannelRow = {
      id,
      user_id,
      project_id: project_id ?? null,
      session: fingerprint === null ? null : session,
      kind: input.kind,
      name: input.name,
      host: urlOf(address).host,
      address: sealAddress(keys, id, address),
      fingerprint,
      occasions: input.occasions ?? before?.occasions ?? Occasion.options,
      created_at: before?.created_at ?? created_at,
      answer: before?.answer ?? null,
    };
    putChannel(tx.db, row);
    return { ...viewOf(row, session), secret };
  }

  #sameAddress(db: Db, user_id: string, input: ChannelCreate, project_id: string | null): ChannelRow | undefined {
    return listChannels(db, user_id, undefined, LIMITS.channels_per_user_max).find((row) => {
      const address = row.project_id === project_id ? openAddress(this.#deps.keys, row) : undefined;
      return address !== undefined && isSame(address, input);
    });
  }

  /** A page of a person's channels with ids below `before`, newest first. */
  list({ user_id, session }: Who, before: string | undefined, limit: number): Channel[] {
    return listChannels(this.#deps.log.db, user_id, before, limit).map((row) => viewOf(row, session));
  }

  change(tx: Tx, who: Who, id: string, { name, occasions }: ChannelPatch): Channel {
    const row = requireChannel(tx.db, who, id);
    const changed = { ...row, name: name ?? row.name, occasions: occasions ?? row.occasions };
    putChannel(tx.db, changed);
    return viewOf(changed, who.session);
  }

  remove(tx: Tx, who: Who, id: string): void {
    requireChannel(tx.db, who, id);
    deleteChannel(tx.db, id);
  }
}

/** The channel of a person. Throws `not_found`. */
export function requireChannel(db: Db, { user_id }: Who, id: string): ChannelRow {
  const row = findChannelOf(db, user_id, id);
  if (!row) throw new ErrandError('not_found', 'There is no such channel. It may have been removed already.');
  return row;
}

/** A channel as its person sees it from the device of a log-in. */
export function viewOf(row: ChannelRow, session: string): Channel {
  const { id, kind, name, host, project_id, occasions, created_at, answer } = row;
  return {
    id,
    kind,
    name,
    host,
    project_id,
    occasions,
    created_at,
    current: row.session === session,
    last_answer: answer,
  };
}

/**
 * What this device has registered before: it keeps its row, and so the notifications that wait. Where somebody else was
 * logged in to the same browser, their registration goes.
 */
function takeOver(db: Db, { user_id, session }: Who, fingerprint: string): ChannelRow | undefined {
  const found = findDevices(db, session, fingerprint);
  const own = found.find((row) => row.user_id === user_id);
  for (const { id } of found) if (id !== own?.id) deleteChannel(db, id);
  return own;
}

/** Whether a channel would send to the same webhook or topic. */
function isSame(address: Address, input: ChannelCreate): boolean {
  if (address.kind === 'webhook') return input.kind === 'webhook' && input.url === address.url;
  if (address.kind === 'ntfy')
    return input.kind === 'ntfy' && input.server === address.server && input.topic === address.topic;
  return false;
}

function addressOf(input: ChannelCreate, secret: string): Address {
  switch (input.kind) {
    case 'push': {
      const { kind, subscription, app_url, language } = input;
      return { kind, subscription, app_url, language };
    }
    case 'webhook':
      return { kind: input.kind, url: input.url, secret };
    case 'ntfy': {
      const { kind, server, topic, token, language } = input;
      return { kind, server, topic, language, ...(token !== undefined && { token }) };
    }
  }
}
