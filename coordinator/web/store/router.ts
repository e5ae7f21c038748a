import { signal } from '@preact/signals';
import navaid from 'navaid';
import { BASE, ROUTES, pathOf, type RouteName } from './routes.ts';

export type Place = { name: RouteName; params: { id?: string }; query: URLSearchParams };

/** What an entry of the history keeps. */
type Kept = { depth?: number };

/** Where the person is. The address bar always has the same. */
export class Router {
  readonly place = signal<Place>({ name: 'inbox', params: {}, query: new URLSearchParams() });
  readonly #router = navaid(BASE, () => this.go('inbox', {}, true));
  /** How many steps back stay in the app. The history keeps it with each entry, also while the page is reloaded. */
  #depth = 0;

  start(): void {
    for (const name of Object.keys(ROUTES) as RouteName[])
      this.#router.on<{ id?: string }>(ROUTES[name], (params = {}) => {
        this.place.value = { name, params, query: new URLSearchParams(location.search) };
      });
    // Before the router listens: what it puts in its place asks for the page anew.
    const replaceState = history.replaceState.bind(history);
    const keep = (): void => replaceState({ depth: this.#depth } satisfies Kept, '');
    const read = (): void => {
      this.#depth = (history.state as Kept | null)?.depth ?? 0;
    };
    read();
    addEventListener('pushstate', () => {
      this.#depth++;
      keep();
    });
    addEventListener('replacestate', keep);
    addEventListener('popstate', read);
    this.#router.listen();
  }

  go(name: RouteName, params: { id?: string } = {}, replace = false): void {
    this.#router.route(pathOf(name, params), replace);
  }

  /** Goes to an address of the app, from outside of it. */
  open(path: string): void {
    this.#router.route(path);
  }

  /** For what follows an answer: `act`, unless the person has gone elsewhere meanwhile. */
  unlessGone(act: () => void): () => void {
    const { name, params } = this.place.peek();
    return () => {
      const now = this.place.peek();
      if (now.name === name && now.params.id === params.id) act();
    };
  }

  /** Goes to where the person came from; to `parent` if that was not the app. */
  back(parent: RouteName, params: { id?: string } = {}): void {
    if (this.#depth > 0) history.back();
    else this.go(parent, params, true);
  }
}
