/**
 * A well-known form of a token or key. `may_be_public`: its maker means it to stand in programs that everybody gets,
 * and bounds what it is good for in other ways, so it is pushed, and people are told.
 */
type TokenForm = { what: string; pattern: RegExp; may_be_public?: true };

/** A token in a text. `value`: as it stands there; empty where it is not known. */
export type Token = Pick<TokenForm, 'what' | 'may_be_public'> & { value: string };

/** A value fewer of whose characters differ is a placeholder, such as `ghp_xxxxxxxx`. */
const DISTINCT_CHARS_MIN = 8;

/** A line of an .npmrc that is not indented: in a program, the same names are variables of any kind. */
const REGISTRY_TOKEN =
  /(?<=(?::|^|npm_config_)_(?:authToken|auth|password)\s{0,9}=\s{0,9}["']?)[A-Za-z0-9][\w+/.~=-]{7,2000}(?![\w+/.~=([$-])/;

export const A_PRIVATE_KEY = 'a private key';
/** How the base64 of a private key begins (PKCS #8, PKCS #1, SEC 1, OpenSSH, PGP), in a string of its own. */
const QUOTED_KEY =
  /(?<=["'`])(?:MII[A-Za-z0-9+/]{3}(?:IBA(?:DANBgkqhkiG9w0BAQEFAASC|AK[BC])|B[A-Za-z0-9+/]BgkqhkiG9w0BBQ0)|MI[GH][A-Za-z0-9+/](?:AgE[AB]|MF[A-Za-z0-9+/]GCSqGSIb3DQEFDT)|MHcCAQEE|M(?:C4|EY|Ec)CAQAwBQYDK2V[u-x]|b3BlbnNzaC1rZXktdjEA|lQ[HOVcd][YG]B)[A-Za-z0-9+/]{20,}/;

const FORMS: TokenForm[] = [
  { what: 'a GitHub token', pattern: /\bgh[pousr]_[A-Za-z0-9]{30,255}|\bgithub_pat_[A-Za-z0-9_]{50,255}/ },
  { what: 'a GitLab token', pattern: /\bgl(?:pat|dt|rt|ptt|cbt|oas)-[\w-]{20,}/ },
  { what: 'an AWS access key', pattern: /(?<!X-Amz-Credential=)\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/ },
  { what: 'an Anthropic key', pattern: /\bsk-ant-[\w-]{20,}/ },
  { what: 'an OpenAI key', pattern: /\bsk-(?!ant-)(?:proj-|svcacct-|admin-)?[A-Za-z0-9][\w-]{31,}/ },
  { what: 'an npm token', pattern: /\bnpm_[A-Za-z0-9]{36}\b/ },
  { what: 'the token of a registry', pattern: REGISTRY_TOKEN },
  { what: 'a PyPI token', pattern: /\bpypi-AgE[\w-]{50,}/ },
  { what: 'a Slack token', pattern: /\bxox[abeoprs]-\d[A-Za-z0-9-]{30,}/ },
  { what: 'a Slack webhook', pattern: /\bhooks\.slack\.com\/services\/T\w+\/B\w+\/\w{16,}/ },
  { what: 'a Google API key', pattern: /\bAIza[\w-]{35}/, may_be_public: true },
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
  { what: A_PRIVATE_KEY, pattern: QUOTED_KEY },
];

/**
 * The header of a private key alone is text in a program that reads keys: the key has to follow it. In a line with more
 * than the header it is a word with letters of both cases and digits: a commit is not, and part of a URL is no word.
 */
const PRIVATE_KEY =
  /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:(?:\s|\\[nr]?)*$|(?:[^"'`()]{0,300}?[^A-Za-z0-9"'`()+/.:@?=&~-])?(?=[a-z0-9+/]{0,99}[A-Z])(?=[A-Z0-9+/]{0,99}[a-z])(?=[A-Za-z+/]{0,99}\d)[A-Za-z0-9+/]{40})/;

/** Azure's emulator has the same key everywhere. */
const PUBLISHED = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const PLACEHOLDER =
  /example|placeholder|redacted|(?<![a-z0-9])(?:your|my|test|fake|dummy)(?![a-z0-9])|x{8}|0{8}|123456789|abcdefgh/i;
const ONLY_WORDS = /^[a-z._-]+$/;

/** The tokens and keys in a line, by their well-known forms. Examples and placeholders are left out. */
export function tokensIn(line: string): Token[] {
  const found = FORMS.filter(({ pattern }) => pattern.test(line)).flatMap(({ pattern, ...form }) =>
    [...line.matchAll(new RegExp(pattern, 'g'))]
      .map(([value]): Token => ({ ...form, value }))
      .filter(({ value }) => !isPlaceholder(value)),
  );
  if (PRIVATE_KEY.test(line)) found.push({ what: A_PRIVATE_KEY, value: '' });
  return found;
}

function isPlaceholder(value: string): boolean {
  return (
    PLACEHOLDER.test(value) ||
    ONLY_WORDS.test(value) ||
    value.includes(PUBLISHED) ||
    new Set(value).size < DISTINCT_CHARS_MIN
  );
}
