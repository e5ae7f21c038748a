import type { NeedsStrings } from './en-needs.ts';

/** The texts about decisions, in German. */
export const de_needs: NeedsStrings = {
  title: 'Entscheidung',
  none: 'Hier ist nichts mehr zu entscheiden.',
  open_errand: 'Auftrag öffnen',
  push: 'Die Arbeit ist fertig. Pushen?',
  host: (host) => `Ein Befehl wollte ${host} erreichen`,
  budget: (spent) => `Das Budget ist verbraucht: ${spent}`,
  changes: 'Änderungen ansehen',
  send_back: 'Sag, was anders werden soll …',
  answer: 'Antworten …',
  send: 'Antwort senden',
  undo: (seconds) => `Rückgängig (${seconds})`,
  several: 'Eine oder mehrere auswählen',
  option: {
    approve: 'Pushen',
    send_back: 'Zurückgeben',
    once: 'Für diesen Auftrag erlauben',
    project: 'Für dieses Projekt erlauben',
    no: 'Nicht erlauben',
    add_2: '+2 $, weitermachen',
    add_5: '+5 $, weitermachen',
    end: 'Hier beenden',
  },
  decided: (what, by) => (by === '' ? what : `${what} · ${by}`),
  decided_host: (host, what) => `${host}: ${what}`,
};
