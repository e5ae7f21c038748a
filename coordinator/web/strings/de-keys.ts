import type { en_keys } from './en-keys.ts';

export const de_keys: typeof en_keys = {
  title: 'Tasten',
  next: 'nächster Auftrag',
  previous: 'voriger Auftrag',
  open: 'öffnen',
  search: 'suchen',
  new_errand: 'neuer Auftrag',
  reply: 'etwas sagen',
  changes: 'Änderungen des Auftrags',
  inbox: 'zur Übersicht',
  settings: 'zu den Einstellungen',
  back: 'zurück',
  lines: 'Zeile davor oder danach, in den Änderungen',
  send_comments: 'Kommentare senden',
  all: 'alle Tasten',
  help: 'diese Tasten',
};
