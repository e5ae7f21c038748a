import type { CheckStrings } from './en-checks.ts';

/** The texts about the parts of the server that must work, in German. */
export const de_checks: CheckStrings = {
  names: {
    database: 'Datenbank',
    disk: 'Festplatte',
    runner: 'Worker',
    isolation: 'Isolation der Worker',
    images: 'Images von Projekten',
    model: 'Modell',
    reserve: 'Reserve auf der Festplatte',
    removal: 'Entfernen alter Worker',
    backup: 'Sicherung',
  },
  answers: 'antwortet',
  damaged: 'beschädigt: Das Protokoll des Servers sagt, wie man sie repariert',
  free: (mb) => `${mb} MB frei`,
  nearly_full: (free, wanted) => `fast voll: ${free} frei. Neue Aufträge warten auf ${wanted}`,
  docker: 'Docker-Container',
  process: 'Prozesse, ohne Isolation',
  tried: 'wurde geprüft',
  being_tried: 'wird geprüft',
  no_isolation: 'keine: Die Worker sind einfache Prozesse',
  images: (count) => `${count} neben dem Standard`,
  demo: 'das Demo-Modell',
  key_refused: 'Claude lehnt den API-Schlüssel dieses Servers ab: Sein Besitzer muss ihn korrigieren',
  reserve: (mb) => `${mb} MB, damit man bei voller Festplatte noch anhalten und sich anmelden kann`,
  no_reserve: 'kein Platz dafür: Bei voller Festplatte ließe sich nichts anhalten',
  full: 'Die Festplatte ist voll: Man kann nur noch anhalten, sich anmelden und lesen',
  full_no_reserve: 'Die Festplatte ist voll, und nichts lässt sich anhalten',
  nothing_left: 'nichts ist übrig',
  left: (folders) =>
    `${folders} Ordner ${folders === '1' ? 'lässt' : 'lassen'} sich nicht entfernen: siehe das Protokoll des Servers`,
  no_backup: 'es gibt noch keine',
  last_backup: (minutes) => `die letzte ist ${minutes} Min. alt`,
  last_backup_h: (hours) => `die letzte ist ${hours} Std. alt`,
  last_backup_d: (days) => `die letzte ist ${days} Tage alt`,
};
