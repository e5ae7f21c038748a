import type { PullsStrings } from './en-pulls.ts';

/** The texts of pull requests, in German. */
export const de_pulls: PullsStrings = {
  open_of: (n) => (n === 1 ? 'Pull Request öffnen' : `${n} Pull Requests öffnen`),
  asking: 'Die Forge wird gefragt …',
  project_token: 'Token des Projekts',
  new_project: 'Projekt mit Token anlegen',
  again: 'Noch einmal versuchen',
  failed_checks: 'Nicht bestanden:',
  check: {
    failed: (name) => name,
    needs_action: (name) => `${name} (wartet auf einen Menschen)`,
    cancelled: (name) => `${name} (abgebrochen)`,
  },
  conflicts: (base) =>
    `Konflikte mit ${base ?? 'dem Standard-Branch'}: Checks laufen vielleicht erst, wenn der eingemergt ist.`,
  as: { app: 'von der App geöffnet: Du kannst ihn freigeben', person: 'mit dem Token geöffnet, das auch pusht' },
  not_as_app:
    'mit dem Token geöffnet, das auch pusht; dessen Inhaber kann ihn nicht freigeben: Die App ist dort nicht installiert',
  retry_at: (time) => `Nächster Versuch: ${time}.`,
  happened: {
    opened: (name) => `${name} geöffnet`,
    reopened: (name) => `${name} ist wieder offen`,
    merged: (name) => `${name} wurde gemergt`,
    closed: (name) => `${name} wurde geschlossen`,
    not_opened: (name) => `${name} ließ sich nicht öffnen`,
    checks_failed: (name) => `Checks fehlgeschlagen: ${name}`,
  },
  read: (what) => `Für den Agenten gelesen: ${what}`,
  not_read: (name, why) => `${name} ließ sich nicht lesen: ${why}. Der Agent hat nur die Nummer.`,
  unread: {
    no_token: 'Für die Forge gibt es kein Token',
    refused: 'Die Forge lässt das Token nicht lesen',
    not_found: 'Die Forge zeigt dem Token kein solches Issue',
    rate_limited: 'Die Forge nimmt gerade keine Anfragen mehr an',
    unreachable: 'Die Forge antwortet nicht',
    failed: 'Auf dem Server ging etwas schief, sein Protokoll sagt, was',
  },
  name: (number) => `Pull Request #${number}`,
  wanted: 'Pull Requests',
  kinds: { none: 'Nur wenn ich es sage', draft: 'Entwurf öffnen', ready: 'Öffnen, bereit zum Review' },
  author: 'Geöffnet von',
  authors: { app: 'der App: Ich gebe ihn frei', person: 'mir' },
  author_hint: 'Wo die App nicht installiert ist, öffnest trotzdem du ihn.',
};
