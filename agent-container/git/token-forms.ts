/** A well-known form of a token or key. */
type TokenForm = { what: string; pattern: RegExp };

/** A value fewer of whose characters differ is a placeholder, such as `ghp_xxxxxxxx`. */
const DISTINCT_CHARS_MIN = 8;

const FORMS: TokenForm[] = [
  { what: 'a GitHub token', pattern: /\bgh[pousr]_[A-Za-z0-9]{30,255}|\bgithub_pat_[A-Za-z0-9_]{50,255}/g },
  { what: 'a GitLab token', pattern: /\bgl(?:pat|dt|rt|ptt|cbt|oas)-[\w-]{20,}/g },
  { what: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g },
  { what: 'an Anthropic key', pattern: /\bsk-ant-[\w-]{20,}/g },
  { what: 'an OpenAI key', pattern: /\bsk-(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9][\w-]{31,}/g },
  { what: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/g },
  { what: 'the token of a registry', pattern: /(?<=_(?:authToken|auth|password)\s*=\s*["']?)[^\s"'${}]{8,}/g },
  { what: 'a PyPI token', pattern: /\bpypi-AgE[\w-]{50,}/g },
  { what: 'a Slack token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/g },
  { what: 'a Slack webhook', pattern: /\bhooks\.slack\.com\/services\/T\w+\/B\w+\/\w{16,}/g },
  { what: 'a Google API key', pattern: /\bAIza[\w-]{35}/g },
  { what: 'a Stripe key', pattern: /\b[rs]k_live_[A-Za-z0-9]{16,}/g },
  { what: 'a SendGrid key', pattern: /\bSG\.[\w-]{20,24}\.[\w-]{40,45}/g },
  { what: 'a Hugging Face token', pattern: /\bhf_[A-Za-z0-9]{34}\b/g },
  { what: 'a DigitalOcean token', pattern: /\bdo[por]_v1_[a-f0-9]{64}\b/g },
];
const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/;

/** The tokens and keys in a line, by their well-known forms. Examples and placeholders are left out. */
export function tokensIn(line: string): { what: string; value: string }[] {
  const found = FORMS.flatMap(({ what, pattern }) =>
    [...line.matchAll(pattern)].map(([value]) => ({ what, value })).filter(({ value }) => !isPlaceholder(value)),
  );
  if (PRIVATE_KEY.test(line)) found.push({ what: 'a private key', value: '' });
  return found;
}

function isPlaceholder(value: string): boolean {
  return /example|placeholder|x{8}|0{8}|1234567890abcdef/i.test(value) || new Set(value).size < DISTINCT_CHARS_MIN;
}
