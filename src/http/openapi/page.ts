/**
 * The Swagger UI page, served from this process with no outside address: the plugin's own page loads
 * its scripts from a CDN. The content security policy holds the page to that.
 */

/** Paths are relative to /docs, so that a proxy may put a prefix before it. */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Tollgate API</title>
    <link rel="stylesheet" href="docs/assets/swagger-ui.css" />
    <link rel="icon" type="image/png" href="docs/assets/favicon-32x32.png" />
  </head>
  <body>
    <div id="swagger-ui"></div>
    <noscript>This page needs JavaScript. The document itself is at docs/json.</noscript>
    <script src="docs/assets/swagger-ui-bundle.js"></script>
    <script src="docs/assets/init.js"></script>
  </body>
</html>
`;

/**
 * A file of its own, because the policy allows no script inside the page. The document names this
 * gateway by a relative path; people are shown the whole address that their requests will go to.
 */
export const INIT_JS = `const spec = new URL("docs/json", window.location.href);
const whole = (server) => ({ ...server, url: new URL(server.url, spec).href.replace(/\\/$/, "") });
const showAddress = {
  statePlugins: {
    spec: {
      wrapActions: {
        updateJsonSpec: (update) => (document) =>
          update({ ...document, servers: document.servers.map(whole) }),
      },
    },
  },
};
window.ui = SwaggerUIBundle({
  url: spec.href,
  plugins: [showAddress],
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  filter: true,
  defaultModelsExpandDepth: 0,
  validatorUrl: null,
});
`;

/** Swagger UI sets styles in elements and draws its icons from data addresses. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

export const PAGE_HEADERS = {
  "content-type": "text/html; charset=utf-8",
  "content-security-policy": POLICY,
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "cache-control": "no-cache",
} as const;
