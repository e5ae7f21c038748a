import type { MergeStrings } from './en-merge.ts';

/** The texts of merging a pull request, in German. */
export const de_merge: MergeStrings = {
  ready: 'Bereit zum Review',
  ready_title: (number) => `Pull Request ${number} als bereit zum Review markieren?`,
  ready_text: 'Er ist dann kein Entwurf mehr, und seine Reviewer werden gefragt.',
  merge: 'Mergen',
  title: (number) => `Pull Request ${number} mergen`,
  into: (base, repository) => `In ${base ?? 'den Standard-Branch'} von ${repository}`,
  checks_run: 'Seine Checks sind noch nicht alle zu Ende.',
  methods: {
    merge: 'Mit einem Merge-Commit mergen',
    squash: 'Squash zu einem Commit',
    rebase: 'Rebase auf den Ziel-Branch',
    'rebase-merge': 'Rebase, mit einem Merge-Commit',
    'fast-forward-only': 'Fast-forward',
  },
  no_method: 'Das Repository lässt keine Art zu mergen zu.',
  changes_page: 'Seine Änderungen auf der Forge ansehen',
  other_commits: (newest, seen) =>
    `Die Änderungen hier sind die von ${seen}, er steht aber jetzt auf ${newest}: Sieh ihn dir auf der Forge an, bevor du ihn mergst.`,
  not_yet: {
    at_work: 'Er lässt sich hier mergen, sobald der Auftrag zu Ende ist.',
    checks: 'Er lässt sich hier mergen, sobald kein Check mehr fehlschlägt.',
    conflicts: 'Er lässt sich hier mergen, sobald er keine Konflikte hat.',
  },
};
