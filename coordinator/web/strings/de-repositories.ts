import type { RepositoriesStrings } from './en-repositories.ts';

/** The texts of errands in several repositories, in German. */
export const de_repositories: RepositoriesStrings = {
  add: 'Weiteres Repository hinzufügen',
  remove: 'Dieses Repository weglassen',
  nth: (n) => `Repository ${n}`,
  push_to_hint: 'Ein Branch von dir in diesem Repository',
  pushed: (branch, repository) => `Auf ${branch} in ${repository} gepusht`,
  pushed_wip: (branch, repository) => `Zwischenstand auf ${branch} in ${repository} gepusht`,
  unchanged: 'unverändert',
};
