import type { NotificationStrings } from './en-notifications.ts';

/** The texts about notifications, in German. */
export const de_notifications: NotificationStrings = {
  title: 'Benachrichtigungen',
  hint: 'Wenn ein Auftrag dich braucht, fertig ist, scheitert oder an eine Grenze stößt',
  this_device: 'Dieses Gerät',
  states: {
    on: 'An: Dieses Gerät wird benachrichtigt, außer es zeigt den Auftrag gerade.',
    off: 'Auf diesem Gerät aus.',
    denied: 'Blockiert: Erlaube dieser Seite Benachrichtigungen in den Einstellungen des Browsers und komm zurück.',
    needs_home_screen:
      'Auf iPhone und iPad wird nur die installierte App benachrichtigt. In Safari: teilen, dann „Zum Home-Bildschirm“, dort öffnen und hierher zurückkommen.',
    needs_https: 'Benachrichtigungen brauchen eine Adresse mit https://.',
    unsupported: 'Dieser Browser kennt keine Benachrichtigungen.',
    unknown: 'Ohne den Server nicht bekannt.',
  },
  turn_on: 'Benachrichtigungen einschalten',
  turn_off: 'Hier ausschalten',
  test: 'Test senden',
  tested: (name) => `Test senden: „${name}“`,
  occasions: {
    needs_you: 'mich braucht',
    done: 'fertig ist',
    failed: 'gescheitert ist',
    limit: 'an eine Grenze gestoßen ist',
  },
  told_when: 'Sag mir, wenn ein Auftrag',
  never_sent: 'Noch nichts gesendet',
  accepted: (time) => `Angenommen ${time}`,
  not_accepted: (time, why) => `Nicht angenommen ${time}: ${why}`,
  elsewhere: 'Anderswo',
  elsewhere_hint:
    'Andere Geräte, Webhooks und ntfy-Themen. Webhooks und Themen fügt die Kommandozeile hinzu: errand notify.',
  nowhere: 'Du wirst sonst nirgends benachrichtigt.',
  kinds: { push: 'Gerät', webhook: 'Webhook', ntfy: 'ntfy' },
  remove: 'Entfernen',
  remove_named: (name) => `Entfernen: „${name}“`,
  remove_title: 'Entfernen?',
  remove_text: 'Es wird dort nichts mehr gemeldet.',
  mute: 'Diesen Auftrag stumm schalten',
  unmute: 'Stummschaltung aufheben',
  muted: 'Stumm: Niemand wird benachrichtigt.',
};
