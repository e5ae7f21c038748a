import type { LinkStrings } from './en-link.ts';

/** The texts about links that work once, in German. */
export const de_link: LinkStrings = {
  title: 'Mit diesem Link anmelden',
  lead: 'Der Link meldet dieses Gerät bei dem Konto an, das ihn erstellt hat. Benutze ihn nur, wenn er von dir ist.',
  lead_logged_in: (email) =>
    `Dieses Gerät ist als ${email} angemeldet. Der Link meldet es bei dem Konto an, das ihn erstellt hat. Benutze ihn nur, wenn er von dir ist.`,
  log_in: 'Auf diesem Gerät anmelden',
  have: 'Ich habe einen Link',
  paste: 'Link oder sein Code',
  paste_hint: '„Handy hinzufügen“ in den Einstellungen eines anderen Geräts zeigt einen, ebenso: npx errand qr',
  go_on: 'Weiter',
  not_one: 'Das ist kein Link zu Errand. Kopiere den ganzen Link und füge ihn hier ein.',
  with_password: 'Mit Passwort anmelden',
  stay: (email) => `Als ${email} angemeldet bleiben`,
  add: 'Handy hinzufügen',
  copy: 'Kopieren',
  copied: 'Kopiert',
};
