/** The texts of errands in several repositories, in English. */
export const en_repositories = {
  add: 'Add another repository',
  remove: 'Leave this repository out',
  nth: (n: number) => `Repository ${n}`,
  push_to_hint: 'A branch of yours in this repository',
  pushed: (branch: string, repository: string) => `Pushed to ${branch} in ${repository}`,
  pushed_wip: (branch: string, repository: string) => `Work in progress pushed to ${branch} in ${repository}`,
  unchanged: 'unchanged',
};
export type RepositoriesStrings = typeof en_repositories;
