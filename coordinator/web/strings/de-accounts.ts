import type { AccountStrings } from './en-accounts.ts';

/** The texts about signing in elsewhere and linked accounts, in German. */
export const de_accounts: AccountStrings = {
  or: 'oder',
  continue_with: (name) => `Weiter mit ${name}`,
  title: 'Verknüpfte Konten',
  hint: 'GitHub und andere: zum Anmelden und für deine Repositorys',
  lead: 'Aufträge klonen, pushen und öffnen Pull Requests in deinem Namen, ohne Token im Projekt. Errand speichert die Tokens verschlüsselt; kein Container sieht sie.',
  link_only:
    'Noch kein Konto? Für eines mit Passwort brauchst du einen Link: eine Einladung oder den, den der Server gezeigt hat.',
  link_needed: 'Dafür brauchst du vielleicht einen Link: eine Einladung oder den, den der Server gezeigt hat.',
  unused_link: (email) =>
    `Der Link legt ein neues Konto an. Du bist als ${email} angemeldet: Melde dich ab, um ihn zu nutzen.`,
  set_up: 'Unter „Dieser Server“ einrichten',
  none: 'Auf diesem Server kann sich noch niemand anderswo anmelden.',
  link: (name) => `${name} verknüpfen`,
  confirm_link:
    'Wer das verknüpfte Konto hat, kann sich als du anmelden, und deine Anmeldung ist schon etwas her: Bestätige mit deinem Passwort.',
  again: 'Neu verknüpfen',
  unlink: 'Trennen',
  unlink_title: (login) => `${login} trennen?`,
  unlink_text:
    'Aufträge können seine Repositorys dann nicht mehr nutzen, und du kannst dich nicht mehr damit anmelden.',
  works: (name) => `${name} · funktioniert`,
  broken: (name) => `${name} · wurde dort widerrufen oder ist abgelaufen. Verknüpf das Konto neu.`,
  choose: 'Repositorys wählen',
  finishing: 'Einen Moment …',
  failed: 'Das hat nicht geklappt',
  elsewhere: 'Diese Anmeldung wurde in einem anderen Browser begonnen oder ist vorbei: Beginne noch einmal.',
  logged_out: 'Du wurdest inzwischen abgemeldet. Melde dich an und verknüpfe das Konto noch einmal.',
  back: 'Zurück',
  repositories: 'Deine Repositorys',
  no_password: 'Dein Konto hat kein Passwort. Mit einem meldest du dich auch ohne anderes Konto an.',
  set_password: 'Passwort setzen',
  sign_in_again:
    'Dein Konto hat kein Passwort, und deine Anmeldung ist schon etwas her: Melde dich ab, melde dich neu an und wiederhole das.',
  forges: 'GitHub und andere Forges',
  forges_lead: 'Mit einer GitHub-App dieses Servers melden sich Leute an, wählen Repositorys und öffnen Pull Requests.',
  make_app: 'GitHub-App erstellen',
  who_uses_it: 'Wer sich damit anmelden kann',
  only_own: 'Nur du oder deine Organisation',
  others_too: 'Auch andere',
  for_organization: 'Für eine Organisation',
  organization: 'Ihr Name bei GitHub; leer: dein eigenes Konto',
  by_settings: 'durch die Einstellungen des Servers eingerichtet',
  has_app: (slug) => `App ${slug}`,
  no_app: 'nicht eingerichtet',
  app_refused:
    'Die App kann nichts tun: Ihr Schlüssel wird dort nicht angenommen. Prüfe den Schlüssel und die Uhr des Servers.',
  install: 'Für Repositorys installieren',
  device_flow:
    'Für die Kommandozeile (errand link): Aktiviere bei GitHub in den Einstellungen der App „Enable Device Flow“.',
  forget: 'Vergessen',
  forget_title: 'Diese App vergessen?',
  forget_text: 'Niemand kann sich dann mehr damit anmelden. Lösche die App auch bei GitHub.',
};
