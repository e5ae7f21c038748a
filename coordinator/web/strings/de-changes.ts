import type { ChangesStrings } from './en-changes.ts';

const count = (n: number, one: string, many: string) => `${n} ${n === 1 ? one : many}`;

/** The texts of the screen with the changes of an errand, in German. */
export const de_changes: ChangesStrings = {
  title: 'Änderungen',
  none: 'Noch ist nichts geändert',
  not_here: 'Die Änderungen wurden nicht geladen, bevor du offline warst.',
  truncated: 'Der Diff war zu lang und ist hier abgeschnitten.',
  viewed: 'gesehen',
  anew: 'geändert, seit du es gesehen hast',
  wrap: 'Zeilen umbrechen',
  gap: (n) => `⋯ ${count(n, 'Zeile', 'Zeilen')}`,
  unfold: (n) => `⋯ ${count(n, 'unveränderte Zeile', 'unveränderte Zeilen')}`,
  fresh: (n) => `${count(n, 'Zeile', 'Zeilen')} neu seit deinem letzten Blick`,
  fresh_line: 'neu seit deinem letzten Blick: ',
  sign: { added: 'hinzugefügt: ', removed: 'gelöscht: ', same: '' },
  gone: (paths) => `Seit deinem letzten Blick nicht mehr geändert: ${paths}`,
  comment: 'Diese Zeile kommentieren',
  comment_on: (line) => `Kommentar zu Zeile ${line}`,
  placeholder: 'Was soll hier anders sein?',
  add: 'Kommentar hinzufügen',
  edit: 'Ändern',
  remove: 'Entfernen',
  you: 'Du',
  waits: 'wartet aufs Senden',
  unsent: (n) => `${count(n, 'Kommentar', 'Kommentare')} nicht gesendet`,
  send: (n) => `${count(n, 'Kommentar', 'Kommentare')} senden`,
  message: 'Kommentare zu deinen Änderungen:',
  binary: 'Binärdatei',
  renamed: (from) => `hieß ${from}`,
  large: (n) => `${count(n, 'Zeile', 'Zeilen')}: zeigen`,
  files: (n) => count(n, 'Datei', 'Dateien'),
  line: (n) => `Zeile ${n}`,
  removed_line: (n) => `gelöschte Zeile ${n}`,
};
