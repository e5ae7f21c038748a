import test from 'ava';
import { ConfigError, readConfig } from '../../agent-container/config.ts';

const UNIX = { ERRAND_COORDINATOR: 'unix:/run/c.sock', ERRAND_LISTEN: 'unix:/run/w.sock' };

test('sockets in both directions, with the default directories', (t) => {
  t.like(readConfig(UNIX), {
    coordinator: { origin: 'http://coordinator', socket_path: '/run/c.sock' },
    listen: { kind: 'unix', path: '/run/w.sock' },
    workspace_dir: '/workspace',
    spool_dir: '/workspace/spool',
    task: null,
  });
});

test('TCP in both directions', (t) => {
  const config = readConfig({ ERRAND_COORDINATOR: 'https://server.test:8788/', ERRAND_LISTEN: '[::1]:9000' });
  t.deepEqual(config.coordinator, { origin: 'https://server.test:8788', socket_path: null });
  t.deepEqual(config.listen, { kind: 'tcp', host: '::1', port: 9000 });
});

test('a worker that cannot be called has its task in the environment', (t) => {
  const task = { ERRAND_TASK_ID: '0123456789abcdefghjk', ERRAND_TASK_TOKEN: 't' };
  const config = readConfig({ ERRAND_COORDINATOR: 'http://127.0.0.1:1', ...task, ERRAND_LISTEN: '' });
  t.is(config.listen, null);
  t.deepEqual(config.task, { id: '0123456789abcdefghjk', token: 't' });
});

test("commands get the variables of the image that the runner names, but none that is Errand's own or changes git or the proxy", (t) => {
  const given = { JAVA_HOME: '/opt/jdk', RUSTUP_HOME: '/opt/rustup', OTHER: 'of the shell', EMPTY: '' };
  const own = {
    ERRAND_TASK_TOKEN: 'token',
    ERRAND_TASK_ID: '0123456789abcdefghjk',
    NODE_COMPILE_CACHE: '/app/.compiled',
    NODE_VERSION: '24',
    GIT_SSH_COMMAND: 'ssh -v',
    HTTP_PROXY: 'http://proxy.test',
    https_proxy: 'http://proxy.test',
    CARGO_HOME: '/usr/local/cargo',
    GOPATH: '/go',
  };
  const ERRAND_COMMAND_ENV = ['JAVA_HOME', 'RUSTUP_HOME', 'EMPTY', 'ABSENT', ...Object.keys(own)].join(',');
  const config = readConfig({ ...UNIX, ...given, ...own, PATH: '/bin', ERRAND_COMMAND_ENV });
  t.deepEqual(config.image_env, { JAVA_HOME: '/opt/jdk', RUSTUP_HOME: '/opt/rustup' });
  t.deepEqual(config.inherited_env, { PATH: '/bin' }, 'the own git gets none of them');
  t.deepEqual(readConfig({ ...UNIX, ...given }).image_env, {});
});

const IMAGE_ENV: Record<string, string[]> = {
  'makes tools install or test as in production': ['NODE_ENV', 'RAILS_ENV', 'NPM_CONFIG_OMIT', 'BUNDLE_WITHOUT'],
  'Maven would take for arguments': ['MAVEN_CONFIG'],
  'names a cache': ['XDG_CACHE_HOME', 'UV_CACHE_DIR', 'PUB_CACHE', 'GOCACHE', 'GOMODCACHE', 'YARN_CACHE_FOLDER'],
  'names a folder where tools write': ['GRADLE_USER_HOME', 'DOTNET_CLI_HOME', 'XDG_DATA_HOME', 'DENO_DIR', 'GOBIN'],
  'looks like a secret': ['NPM_TOKEN', 'DB_PASSWORD', 'OPENAI_API_KEY', 'AWS_SECRET_ACCESS_KEY'],
};

for (const [what, names] of Object.entries(IMAGE_ENV))
  test(`commands get no variable of the image that ${what}`, (t) => {
    const given = Object.fromEntries(names.map((name) => [name, 'value']));
    const ERRAND_COMMAND_ENV = ['GRADLE_HOME', ...names].join(',');
    const config = readConfig({ ...UNIX, ...given, GRADLE_HOME: '/opt/gradle', ERRAND_COMMAND_ENV });
    t.deepEqual(config.image_env, { GRADLE_HOME: '/opt/gradle' });
  });

test('commands get no variable of the image whose value looks like a secret', (t) => {
  const given = { INDEX_URL: 'https://ann:password@index.test/simple', PIP_INDEX_URL: 'https://index.test/simple' };
  const config = readConfig({ ...UNIX, ...given, ERRAND_COMMAND_ENV: 'INDEX_URL,PIP_INDEX_URL' });
  t.deepEqual(config.image_env, { PIP_INDEX_URL: 'https://index.test/simple' });
});

test('every fault is listed at once', (t) => {
  const error = t.throws(
    () => readConfig({ ERRAND_COORDINATOR: 'ftp://x', ERRAND_LISTEN: 'nonsense', ERRAND_TASK_ID: 'x' }),
    {
      instanceOf: ConfigError,
    },
  );
  for (const name of ['ERRAND_COORDINATOR', 'ERRAND_LISTEN', 'ERRAND_TASK_ID is not', 'belong together'])
    t.true(error?.message.includes(name), name);
  t.throws(() => readConfig({}), { message: /ERRAND_COORDINATOR is missing[\s\S]*the worker gets no task/ });
  t.throws(() => readConfig({ ...UNIX, ERRAND_LISTEN: '127.0.0.1:70000' }), { message: /ERRAND_LISTEN/ });
  t.throws(() => readConfig({ ...UNIX, ERRAND_COORDINATOR: 'http://host:1/path' }), { message: /ERRAND_COORDINATOR/ });
});
