/** A well-known form of a token or key. */
type TokenForm = { what: string; pattern: RegExp };

/** A value fewer of whose characters differ is a placeholder, such as `ghp_xxxxxxxx`. */
const DISTINCT_CHARS_MIN = 8;

const FORMS: TokenForm[] = [
  { what: 'a GitHub token', pattern: /\bgh[pousr]_[A-Za-z0-9]{30,255}|\bgithub_pat_[A-Za-z0-9_]{50,255}/ },
  { what: 'a GitLab token', pattern: /\bgl(?:pat|dt|rt|ptt|cbt|oas)-[\w-]{20,}/ },
  { what: 'an AWS access key', pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/ },
  { what: 'an Anthropic key', pattern: /\bsk-ant-[\w-]{20,}/ },
  { what: 'an OpenAI key', pattern: /\bsk-(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9][\w-]{31,}/ },
  { what: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/ },
  { what: 'the token of a registry', pattern: /(?<=_(?:authToken|auth|password)\s{0,9}=\s{0,9}["']?)[^\s"'${}]{8,}/ },
  { what: 'a PyPI token', pattern: /\bpypi-AgE[\w-]{50,}/ },
  { what: 'a Slack token', pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/ },
  { what: 'a Slack webhook', pattern: /\bhooks\.slack\.com\/services\/T\w+\/B\w+\/\w{16,}/ },
  { what: 'a Google API key', pattern: /\bAIza[\w-]{35}/ },
  { what: 'a Stripe key', pattern: /\b[rs]k_live_[A-Za-z0-9]{16,}/ },
  { what: 'a SendGrid key', pattern: /\bSG\.[\w-]{20,24}\.[\w-]{40,45}/ },
  { what: 'a Hugging Face token', pattern: /\bhf_[A-Za-z0-9]{34}\b/ },
  { what: 'a DigitalOcean token', pattern: /\bdo[por]_v1_[a-f0-9]{64}\b/ },
  { what: 'a Docker token', pattern: /\bdckr_(?:pat|oat)_[\w-]{27,}/ },
  { what: 'a Gitea token', pattern: /\bgta_[A-Za-z0-9]{40}\b/ },
  { what: 'an Atlassian token', pattern: /\bATATT3[\w=-]{100,}/ },
  { what: 'a Google client secret', pattern: /\bGOCSPX-[\w-]{28}/ },
  { what: 'a Google access token', pattern: /\bya29\.[\w-]{30,}/ },
  { what: 'an Azure storage key', pattern: /\bAccountKey=[A-Za-z0-9+/]{86}==/ },
  { what: 'a Shopify token', pattern: /\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}\b/ },
  { what: 'a Telegram bot token', pattern: /\b\d{8,10}:AA[\w-]{33}(?![\w-])/ },
  { what: 'a Discord webhook', pattern: /\bdiscord(?:app)?\.com\/api\/webhooks\/\d{17,20}\/[\w-]{60,}/ },
  { what: 'a HashiCorp Vault token', pattern: /\bhvs\.[\w-]{24,}/ },
  { what: 'a Terraform token', pattern: /\b[A-Za-z0-9]{14}\.atlasv1\.[\w-]{60,}/ },
  { what: 'a Grafana token', pattern: /\bgl(?:sa|c)_[A-Za-z0-9+/=_]{32,}/ },
  { what: 'a Databricks token', pattern: /\bdapi[a-f0-9]{32}\b/ },
  { what: 'a Linear key', pattern: /\blin_(?:api|oauth)_[A-Za-z0-9]{40,}/ },
  { what: 'a Supabase token', pattern: /\bsb(?:p_[a-f0-9]{40}\b|_secret_[\w-]{30,})/ },
  { what: 'a RubyGems key', pattern: /\brubygems_[a-f0-9]{48}\b/ },
  { what: 'a crates.io token', pattern: /\bcio[A-Za-z0-9]{32}\b/ },
  { what: 'an age key', pattern: /\bAGE-SECRET-KEY-1[A-Z0-9]{58}\b/ },
];
const PRIVATE_KEY = /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/;

/** The tokens and keys in a line, by their well-known forms. Examples and placeholders are left out. */
export function tokensIn(line: string): { what: string; value: string }[] {
  const found = FORMS.filter(({ pattern }) => pattern.test(line)).flatMap(({ what, pattern }) =>
    [...line.matchAll(new RegExp(pattern, 'g'))]
      .map(([value]) => ({ what, value }))
      .filter(({ value }) => !isPlaceholder(value)),
  );
  if (PRIVATE_KEY.test(line)) found.push({ what: 'a private key', value: '' });
  return found;
}

function isPlaceholder(value: string): boolean {
  return /example|placeholder|x{8}|0{8}|1234567890abcdef/i.test(value) || new Set(value).size < DISTINCT_CHARS_MIN;
}
