/** Names of variables that hold a secret in every program that uses them. */
const NAMES = /(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIALS?)$/i;
/** How well-known tokens begin, and keys and addresses that contain a password. */
const VALUES =
  /^(gh[pousr]_|github_pat_|glpat-|sk-|xox[abposr]-|AKIA|ASIA|AIza|npm_|pypi-|dckr_pat_|hf_|-----BEGIN [A-Z ]*PRIVATE KEY)|^[a-z][a-z0-9+.-]*:\/\/[^/@\s:]*:[^/@\s]+@/;

/** Whether a variable that was given as plain is probably a secret, by its name or its value. */
export const looksSecret = (name: string, value: string): boolean =>
  value !== '' && (NAMES.test(name) || VALUES.test(value));
