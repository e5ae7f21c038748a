import { render } from 'preact';
import { loadWire } from '../client/load-wire.ts';
import { App } from './app/app.tsx';
import { format, locale } from './parts/speech.ts';
import { startClock } from './parts/now.ts';
import { PartsContext } from './parts/context.ts';
import { followKeyboard } from './parts/viewport.ts';
import { incomplete } from './store/incomplete.ts';
import { keepInstallOffer } from './store/install-offer.ts';
import { painted } from './store/painted.ts';
import { Router } from './store/router.ts';
import { BASE } from './store/routes.ts';
import { Store } from './store/store.ts';
import { installWorker } from './store/worker.ts';

document.documentElement.lang = locale;
keepInstallOffer();
const parts = { store: new Store(location.origin + BASE), router: new Router() };
parts.router.start();
startClock();
followKeyboard();
render(
  <PartsContext.Provider value={parts}>
    <App />
  </PartsContext.Provider>,
  document.getElementById('app') ?? document.body,
);
void parts.store
  .start()
  .then(painted)
  .then(loadWire)
  .catch(() => (incomplete.value = true));
// The first number takes the browser some 20 ms: while the storage opens, they cost nothing.
format.number(0);
void painted().then(() => installWorker((path) => parts.router.open(path)));
