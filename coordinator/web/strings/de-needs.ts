import type { NeedsStrings } from './en-needs.ts';

/** The texts about decisions, in German. */
export const de_needs: NeedsStrings = {
  title: 'Entscheidung',
  none: 'Hier ist nichts mehr zu entscheiden.',
  open_errand: 'Auftrag öffnen',
  push: 'Die Arbeit ist fertig. Pushen?',
  host: (host) => `Ein Befehl wollte ${host} erreichen`,
  budget: (spent) => `Das Budget reicht nicht für den nächsten Schritt: ${spent}`,
  follow_up: 'Reviews und Checks des Pull Requests haben den Auftrag mehrmals zurückgeschickt. Soll er weiterarbeiten?',
  changes: 'Änderungen ansehen',
  send_back: 'Was soll anders sein? …',
  answer: 'Antworten …',
  send: 'Antwort senden',
  undo: (seconds) => `Rückgängig (${seconds})`,
  several: 'Eine oder mehrere auswählen',
  option: {
    approve: 'Pushen',
    send_back: 'Überarbeiten lassen',
    once: 'Für diesen Auftrag erlauben',
    project: 'Für dieses Projekt erlauben',
    no: 'Nicht erlauben',
    add_2: '+2 $, weitermachen',
    add_5: '+5 $, weitermachen',
    end: 'Hier beenden',
    go_on: 'Weitermachen',
    stop: 'Hier aufhören',
  },
  decided: (what, by) => (by === '' ? what : `${what} · ${by}`),
  decided_host: (host, what) => `${host}: ${what}`,
};
