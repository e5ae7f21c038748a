import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { ForgeKind } from '../../protocol/forges.ts';
import type { Config } from '../base/config.ts';
import type { Keys } from '../base/keys.ts';
import type { Logger } from '../base/logger.ts';
import { appendAudit } from '../sqlite/audit.ts';
import type { EventLog } from '../sqlite/event-log.ts';
import { findSettings, putSettings } from '../sqlite/meta.ts';

type AuditedSettings = { log: EventLog; keys: Keys; config: Config; logger: Logger };

const Stored = z.record(z.string(), z.unknown());

/** Settings whose values are secret, or may contain a secret: only that they changed is recorded. */
const SECRET: ReadonlySet<string> = new Set<keyof Config>([
  'anthropic_api_key',
  'anthropic_base_url',
  'backup',
  'docker_host',
  ...ForgeKind.options,
  'git_token',
  'metrics_token',
  'oidc',
  'proxy',
  'worker_env',
]);

/**
 * Records in the audit log what is set otherwise than at the last start, from what to what. Nothing is recorded if
 * nothing changed. Of secret values only a keyed hash is stored.
 */
export function auditSettings({ log, keys, config, logger }: AuditedSettings): void {
  // What the settings are called in the environment is no setting of its own.
  const { in_force: _, ...settings } = config;
  const now = Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, SECRET.has(name) ? hashOf(keys, value) : (value ?? null)]),
  );
  const stored = findSettings(log.db);
  const before = stored === undefined ? {} : Stored.parse(JSON.parse(stored));
  const names = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  const changed = names.filter((name) => JSON.stringify(before[name] ?? null) !== JSON.stringify(now[name] ?? null));
  if (changed.length === 0) return;
  const describe = (name: string) => [name, SECRET.has(name) ? 'is secret' : [before[name] ?? null, now[name] ?? null]];
  const detail = stored === undefined ? { first: true } : { changed: Object.fromEntries(changed.map(describe)) };
  try {
    log.write((tx) => {
      appendAudit(tx.db, { action: 'settings.changed', detail });
      putSettings(tx.db, JSON.stringify(now));
    });
  } catch (err) {
    // The server starts on a full disk, too. The next start records it.
    logger.error({ err }, 'settings not recorded in the audit log');
  }
}

function hashOf(keys: Keys, value: unknown): string | null {
  if (value === undefined) return null;
  return createHmac('sha256', keys.seal).update(JSON.stringify(value)).digest('hex');
}
