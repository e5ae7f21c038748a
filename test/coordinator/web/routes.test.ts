import test from 'ava';
import { isOfApp } from '../../../coordinator/web/store/routes.ts';

const HOST = 'https://home.example';

test('a window of another app on the same host is none of this one, wherever either is', (t) => {
  const below = `${HOST}/errand/`;
  for (const path of ['', 'settings', 'errands/01abc/decision', 'new?text=a/b', 'settings#devices', '#login=code'])
    for (const base of [below, `${HOST}/`]) t.true(isOfApp(base, base + path), base + path);
  for (const path of ['/', '/errand', '/errands/01abc', '/errand2/', '/errand/grafana/d/1', '/errand/errands'])
    t.false(isOfApp(below, HOST + path), path);
  t.false(isOfApp(`${HOST}/`, `${HOST}/grafana/d/1`));
  t.false(isOfApp(below, `https://home.example.org/errand/`));
});
