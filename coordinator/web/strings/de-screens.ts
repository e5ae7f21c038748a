import { de_accounts } from './de-accounts.ts';
import { de_archive } from './de-archive.ts';
import { de_changes } from './de-changes.ts';
import { de_checks } from './de-checks.ts';
import { de_conversation } from './de-conversation.ts';
import { de_fresh } from './de-fresh.ts';
import { de_keys } from './de-keys.ts';
import { de_merge } from './de-merge.ts';
import { de_notifications } from './de-notifications.ts';
import { de_owner } from './de-owner.ts';
import { de_pulls } from './de-pulls.ts';
import { de_reading } from './de-reading.ts';
import { de_refusal } from './de-refusal.ts';
import { de_repositories } from './de-repositories.ts';
import { de_schedules } from './de-schedules.ts';
import { de_settings } from './de-settings.ts';
import type { ScreenStrings } from './screen-strings.ts';

/** The texts of the screens beside the list, in German. */
export const de: ScreenStrings = {
  accounts: de_accounts,
  archive: de_archive,
  changes: de_changes,
  checks: de_checks,
  errand: de_conversation,
  fresh: de_fresh,
  keys: de_keys,
  merge: de_merge,
  notify: de_notifications,
  owner: de_owner,
  pulls: de_pulls,
  reading: de_reading,
  refusal: de_refusal,
  repositories: de_repositories,
  schedules: de_schedules,
  ...de_settings,
};
