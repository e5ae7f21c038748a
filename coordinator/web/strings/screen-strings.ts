import { languageOf } from '../../../protocol/choose-language.ts';
import { en_accounts } from './en-accounts.ts';
import { en_archive } from './en-archive.ts';
import { en_changes } from './en-changes.ts';
import { en_checks } from './en-checks.ts';
import { en_conversation } from './en-conversation.ts';
import { en_fresh } from './en-fresh.ts';
import { en_keys } from './en-keys.ts';
import { en_merge } from './en-merge.ts';
import { en_notifications } from './en-notifications.ts';
import { en_owner } from './en-owner.ts';
import { en_pulls } from './en-pulls.ts';
import { en_reading } from './en-reading.ts';
import { en_refusal } from './en-refusal.ts';
import { en_repositories } from './en-repositories.ts';
import { en_schedules } from './en-schedules.ts';
import { en_settings } from './en-settings.ts';

const en = {
  accounts: en_accounts,
  archive: en_archive,
  changes: en_changes,
  checks: en_checks,
  errand: en_conversation,
  fresh: en_fresh,
  keys: en_keys,
  merge: en_merge,
  notify: en_notifications,
  owner: en_owner,
  pulls: en_pulls,
  reading: en_reading,
  refusal: en_refusal,
  repositories: en_repositories,
  schedules: en_schedules,
  ...en_settings,
};
export type ScreenStrings = typeof en;

/**
 * The texts of the screens beside the list, in the language `locale`. They come with these screens, after the first
 * view.
 */
export async function speakOfScreens(locale: string): Promise<ScreenStrings> {
  return languageOf(locale) === 'de' ? (await import('./de-screens.ts')).de : en;
}
