/**
 * What a person sees at /docs, in a real browser on a real process: it renders, it asks nobody but
 * the gateway, and "Try it out" shows the gateway's own answers to both credentials.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { compileErrors, validate } from "@readme/openapi-parser";
import { Stage } from "../process/harness.ts";
import { CHROMIUM_START_MS_MAX, TestBrowser } from "./chromium.ts";
import { DocsPage } from "./docs-page.ts";

type Operation = {
  readonly tags: readonly string[];
  readonly parameters?: readonly { readonly name: string; readonly example?: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly example: object }>>;
  };
};
type Document = {
  readonly openapi: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
};

const stage = new Stage();
let browser: TestBrowser;
let url: string;
let adminToken: string;
let accessToken: string;
let document: Document;

const QUIET = { outside: [], failed: [], complaints: [] };
/** The browser's own remark about an answer that a test asks for. */
const REFUSED = "Failed to load resource: the server responded with a status of 401 (Unauthorized)";

beforeAll(async () => {
  const gateway = stage.start({ args: ["--port", "0"] });
  url = await gateway.url();
  adminToken = /tg-admin-\w+/.exec(gateway.out)?.[0] ?? "";
  accessToken = /sk-tg-\w+/.exec(gateway.out)?.[0] ?? "";
  document = JSON.parse(await (await fetch(`${url}/docs/json`)).text());
  browser = await TestBrowser.launch();
}, CHROMIUM_START_MS_MAX);
afterAll(async () => {
  await browser?.close();
  await stage[Symbol.asyncDispose]();
});

function open(): Promise<DocsPage> {
  return DocsPage.open(browser.context, `${url}/docs`);
}

/** `POST /api/v1/tenants` and so on, under the tag that the document gives them. */
function documented(): [string, string[]][] {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { tags }]) => ({
      tag: tags[0],
      name: `${method.toUpperCase()} ${path}`,
    })),
  );
  return document.tags.map(({ name }) => [
    name,
    operations.filter(({ tag }) => tag === name).map((operation) => operation.name),
  ]);
}

async function shownOperations(docs: DocsPage): Promise<[string, string[]][]> {
  const sections: [string, string[]][] = [];
  for (const section of await docs.page.locator(".opblock-tag-section").all()) {
    const tag = (await section.locator("h3").getAttribute("data-tag")) ?? "";
    const rows = await section.locator(".opblock-summary-control").allInnerTexts();
    sections.push([tag, rows.map((row) => row.split(/\s+/).slice(0, 2).join(" "))]);
  }
  return sections;
}

/** The same question without the page. */
async function tenants(): Promise<unknown> {
  const headers = { authorization: `Bearer ${adminToken}` };
  return (await fetch(`${url}/api/v1/tenants`, { headers })).json();
}

describe("the page at /docs", () => {
  test("shows every operation under its tag, wide or narrow, and asks nobody else", async () => {
    await using docs = await open();
    expect(await docs.page.title()).toBe("Tollgate API");
    expect(await docs.page.locator(".info .title").innerText()).toStartWith("Tollgate");
    expect(await shownOperations(docs)).toEqual(documented());
    expect(await docs.page.locator(".servers option").allInnerTexts()).toEqual([
      `${url} - This gateway`,
    ]);
    expect(await docs.page.locator(".errors-wrapper, .topbar").count()).toBe(0);
    for (const width of [1_280, 800]) {
      await docs.page.setViewportSize({ width, height: 900 });
      expect(await docs.page.evaluate("document.documentElement.scrollWidth")).toBe(width);
    }
    expect(docs.watch).toEqual(QUIET);
  });

  test("is where the bare address leads, and its own with a slash behind", async () => {
    for (const path of ["/", "/docs/"]) {
      const page = await browser.context.newPage();
      const answer = await page.goto(`${url}${path}`);
      expect([page.url(), answer?.status()]).toEqual([`${url}/docs`, 200]);
      await page.close();
    }
  });

  test("works behind a proxy that puts a prefix before it", async () => {
    using proxy = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: (request) => {
        const [, path] = /^https?:\/\/[^/]+\/gate(\/.*)$/.exec(request.url) ?? [];
        if (path === undefined) return new Response(null, { status: 404 });
        return fetch(`${url}${path}`, {
          headers: request.headers,
          redirect: "manual",
          decompress: false,
        });
      },
    });
    const prefixed = `http://127.0.0.1:${proxy.port}/gate`;
    await using docs = await DocsPage.open(browser.context, `${prefixed}/`);
    expect(docs.page.url()).toBe(`${prefixed}/docs`);
    expect(await docs.tryOut("health", "livez")).toEqual({ status: "200", body: "ok\n" });
    expect(docs.watch).toEqual(QUIET);
  });

  test("would be caught asking somebody else", async () => {
    await using docs = await open();
    const elsewhere = "http://outside.example/a.png";
    const told = docs.page.waitForEvent("console", {
      predicate: (message) => message.text().startsWith("breach of"),
    });
    await docs.page.evaluate(`void (new Image().src = "${elsewhere}")`);
    await told;
    expect(docs.watch.complaints).toContain(`breach of img-src: ${elsewhere}`);
    expect(docs.watch.outside).toEqual([]);
    // Navigating is what the policy does not forbid.
    await docs.page.goto(elsewhere).catch((error: Error) => error);
    expect(docs.watch.outside).toEqual([elsewhere]);
  });
});

describe("Try it out, in one sitting", () => {
  let docs: DocsPage;
  beforeAll(async () => {
    docs = await open();
  });
  afterAll(() => docs?.[Symbol.asyncDispose]());

  test("shows a 401 to whoever has not authorised", async () => {
    const { status, body } = await docs.tryOut("tenants", "list_tenants");
    expect(status).toContain("401");
    expect(JSON.parse(body)).toMatchObject({ error: { code: "invalid_admin_token" } });
  });

  test("gives an access token to the client API alone", async () => {
    await docs.authorize("accessToken", accessToken);
    const { status, body } = await docs.tryOut("client", "create_chat_completion");
    expect(status).toBe("200");
    expect(JSON.parse(body)).toMatchObject({ object: "chat.completion", model: "sim-small" });
    expect((await docs.tryOut("tenants", "list_tenants")).status).toContain("401");
  });

  test("shows a stream to its end", async () => {
    const messages = [{ role: "user", content: "Hello!" }];
    const request = JSON.stringify({ model: "sim-small", messages, stream: true });
    const { status, body } = await docs.tryOut("client", "create_chat_completion", request);
    expect(status).toBe("200");
    expect(body).toMatch(/^data: \{[^]*\ndata: \[DONE\]\s*$/);
  });

  test("creates a tenant from the example, and lists it, with the admin token", async () => {
    await docs.authorize("adminToken", adminToken);
    const created = await docs.tryOut("tenants", "create_tenant");
    expect(created.status).toBe("201");
    expect(JSON.parse(created.body)).toMatchObject({ name: "Acme", metadata: { plan: "gold" } });
    const listed = await docs.tryOut("tenants", "list_tenants");
    expect(listed.status).toBe("200");
    expect(JSON.parse(listed.body)).toEqual(await tenants());
    expect(JSON.parse(listed.body)).toMatchObject({ data: [{ name: "demo" }, { name: "Acme" }] });
  });

  test("asked nobody else, and left nothing to complain about but the two 401", () => {
    expect(docs.watch).toEqual({ ...QUIET, complaints: [REFUSED, REFUSED] });
  });
});

describe("the document at /docs/json", () => {
  test("is OpenAPI 3.1", async () => {
    expect(document.openapi).toStartWith("3.1.");
    const checked = await validate(structuredClone(document) as never);
    expect(checked.valid ? "" : compileErrors(checked)).toBe("");
  });

  test("has client examples that are understood, and answered where the demo can", async () => {
    const examples = Object.entries(document.paths).flatMap(([path, { post }]) => {
      const content = post?.tags[0] === "client" ? post.requestBody?.content : undefined;
      const json = content?.["application/json"];
      const model = post?.parameters?.find(({ name }) => name === "model")?.example ?? "";
      return json === undefined ? [] : [[path.replace("{model}", model), json.example] as const];
    });
    const headers = {
      authorization: `Bearer ${accessToken}`,
      "content-type": "application/json",
    };
    const answers = examples.map(async ([path, example]) => {
      const asked = { method: "POST", headers, body: JSON.stringify(example) };
      const answer = await fetch(`${url}${path}`, asked);
      return [path, answer.headers.get("x-tollgate-error") ?? answer.status];
    });
    const told = await Promise.all(answers);
    const served = ["/v1/chat/completions", "/v1/embeddings"];
    // The simulated provider has no other surface, and keeps nothing: a body that is right is told just that.
    expect(told).toEqual(
      examples.map(([path]) => {
        if (served.includes(path)) return [path, 200];
        return [path, namesKept(path) ? "not_found" : "model_not_found"];
      }),
    );
    expect(told.length).toBeGreaterThan(served.length);
  });

  test("says of every member what it is", () => {
    expect(untyped(document.components.schemas, "")).toEqual([]);
  });
});

/** Whether its example names something that a provider keeps. */
function namesKept(path: string): boolean {
  return path.includes("{id}") || path === "/v1/batches";
}

const KINDS = ["type", "$ref", "anyOf", "enum"];

/** Paths of the members that the page could only call "any". */
function untyped(members: object, path: string): string[] {
  return Object.entries(members).flatMap(([name, schema]) => {
    const { properties = {}, items } = schema;
    const inner = [...untyped(properties, `${path}${name}.`)];
    if (items !== undefined) inner.push(...untyped({ "[]": items }, `${path}${name}.`));
    return KINDS.some((kind) => kind in schema) ? inner : [`${path}${name}`, ...inner];
  });
}
