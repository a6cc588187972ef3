/**
 * The page at /docs as a person uses it: opened, authorised, tried out. Everything that is not the
 * gateway's own origin is blocked and written down, and so is whatever the page has to complain about.
 */
import type { BrowserContext, Page, Request } from "playwright-core";

/** What a page did beside what it shows. */
export type Watch = {
  /** Requests to other origins; none of them left the browser. */
  readonly outside: readonly string[];
  /** Requests that failed, none of the above among them. */
  readonly failed: readonly string[];
  /** Errors in the console, uncaught exceptions, and breaches of the content security policy. */
  readonly complaints: readonly string[];
};

export type Shown = { readonly status: string; readonly body: string };

/** Told to the console, where {@link DocsPage} reads it. */
const TELL_BREACHES = `addEventListener("securitypolicyviolation", (event) =>
  console.error("breach of " + event.effectiveDirective + ": " + event.blockedURI));`;

export class DocsPage implements AsyncDisposable {
  readonly page: Page;
  readonly watch: Watch;

  private constructor(page: Page, watch: Watch) {
    this.page = page;
    this.watch = watch;
  }

  /** A new page on `url`, of which only the origin may be asked. */
  static async open(context: BrowserContext, url: string): Promise<DocsPage> {
    const page = await context.newPage();
    const watch = await watched(page, new URL(url).origin);
    await page.addInitScript(TELL_BREACHES);
    await page.setViewportSize({ width: 1_280, height: 900 });
    await page.goto(url);
    await page.locator(".opblock").first().waitFor();
    return new DocsPage(page, watch);
  }

  /** Gives a credential in the dialog, under the name that the document has for it. */
  async authorize(scheme: string, token: string): Promise<void> {
    await this.page.locator(".auth-wrapper > button.authorize").click();
    const field = this.page.locator(".auth-container", { hasText: scheme });
    await field.locator("input").fill(token);
    await field.getByRole("button", { name: "Apply credentials" }).click();
    await field.getByText("Authorized").waitFor();
    await this.page.locator("button.close-modal").click();
  }

  /** Opens an operation, executes it with its example or with `body`, and answers what is shown. */
  async tryOut(tag: string, operation: string, body: string | null = null): Promise<Shown> {
    const block = this.page.locator(`#operations-${tag}-${operation}`);
    if (/\bis-open\b/.test((await block.getAttribute("class")) ?? "")) {
      // Takes the last answer away, which must not be taken for the next one.
      await block.locator("button.btn-clear").click();
    } else {
      await block.locator(".opblock-summary-control").click();
      await block.locator("button.try-out__btn").click();
    }
    if (body !== null) await block.locator("textarea.body-param__text").fill(body);
    await block.locator("button.execute").click();
    const answer = block.locator(".live-responses-table .response");
    await answer.waitFor();
    return {
      status: (await answer.locator(".response-col_status").innerText()).trim(),
      body: await answer.locator(".response-col_description .highlight-code code").innerText(),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close();
  }
}

async function watched(page: Page, origin: string): Promise<Watch> {
  const outside: string[] = [];
  const failed: string[] = [];
  const complaints: string[] = [];
  await page.route(
    (url) => url.origin !== origin,
    (route) => {
      outside.push(route.request().url());
      return route.abort("blockedbyclient");
    },
  );
  page.on("websocket", (socket) => {
    if (new URL(socket.url()).host !== new URL(origin).host) outside.push(socket.url());
  });
  const isOurs = (request: Request): boolean => new URL(request.url()).origin === origin;
  page.on("requestfailed", (request) => {
    if (isOurs(request)) failed.push(request.url());
  });
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  return { outside, failed, complaints };
}
