import { de_errand } from './de-errand.ts';
import { de_needs } from './de-needs.ts';
import { de_link } from './de-link.ts';
import { de_missing_repository } from './de-missing-repository.ts';
import type { Strings } from './en.ts';

/** Every text of the app, in German. */
export const de: Strings = {
  app: 'Errand',
  back: 'Zurück',
  cancel: 'Abbrechen',
  close: 'Schließen',
  save: 'Speichern',
  loading: 'Lädt …',
  update: 'Eine neue Version ist da',
  update_now: 'Neu laden',
  incomplete: 'Ein Teil der App ließ sich nicht laden',
  full: 'Auf diesem Gerät ist kein Platz mehr: Neues wird nicht gespeichert',
  no_storage: 'Dieser Browser lässt Errand nichts speichern: Sein Speicher ist voll, gesperrt oder beschädigt.',
  not_emptied:
    'Errand konnte nicht löschen, was dieser Browser gespeichert hat. Lösche die Daten dieser Website in den Einstellungen des Browsers.',

  access: {
    lead: 'Schick deinem eigenen Server ein Git-Repository und einen Satz. Ein Agent erledigt die Arbeit, lässt die Tests laufen und pusht einen Branch.',
    email: 'E-Mail',
    password: 'Passwort',
    new_password: 'Neues Passwort',
    password_hint: 'Mindestens 10 Zeichen',
    log_in: 'Anmelden',
    sign_up: 'Konto anlegen',
    own: 'Deinen Server einrichten',
    join: 'Mitmachen',
    join_lead: 'Du bist eingeladen: Lege dein Konto an.',
    own_lead: 'Hier hat noch niemand ein Konto. Wer das erste anlegt, dem gehört dieser Server.',
    to_sign_up: 'Noch kein Konto? Leg eins an',
    to_log_in: 'Du hast ein Konto? Melde dich an',
    working: 'Einen Moment …',
    ended: 'Deine Anmeldung ist beendet. Melde dich neu an: Was du geschrieben hast, ist noch da.',
    untold:
      'Dieses Gerät hat alles vergessen. Der Server ist noch nicht erreichbar: Er erfährt es, sobald es geht, solange diese Seite offen ist. Bis dahin steht diese Anmeldung in deiner Geräteliste.',
    insecure: 'Diese Seite kam ohne TLS: Unterwegs kann jeder dein Passwort mitlesen.',
  },

  live: {
    live: 'live',
    catching_up: 'holt auf',
    connecting: 'verbindet',
    offline_since: (time) => `offline seit ${time}`,
    intercepted: 'am Proxy anmelden',
    server_away: (time) => `Server weg seit ${time}`,
    logged_out: 'abgemeldet',
    failed: 'nicht verbunden',
  },

  inbox: {
    title: 'Aufträge',
    new_errand: 'Neuer Auftrag …',
    needs_you: 'Braucht dich',
    at_work: 'In Arbeit',
    done: 'Fertig',
    unsent: 'Nicht gesendet',
    search: 'Suchen',
    nothing_found: 'Nichts gefunden',
    settings: 'Einstellungen',
    empty_title: 'Noch keine Aufträge',
    empty:
      'Schick das Beispiel: ein kleines Repository mit einem Test, der fehlschlägt. Der Agent findet den Grund und behebt ihn.',
    send_sample: 'Beispiel schicken',
    sample_prompt: 'Bring die Tests zum Laufen',
    list: 'Deine Aufträge',
    actions: (title) => `Aktionen: ${title}`,
    archived: 'Archiviert',
    unread: 'Neu: ',
    only_here: 'Nur, was dieses Gerät kennt: Der Server ist nicht erreichbar.',
  },

  status: {
    queued: 'Wartet',
    starting: 'Startet',
    running: 'Läuft',
    waiting: 'Braucht dich',
    parked: 'Braucht dich',
    succeeded: 'Fertig',
    failed: 'Fehlgeschlagen',
    cancelled: 'Angehalten',
  },

  waiting: {
    queue: (place) => `In der Warteschlange, Platz ${place}`,
    queue_until: (time) => `Nächster Versuch: ${time}`,
    queue_held: (reason) => `Gerade kann nichts starten: ${reason}`,
    worker: 'Startet einen Worker',
    repository: 'Holt das Repository',
    model: 'Denkt nach',
    model_silent: (time) => `Seit ${time} nichts vom Modell`,
    command: 'Führt aus:',
    limit: (time) => `Wartet bis ${time}`,
    person: 'Wartet auf deine Antwort',
    silent_worker: (time) => `Nichts vom Worker; Wechsel zu einem anderen: ${time}`,
    stopping: 'Hält an: Die Arbeit bis hier wird gepusht',
    working: 'In Arbeit',
  },

  reason: {
    worker_lost: 'Der Worker ging verloren',
    worker_hung: 'Der Worker kam nicht voran',
    worker_start_failed: 'Kein Worker konnte starten',
    out_of_memory: 'Der Speicher reichte nicht',
    model_unavailable: 'Die Claude-API war nicht erreichbar',
    repository_unavailable: 'Das Repository war nicht erreichbar',
    push_failed: 'Der Push ging nicht durch',
    repository_not_found: 'Das Repository oder sein Branch wurde nicht gefunden',
    push_rejected: 'Der Push wurde abgelehnt',
    setup_failed: 'Der Setup-Befehl schlug fehl',
    verify_failed: 'Der Prüfbefehl schlug fehl',
    budget_exhausted: 'Das Budget ist verbraucht',
    spending_cap: 'Das Monatslimit ist erreicht',
    turn_limit: 'Alle Runden sind verbraucht',
    time_limit: 'Die Zeit ist um',
    refused: 'Das Modell wollte nicht weitermachen',
    model_rejected: 'Die Claude-API lehnte die Anfrage ab',
    context_exhausted: 'Das Gespräch wurde zu lang',
    stuck: 'Der Agent drehte sich im Kreis',
    disk_full: 'Die Festplatte ist voll',
    workspace_full: 'Der Arbeitsordner wurde zu groß',
    log_full: 'Das Protokoll wurde zu groß',
    agent_error: 'Im Agenten ging etwas schief',
  },

  errand: de_errand,

  tool: {
    read_file: 'lesen',
    search: 'suchen',
    list_files: 'auflisten',
    edit_file: 'ändern',
    write_file: 'schreiben',
    run_command: '',
    stop_command: 'Befehl beenden',
  },

  attach: {
    add: 'Datei anhängen',
    camera: 'Foto aufnehmen',
    pictures: 'Bilder wählen',
    files: 'Dateien wählen',
    see: 'Siehe die angehängten Dateien.',
    remove: (name) => `${name} entfernen`,
    sending: (name) => `${name} wird gesendet`,
    fault: {
      too_large: (most) => `Eine Datei darf höchstens ${most} haben.`,
      too_many: () => 'Zu viele Dateien für eine Nachricht.',
      no_room: () => 'Auf diesem Gerät ist kein Platz dafür.',
      unreadable: () => 'Die Datei ist leer oder lässt sich nicht lesen.',
      not_taken: () => 'Die Datei wurde nicht übernommen. Versuch es noch einmal.',
    },
  },
  note: {
    schedule_paused: (name, failures) =>
      `Der Zeitplan „${name}“ pausiert: ${failures} Aufträge in Folge sind fehlgeschlagen`,
    withdrawn: 'Du hast eine Nachricht zurückgenommen, bevor sie gehört wurde',
    model: (model, effort) => `Ab hier: ${model}, ${effort}`,
    attempt: (n) => `Versuch ${n}`,
    attempt_over: (why, time) => `${why}. Nächster Versuch: ${time}`,
    retried: (why, time) => `Die Antwort des Modells ging verloren (${why}). Nächster Versuch: ${time}`,
    shortened: 'Das Gespräch wurde gekürzt, damit es passt',
    limit: {
      turns: (used, of) => `${used} von ${of} Runden verbraucht`,
      budget: (used, of) => `${used} von ${of} ausgegeben`,
      time: (used, of) => `${used} von ${of} verbraucht`,
      context: (used, of) => `${used} von ${of} Tokens Kontext verbraucht`,
    },
    pushed: (branch) => `Gepusht nach ${branch}`,
    pushed_wip: (branch) => `Zwischenstand gepusht nach ${branch}`,
    budget: (money) => `Das Budget ist jetzt ${money}`,
    cancelling: 'Anhalten verlangt: Der Worker pusht seine Arbeit und hört auf',
  },

  fresh: {
    sample: 'Das Beispiel-Repository',
  },

  effort: { low: 'niedrig', medium: 'mittel', high: 'hoch', xhigh: 'sehr hoch', max: 'maximal' },

  link: de_link,

  needs: de_needs,
  pull: {
    untitled: 'Pull Request',
    state: {
      opening: 'wird geöffnet',
      open: 'offen',
      draft: 'Entwurf',
      merged: 'gemergt',
      closed: 'geschlossen',
      failed: 'nicht geöffnet',
    },
    checks: {
      none: '',
      running: 'Checks laufen',
      passed: 'Checks bestanden',
      cancelled: 'Checks abgebrochen',
      failed: 'Checks fehlgeschlagen',
    },
  },

  problem: {
    unreachable: 'Der Server ist gerade nicht erreichbar.',
    wrong_credentials:
      'Die E-Mail-Adresse oder das Passwort ist falsch. Vergessen? Der Besitzer des Servers kann dir ein neues geben.',
    signup_closed: 'Auf diesem Server kann man sich nicht selbst registrieren: Sein Besitzer kann dich einladen.',
    link_invalid:
      'Der Code gilt nicht: vertippt, abgeschnitten, schon benutzt oder abgelaufen. Füge den ganzen Link ein oder bitte um einen neuen.',
    account_blocked: 'Der Besitzer dieses Servers hat dein Konto gesperrt.',
    setup_code_wrong: 'Der Code fehlt oder ist vertippt: Nimm den ganzen Link, den der Server beim Start gezeigt hat.',
    email_taken: 'Es gibt schon ein Konto mit dieser E-Mail-Adresse.',
    rate_limited: 'Zu viele Versuche. Warte ein wenig.',
    unavailable: 'Der Server ist überlastet oder seine Festplatte voll. Versuch es später noch einmal.',
    internal: 'Auf dem Server ging etwas schief.',
    too_old: 'Es hat länger als eine Woche gewartet.',
    unknown: 'Etwas ging schief.',
    // In English the words of the server or of the fault itself say more.
    displaced: 'Dein Konto hat zu viele offene Verbindungen: Neuere haben diese ersetzt.',
    intercepted: 'Ein Proxy vor dem Server hat geantwortet: Vielleicht verlangt er eine eigene Anmeldung.',
    not_found: 'Das gibt es nicht oder nicht mehr.',
  },
  server_says: (detail) => `Der Server sagt: „${detail}“`,
  in_english: (text) => `„${text}“`,
  missing_repository: de_missing_repository,

  time: {
    now: 'jetzt',
  },
};
