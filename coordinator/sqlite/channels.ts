import { z } from 'zod';
import { ChannelAnswer, Occasion, type ChannelKind } from '../../protocol/notifications.ts';
import { numberOf, sql, type Db } from './database.ts';

/** Where a person is notified. Times are ISO. */
export type ChannelRow = {
  id: string;
  user_id: string;
  /** Null: all errands of the person. */
  project_id: string | null;
  /** The log-in of a device; null for the other kinds. */
  session: string | null;
  kind: ChannelKind;
  name: string;
  host: string;
  /** Where to send, and its keys: sealed. */
  address: string;
  /** Tells the subscriptions of devices apart; null for the other kinds. */
  fingerprint: string | null;
  occasions: Occasion[];
  created_at: string;
  answer: ChannelAnswer | null;
};

type Stored = Omit<ChannelRow, 'occasions' | 'answer'> & { occasions: string; answer: string | null };

const Occasions = z.array(Occasion);

const fromStored = (row: Stored): ChannelRow => ({
  ...row,
  occasions: Occasions.parse(JSON.parse(row.occasions)),
  answer: row.answer === null ? null : ChannelAnswer.parse(JSON.parse(row.answer)),
});

/** Not of a person or project that is being deleted. */
const LIVING = `user_id NOT IN (SELECT id FROM removed) AND (project_id IS NULL OR project_id NOT IN (SELECT id FROM removed))`;

/** Adds a channel, or replaces the one with its id. */
export function putChannel(db: Db, channel: ChannelRow): void {
  sql(
    db,
    `INSERT INTO channels (id, user_id, project_id, session, kind, name, host, address, fingerprint, occasions, created_at, answer)
     VALUES (:id, :user_id, :project_id, :session, :kind, :name, :host, :address, :fingerprint, :occasions, :created_at, :answer)
     ON CONFLICT (id) DO UPDATE SET session = excluded.session, name = excluded.name, host = excluded.host, address = excluded.address,
       fingerprint = excluded.fingerprint, occasions = excluded.occasions, answer = excluded.answer`,
  ).run({
    ...channel,
    occasions: JSON.stringify(channel.occasions),
    answer: channel.answer && JSON.stringify(channel.answer),
  });
}

/** The channel, whoever owns it. */
export function findChannel(db: Db, id: string): ChannelRow | undefined {
  const row = sql<Stored>(db, `SELECT * FROM channels WHERE id = ? AND ${LIVING}`).get(id);
  return row && fromStored(row);
}

/** The channel, if it belongs to this user. */
export function findChannelOf(db: Db, user_id: string, id: string): ChannelRow | undefined {
  const row = findChannel(db, id);
  return row?.user_id === user_id ? row : undefined;
}

/** The devices that this log-in, or a browser with this subscription, has registered: first that of the log-in. */
export function findDevices(db: Db, session: string, fingerprint: string): ChannelRow[] {
  return sql<Stored>(
    db,
    'SELECT * FROM channels WHERE session = :session OR fingerprint = :fingerprint ORDER BY session IS :session DESC',
  )
    .all({ session, fingerprint })
    .map(fromStored);
}

/** A page of a user's channels with ids below `before`, newest first. */
export function listChannels(db: Db, user_id: string, before: string | undefined, limit: number): ChannelRow[] {
  return sql<Stored>(
    db,
    `SELECT * FROM channels WHERE user_id = :user_id AND id < :before AND ${LIVING} ORDER BY id DESC LIMIT :limit`,
  )
    .all({ user_id, before: before ?? '~', limit })
    .map(fromStored);
}

/** The channels that are told of a user's errand in this project. */
export function listChannelsFor(db: Db, user_id: string, project_id: string | null): ChannelRow[] {
  return sql<Stored>(
    db,
    `SELECT * FROM channels WHERE user_id = :user_id AND (project_id IS NULL OR project_id = :project_id) AND ${LIVING}`,
  )
    .all({ user_id, project_id })
    .map(fromStored);
}

export function countChannels(db: Db, user_id: string): number {
  return numberOf(db, 'SELECT count(*) FROM channels WHERE user_id = ?', user_id);
}

/** Stores what the other side answered last. */
export function putChannelAnswer(db: Db, id: string, answer: ChannelAnswer): void {
  sql(db, 'UPDATE channels SET answer = ? WHERE id = ?').run(JSON.stringify(answer), id);
}

/** False: it was deleted before. */
export function deleteChannel(db: Db, id: string): boolean {
  return sql(db, 'DELETE FROM channels WHERE id = ?').run(id).changes === 1;
}

/** Deletes the devices of a user whose log-in has ended or expired. */
export function deleteEndedDevices(db: Db, user_id: string, now: string): void {
  sql(
    db,
    `DELETE FROM channels WHERE user_id = :user_id AND session IS NOT NULL AND NOT EXISTS
       (SELECT 1 FROM refresh_tokens WHERE family = channels.session AND expires_at > :now)`,
  ).run({ user_id, now });
}

/** Deletes all devices: their subscriptions are for another key than the server's. */
export function deleteAllDevices(db: Db): void {
  sql(db, `DELETE FROM channels WHERE kind = 'push'`).run();
}

/** Whether the errand is muted. */
export function isMuted(db: Db, task_id: string): boolean {
  return sql(db, 'SELECT 1 FROM muted_tasks WHERE task_id = ?').get(task_id) !== undefined;
}

export function setMuted(db: Db, task_id: string, muted: boolean): void {
  if (muted) sql(db, 'INSERT OR IGNORE INTO muted_tasks (task_id) VALUES (?)').run(task_id);
  else sql(db, 'DELETE FROM muted_tasks WHERE task_id = ?').run(task_id);
}
