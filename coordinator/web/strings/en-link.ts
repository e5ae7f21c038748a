/** The texts about links that work once, in English. */
export const en_link = {
  title: 'Log in with this link',
  lead: 'The link logs this device in to the account that made it. Use it only if it comes from you.',
  lead_logged_in: (email: string) =>
    `This device is logged in as ${email}. The link logs it in to the account that made it. Use it only if it comes from you.`,
  log_in: 'Log in on this device',
  have: 'I have a link',
  paste: 'Link, or its code',
  paste_hint: '“Add a phone” on another device shows one, as does: npx errand qr',
  go_on: 'Continue',
  not_one: 'This is not a link to Errand. Copy the whole link, and paste it here.',
  with_password: 'Log in with a password',
  stay: (email: string) => `Stay logged in as ${email}`,
  add: 'Add a phone',
  copy: 'Copy',
  copied: 'Copied',
};
export type LinkStrings = typeof en_link;
