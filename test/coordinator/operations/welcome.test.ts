import test from 'ava';
import { welcome } from '../../../coordinator/operations/welcome.ts';

const shown = (url: string, setup_code: string | undefined) =>
  welcome({ url, runner: 'docker', demo: false, setup_code, qr: (text) => [`<${text}>`] }).join('\n');

test('a new server draws its link for a phone where one can reach it, and says what is missing where none can', (t) => {
  t.regex(shown('https://errand.example.org', 'c0de'), /phone:\n<https:\/\/errand\.example\.org\/#setup=c0de>\n/);
  for (const url of ['http://127.0.0.1:8787', 'http://[::1]:8787', 'http://localhost:8787']) {
    t.regex(shown(url, 'c0de'), /A phone cannot reach that address/);
    t.notRegex(shown(url, 'c0de'), /</);
  }
  t.notRegex(shown('https://errand.example.org', undefined), /phone/);
});
