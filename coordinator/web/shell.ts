type Names = {
  /** From the page's address to that of the app, such as `../`: only a proxy knows where the app is as a whole. */
  base: string;
  script: string;
  style: string;
  icon: string;
  touch_icon: string;
};

/**
 * The page of the app: it is the same at each of its addresses, but for the way back to the first one. Its colours are
 * those of the theme. The manifest is asked for with cookies: a proxy in front with a log-in of its own wants them.
 */
export function shellHtml({ base, script, style, icon, touch_icon }: Names): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<base href="${base}">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover, interactive-widget=resizes-content">
<meta name="color-scheme" content="light dark">
<meta name="theme-color" content="#fbfaf8" media="(prefers-color-scheme: light)">
<meta name="theme-color" content="#131418" media="(prefers-color-scheme: dark)">
<meta name="apple-mobile-web-app-title" content="Errand">
<title>Errand</title>
<link rel="stylesheet" href="app/${style}">
<script type="module" src="app/${script}"></script>
<link rel="manifest" crossorigin="use-credentials" href="manifest.webmanifest">
<link rel="icon" href="${icon}">
<link rel="apple-touch-icon" href="${touch_icon}">
<div id="app"></div>
<noscript><main class="plain"><h1>Errand</h1><p>This app needs JavaScript. The command line works without it: <code>npx errand --help</code>.</p></main></noscript>
</html>
`;
}
