import { de_accounts } from './de-accounts.ts';
import { de_archive } from './de-archive.ts';
import { de_changes } from './de-changes.ts';
import { de_conversation } from './de-conversation.ts';
import { de_fresh } from './de-fresh.ts';
import { de_keys } from './de-keys.ts';
import { de_notifications } from './de-notifications.ts';
import { de_owner } from './de-owner.ts';
import { de_pulls } from './de-pulls.ts';
import { de_reading } from './de-reading.ts';
import { de_repositories } from './de-repositories.ts';
import { de_schedules } from './de-schedules.ts';
import { de_settings } from './de-settings.ts';
import { en_accounts } from './en-accounts.ts';
import { en_archive } from './en-archive.ts';
import { en_changes } from './en-changes.ts';
import { en_conversation } from './en-conversation.ts';
import { en_fresh } from './en-fresh.ts';
import { en_keys } from './en-keys.ts';
import { en_notifications } from './en-notifications.ts';
import { en_owner } from './en-owner.ts';
import { en_pulls } from './en-pulls.ts';
import { en_reading } from './en-reading.ts';
import { en_repositories } from './en-repositories.ts';
import { en_schedules } from './en-schedules.ts';
import { en_settings } from './en-settings.ts';
import { languageOf } from './strings.ts';

const en = {
  accounts: en_accounts,
  archive: en_archive,
  changes: en_changes,
  errand: en_conversation,
  fresh: en_fresh,
  keys: en_keys,
  notify: en_notifications,
  owner: en_owner,
  pulls: en_pulls,
  reading: en_reading,
  repositories: en_repositories,
  schedules: en_schedules,
  ...en_settings,
};
const de: typeof en = {
  accounts: de_accounts,
  archive: de_archive,
  changes: de_changes,
  errand: de_conversation,
  fresh: de_fresh,
  keys: de_keys,
  notify: de_notifications,
  owner: de_owner,
  pulls: de_pulls,
  reading: de_reading,
  repositories: de_repositories,
  schedules: de_schedules,
  ...de_settings,
};

/** The texts of the screens beside the list, in the language `locale`. They come with these screens, after the first view. */
export function speakOfScreens(locale: string): typeof en {
  return languageOf(locale) === 'de' ? de : en;
}
