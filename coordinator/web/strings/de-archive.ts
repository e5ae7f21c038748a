import type { ArchiveStrings } from './en-archive.ts';

/** The texts of what a person does to an errand from the list, and of the archive, in German. */
export const de_archive: ArchiveStrings = {
  title: 'Archiviert',
  empty: 'Nichts ist archiviert. Was fertig ist, lässt sich hier ablegen; die Suche findet es weiterhin.',
  acts: {
    stop: 'Anhalten',
    again: 'Nochmal',
    archive: 'Archivieren',
    unarchive: 'Zurück in die Liste',
    remove: 'Löschen',
  },
  archived: (title) => `Archiviert: ${title}`,
  undo: 'Rückgängig',
  none: 'Damit ist jetzt nichts zu tun.',
  answer: 'Antwort',
  update_base: 'Neueste Basis einmergen',
  update_base_text: (base, repository) =>
    `Bring deinen Branch${repository === undefined ? '' : ` in ${repository}`} auf den Stand von ${base ?? 'dem Branch, von dem er ausging'}: Hol den neuesten Stand und merge ihn. ` +
    'Mach keinen Rebase. Löse Konflikte so, dass beide Absichten erhalten bleiben, und lass die Prüfungen noch einmal laufen.',
};
