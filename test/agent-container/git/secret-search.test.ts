import test from 'ava';
import { Secrets } from '../../../agent-container/base/secrets.ts';
import { SecretSearch } from '../../../agent-container/git/secret-search.ts';
import { tokensIn } from '../../../agent-container/git/token-forms.ts';
import { Random } from '../../support/random.ts';

const search = (value: string) => new SecretSearch(new Secrets({ env: { API_TOKEN: value } }));
const whats = (value: string, text: string) =>
  search(value)
    .in(text)
    .map(({ what }) => what);
const VALUE = 'correct-horse/battery+7?';
const KEY = [
  '-----BEGIN PRIVATE KEY-----',
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj',
  'MzEfYyjiWA4R4/M2bS1GB4t7NXp98C3SC6dVMvDuictGeurT8jNbvJZHtCSuYEvu',
  '-----END PRIVATE KEY-----',
].join('\n');

const FORMS: Record<string, string> = {
  'as it is': `token = "${VALUE}"`,
  'in base64': Buffer.from(VALUE).toString('base64'),
  'in base64 behind one byte': Buffer.from(`:${VALUE}`).toString('base64'),
  'in base64 behind a user name': Buffer.from(`me:${VALUE}`).toString('base64'),
  'in base64 for a URL': Buffer.from(`x${VALUE}`).toString('base64url'),
  'in a URL': `https://me:${encodeURIComponent(VALUE)}@example.test`,
  'in a query': new URLSearchParams({ q: VALUE }).toString(),
  'in JSON in JSON': JSON.stringify(JSON.stringify({ a: VALUE })),
  'in JSON with escaped slashes': VALUE.replaceAll('/', '\\/'),
  'in UTF-16': Buffer.from(VALUE, 'utf16le').toString('utf8'),
};
for (const [where, text] of Object.entries(FORMS))
  test(`a secret is found ${where}`, (t) => t.deepEqual(whats(VALUE, `+ ${text} more`), ['the value of API_TOKEN']));

test('each line of a key is found alone; a line that other files have too is not', (t) => {
  for (const line of KEY.split('\n').slice(1, -1)) t.deepEqual(whats(KEY, ` ${line}`), ['the value of API_TOKEN']);
  const account = JSON.stringify(
    { type: 'service_account', auth_uri: 'https://accounts.google.com/o/oauth2/auth', private_key: KEY },
    null,
    2,
  );
  t.deepEqual(whats(account, '  "type": "service_account",'), []);
  t.deepEqual(whats(account, '  "auth_uri": "https://accounts.google.com/o/oauth2/auth",'), []);
  t.deepEqual(whats(account, account.split('\n').at(-2) ?? ''), ['the value of API_TOKEN']);
});

test('what is found is given as it stands there, so that it can be redacted', (t) => {
  const text = `a ${encodeURIComponent(VALUE)} b`;
  t.deepEqual(search(VALUE).in(text), [{ what: 'the value of API_TOKEN', value: encodeURIComponent(VALUE) }]);
});

const random = new Random(7);
const chars = (set: string, count: number) =>
  Array.from({ length: count }, () => random.pick(Array.from(set))).join('');
const [UPPER, LOWER, DIGITS] = ['ABCDEFGHIJKLMNOPQRSTUVWXYZ', 'abcdefghijklmnopqrstuvwxyz', '23456789'];
const word = (count: number) => chars(UPPER + LOWER + DIGITS, count);
const hex = (count: number) => chars('23456789abcdef', count);

/** Each form, as its maker documents it. */
const TOKENS: Record<string, string> = {
  'a GitHub token': `ghp_${word(36)}`,
  'a GitLab token': `glpat-${word(20)}`,
  'an AWS access key': `AKIA${chars(UPPER + DIGITS, 16)}`,
  'an Anthropic key': `sk-ant-api03-${word(93)}`,
  'an OpenAI key': `sk-proj-${word(48)}`,
  'an npm token': `npm_${word(36)}`,
  'the token of a registry': `//registry.example.test/:_authToken=${word(20)}`,
  'a PyPI token': `pypi-AgEIcHlwaS5vcmc${word(60)}`,
  'a Slack token': `xoxb-${chars(DIGITS, 12)}-${word(24)}`,
  'a Slack webhook': `https://hooks.slack.com/services/T${word(8)}/B${word(8)}/${word(24)}`,
  'a Google API key': `AIza${word(35)}`,
  'a Stripe key': `sk_live_${word(24)}`,
  'a SendGrid key': `SG.${word(22)}.${word(43)}`,
  'a Hugging Face token': `hf_${word(34)}`,
  'a DigitalOcean token': `dop_v1_${hex(64)}`,
  'a Docker token': `dckr_pat_${word(27)}`,
  'a Gitea token': `gta_${word(40)}`,
  'an Atlassian token': `ATATT3${word(180)}`,
  'a Google client secret': `GOCSPX-${word(28)}`,
  'a Google access token': `ya29.${word(60)}`,
  'an Azure storage key': `DefaultEndpointsProtocol=https;AccountKey=${word(86)}==`,
  'a Shopify token': `shpat_${hex(32)}`,
  'a Telegram bot token': `${chars(DIGITS, 10)}:AA${word(33)}`,
  'a Discord webhook': `https://discord.com/api/webhooks/${chars(DIGITS, 18)}/${word(68)}`,
  'a HashiCorp Vault token': `hvs.${word(90)}`,
  'a Terraform token': `${word(14)}.atlasv1.${word(67)}`,
  'a Grafana token': `glsa_${word(32)}_${hex(8)}`,
  'a Databricks token': `dapi${hex(32)}`,
  'a Linear key': `lin_api_${word(40)}`,
  'a Supabase token': `sbp_${hex(40)}`,
  'a RubyGems key': `rubygems_${hex(48)}`,
  'a crates.io token': `cio${word(32)}`,
  'an age key': `AGE-SECRET-KEY-1${chars(UPPER + DIGITS, 58)}`,
  'a private key': `-----BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC${word(40)}`,
};
for (const [what, token] of Object.entries(TOKENS))
  test(`${what} is found in a line, and among others`, (t) => {
    t.true(
      tokensIn(`export TOKEN="${token}"`).some((found) => found.what === what),
      token,
    );
    t.true(
      tokensIn(`${token} and ${token}`).filter((found) => found.what === what).length >=
        (what === 'a private key' ? 1 : 2),
    );
  });

for (const [where, line] of Object.entries({
  'after a header that ends its line': 'KEY = """-----BEGIN RSA PRIVATE KEY-----',
  'after the header of an encrypted one': '-----BEGIN ENCRYPTED PRIVATE KEY-----\r',
  'after the header of a PGP key': '-----BEGIN PGP PRIVATE KEY BLOCK-----',
  'in JSON': `"private_key": "-----BEGIN EC PRIVATE KEY-----\\n${word(64)}\\n"`,
  'in XML': `<key>-----BEGIN RSA PRIVATE KEY-----&#10;${word(64)}&#10;</key>`,
  'in one line with its headers': `-----BEGIN RSA PRIVATE KEY-----\\nProc-Type: 4,ENCRYPTED\\n\\n${word(64)}`,
  'in one line with blanks': `KEY=-----BEGIN RSA PRIVATE KEY----- ${word(64)} ${word(64)} -----END RSA PRIVATE KEY-----`,
  'in one line without a separator': `KEY=-----BEGIN RSA PRIVATE KEY-----${word(64)}`,
  'in one line behind a comment': `-----BEGIN PGP PRIVATE KEY BLOCK-----\\nComment: https://pgp.test\\n\\n${word(64)}`,
  'in JSON with escaped slashes': `"-----BEGIN RSA PRIVATE KEY-----\\nMIIE\\/${word(60)}\\n"`,
  'in one line with another separator': `KEY=-----BEGIN RSA PRIVATE KEY-----,${word(64)}`,
  'in a string of PGP': `  'lQOYBF${word(58)}\\n' +`,
  'in a string of PKCS #8': `  "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC${word(32)}\\n" +`,
  'in a string of PKCS #1': `  'MIIEpAIBAAKCAQEA${word(48)}',`,
  'in a string of an elliptic curve': `  'MIGHAgEAMBMGByqGSM49AgEG${word(40)}',`,
  'in a string of SEC 1': `  'MIHcAgEBBEIAry0CAPKWZ2HB${word(40)}',`,
  'in a string of P-521': `  'MIHuAgEAMBAGByqGSM49AgEGBSuBBAAj${word(32)}',`,
  'in a string of X25519': `  'MC4CAQAwBQYDK2VuBCIEI${word(43)}',`,
  'in a string of Ed448': `  'MEcCAQAwBQYDK2VxBDsE${word(44)}',`,
  'in a string of an encrypted key': `  'MIIFLTBXBgkqhkiG9w0BBQ0wSjApBgkqhkiG9w0BBQww${word(20)}',`,
  'in a string of a short encrypted key': `  'MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAc${word(20)}',`,
  'after a header that a property goes on from': 'key=-----BEGIN RSA PRIVATE KEY-----\\n\\',
  'after a header that a command goes on from': 'KEY=-----BEGIN RSA PRIVATE KEY-----\\',
  'in a string of Ed25519': `  'MC4CAQAwBQYDK2VwBCIEI${word(43)}',`,
  'in a string of OpenSSH': `  'b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAA${word(24)}'`,
}))
  test(`a private key is found ${where}`, (t) =>
    t.deepEqual(
      tokensIn(line).map(({ what }) => what),
      ['a private key'],
    ));

for (const line of [
  '_authToken=Zk3v9QxT2mLr8sWd',
  '_auth = "YWRtaW46c3dvcmRmaXNo"',
  '//npm.example.test/api/:_password=c3dvcmRmaXNoMTI=',
  'RUN echo "//npm.example.test/:_authToken=Zk3v9QxT2mLr8sWd" > .npmrc',
  'echo //npm.example.test/:_authToken=Zk3v9QxT2mLr8sWd>>.npmrc',
  'Add `//npm.example.test/:_authToken=Zk3v9QxT2mLr8sWd` to it.',
  '(//npm.example.test/:_authToken=Zk3v9QxT2mLr8sWd)',
  'ENV npm_config__auth=YWRtaW46c3dvcmRmaXNo',
])
  test(`the token of a registry is found in: ${line}`, (t) =>
    t.deepEqual(
      tokensIn(line).map(({ what }) => what),
      ['the token of a registry'],
    ));

test('placeholders and ordinary text are no tokens', (t) => {
  const texts = [
    'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    'AKIAIOSFODNN7EXAMPLE',
    '_authToken=${NPM_TOKEN}',
    'sha512-3aX9v8Qm2LkT5hZrYw7NcB1eJ4uGdS6iKoPfHtVxMqWlRbCzEyAnD0jUgOsIvTpFmXrQkBhLwZcYdNeJuGaSiA==',
    'const risk_live_data_of_all_customers = 1',
    'hashed_password = get_password_hash(password)',
    'new_password = request.form.get("p")',
    'require_auth = settings.AUTH_REQUIRED',
    'basic_auth = HTTPBasicAuth()',
    '_password = _messages.StringField(1)',
    '    _password = newPassword;',
    '    _authToken = tokenStore.authToken,',
    '_password = passwordsByName["x"]',
    '_auth = credentialsOf$name',
    '_auth = BasicAuthenticator(user)',
    'private_key_password="keyfile_password"',
    'npm config set "//registry.npmjs.org/:_authToken="+process.env.NPM_TOKEN',
    'if (pem.indexOf("-----BEGIN PRIVATE KEY-----") !== 0) throw new TypeError("no key");',
    '_PKCS8_MARKER = ("-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----")',
    'const pem = `-----BEGIN PRIVATE KEY-----\\n${body}\\n-----END PRIVATE KEY-----\\n`;',
    'FIREBASE_PRIVATE_KEY="-----BEGIN PRIVATE KEY-----\\nYour Private Key Here\\n-----END PRIVATE KEY-----"',
    '# must begin with -----BEGIN PRIVATE KEY-----, see https://cloud.example.test/iam/docs/creating/managing/service/account/keys',
    'Paste all of -----BEGIN PRIVATE KEY----- here, see https://Example.test/Docs/V2/creating/managing/service/account/keys',
    `- reject a file with -----BEGIN RSA PRIVATE KEY----- in it, as of ${hex(40)}`,
    'SLACK_BOT_TOKEN=xoxb-your-bot-token',
    'SLACK_BOT_TOKEN=xoxb-1234567890-abcdefghij',
    'GITLAB_TOKEN=glpat-your-personal-access-token',
    'ANTHROPIC_API_KEY=sk-ant-api03-your-api-key-here',
    '<div class="sk-toggleable__control-of-the-folding-cube">',
    `AccountName=devstoreaccount1;AccountKey=Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==;`,
    'https://files.test/1?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIWNJYAX4CSVEH53A%2F20190513',
    'f1c6e7b049b93b8b0194f58c585b8a1faa27ec2e',
  ];
  for (const text of texts) t.deepEqual(tokensIn(text), [], text);
});

test('a line of a megabyte takes time in proportion to its length, whatever its characters are', (t) => {
  // Were it in proportion to the square, this would take hours.
  for (const char of [
    ' ',
    '\t',
    '\r',
    '=',
    '_',
    'a',
    '0',
    '-',
    '_auth=',
    'sk-',
    'T/B/',
    '-----BEGIN A ',
    ':_auth=',
    '-----BEGIN PRIVATE KEY----- x',
    '-----BEGIN PRIVATE KEY-----\\n"',
    `-----BEGIN PRIVATE KEY-----${` ${'a'.repeat(99)}`.repeat(3)}`,
    '\\',
    '\\n',
  ])
    t.deepEqual(search(VALUE).in(char.repeat((1 << 20) / char.length)), [], char);
  t.deepEqual(search(VALUE).in(`-----BEGIN PRIVATE KEY-----${'\\n'.repeat(1 << 19)}"`), []);
  t.deepEqual(search(VALUE).in(`${'npm_config__auth='.repeat(1 << 16)}(`), []);
});

test('a hundred values of 10,000 equal characters are prepared at once', (t) => {
  const env = Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`S${n}`, `abcdefg${'z'.repeat(9_900)} ${n}`]));
  t.deepEqual(new SecretSearch(new Secrets({ env })).in(env['S7'] ?? '').length, 1);
});
