/** The texts of merging a pull request, in English. */
export const en_merge = {
  ready: 'Ready for review',
  ready_title: (number: string) => `Mark pull request ${number} as ready for review?`,
  ready_text: 'It is no draft any more then, and its reviewers are asked.',
  merge: 'Merge',
  title: (number: string) => `Merge pull request ${number}`,
  into: (base: string | null, repository: string) => `Into ${base ?? 'the default branch'} of ${repository}`,
  checks_run: 'Its checks have not all ended yet.',
  methods: {
    merge: 'Merge with a merge commit',
    squash: 'Squash into one commit',
    rebase: 'Rebase onto the base',
    'rebase-merge': 'Rebase, with a merge commit',
    'fast-forward-only': 'Fast-forward',
  },
  no_method: 'The repository allows no way to merge.',
  changes_page: 'See its changes on the forge',
  other_commits: (newest: string, seen: string) =>
    `The changes here are those of ${seen}, but it is at ${newest} now: look at it on the forge before you merge it.`,
  not_yet: {
    at_work: 'It can be merged here once the errand has ended.',
    checks: 'It can be merged here once no check fails.',
    conflicts: 'It can be merged here once it has no conflicts.',
  },
};
export type MergeStrings = typeof en_merge;
