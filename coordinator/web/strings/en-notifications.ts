/** The texts about notifications, in English. */
export const en_notifications = {
  title: 'Notifications',
  hint: 'When an errand needs you, is done, failed, or hit a limit',
  this_device: 'This device',
  states: {
    on: 'On: this device is told, unless the errand is on its screen.',
    off: 'Off on this device.',
    denied: 'Blocked: allow notifications for this page in the settings of the browser, then come back.',
    needs_home_screen:
      'On an iPhone or iPad only the installed app is notified. In Safari: share, then “Add to Home Screen”, open it there, and come back here.',
    needs_https: 'Notifications need an address with https://.',
    unsupported: 'This browser knows no notifications.',
    unknown: 'Not known without the server.',
  },
  turn_on: 'Turn on notifications',
  turn_off: 'Turn off here',
  test: 'Send a test',
  tested: (name: string) => `Send a test: “${name}”`,
  occasions: { needs_you: 'needs me', done: 'is done', failed: 'failed', limit: 'hit a limit' },
  told_when: 'Tell me when an errand',
  never_sent: 'Nothing was sent yet',
  accepted: (time: string) => `Accepted ${time}`,
  not_accepted: (time: string, why: string) => `Not accepted ${time}: ${why}`,
  elsewhere: 'Elsewhere',
  elsewhere_hint: 'Other devices, webhooks and ntfy topics. The command line adds webhooks and topics: errand notify.',
  nowhere: 'You are notified nowhere else.',
  kinds: { push: 'device', webhook: 'webhook', ntfy: 'ntfy' },
  remove: 'Remove',
  remove_named: (name: string) => `Remove “${name}”`,
  remove_title: 'Remove it?',
  remove_text: 'It is told nothing more.',
  mute: 'Mute this errand',
  unmute: 'Unmute this errand',
  muted: 'Muted: nobody is notified of it.',
};

export type NotificationStrings = typeof en_notifications;
