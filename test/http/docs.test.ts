import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { compileErrors, validate } from "@readme/openapi-parser";
import { MODEL_MOUNTS } from "../../src/http/v1/mounts.ts";
import { startTestAdmin, type TestAdmin } from "../support/admin.ts";

type Operation = {
  readonly operationId?: string;
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly security?: readonly object[];
  readonly responses: Readonly<Record<string, object>>;
};
type Document = {
  readonly openapi: string;
  readonly info: { readonly version: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Readonly<Record<string, Readonly<Record<string, object>>>>;
};

let api: TestAdmin;
let document: Document;
let operations: (Operation & { readonly name: string })[];

beforeAll(async () => {
  api = await startTestAdmin();
  document = JSON.parse(await (await get("/docs/json")).text());
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      ...operation,
      name: `${method.toUpperCase()} ${path}`,
    })),
  );
});
afterAll(() => api.stop());

function get(path: string, headers: Readonly<Record<string, string>> = {}): Promise<Response> {
  return Promise.resolve(api.app.handle(new Request(`http://localhost${path}`, { headers })));
}

/** Names of the operations for which something does not hold. */
function except(holds: (operation: Operation) => boolean): string[] {
  return operations.filter((operation) => !holds(operation)).map(({ name }) => name);
}

describe("the OpenAPI document", () => {
  test("passes a validator, as OpenAPI 3.1, with our version", async () => {
    const checked = await validate(structuredClone(document) as never);
    expect(checked.valid ? "" : compileErrors(checked)).toBe("");
    expect([document.openapi, document.info.version]).toEqual(["3.1.0", "0.0.1"]);
  });

  test("would not pass the validator with a broken operation", async () => {
    const broken = structuredClone(document);
    Object.assign(broken.paths["/livez"] ?? {}, { get: { responses: { 200: {} } } });
    expect((await validate(broken as never)).valid).toBe(false);
  });

  test("describes every mounted route, and no other", () => {
    const mounted = api.app.routes
      .filter(({ hooks }) => hooks?.detail?.hide !== true)
      .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`)
      .filter((name) => !/ \/docs(?:\/json)?$/.test(name))
      // Mounted as a wildcard, because names of models hold slashes.
      .map((name) => name.replace("/models/*", "/models/{model}"));
    // The same, and several methods behind each wildcard.
    const ofModels = MODEL_MOUNTS.flatMap(({ root, methods }) =>
      methods.map(({ ending }) => `POST ${root}{model}${ending}`),
    );
    const names = operations.map(({ name }) => name);
    expect(names.toSorted()).toEqual([...mounted, ...ofModels].toSorted());
    // That it is not empty by mistake.
    expect(operations.length).toBeGreaterThan(60);
    const wildcards = MODEL_MOUNTS.map(({ root }) => `POST ${root}*`);
    const routes = new Set(api.app.routes.map(({ method, path }) => `${method} ${path}`));
    expect(wildcards.filter((route) => !routes.has(route))).toEqual([]);
  });

  test("gives every operation an id of its own, a summary and a known tag", () => {
    const tags = new Set(document.tags.map(({ name }) => name));
    expect(except(({ summary = "" }) => summary.length > 5)).toEqual([]);
    expect(except(({ tags: own = [] }) => own.length === 1 && tags.has(own[0] ?? ""))).toEqual([]);
    expect(except(({ operationId = "" }) => /^[a-z]+(?:_[a-z]+)*$/.test(operationId))).toEqual([]);
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  });

  test("gives every operation an example and typed errors", () => {
    expect(except((operation) => JSON.stringify(operation).includes('"example"'))).toEqual([]);
    expect(
      except(({ responses }) => Object.keys(responses).some((status) => /^[45]/.test(status))),
    ).toEqual([]);
    const untyped = except(({ responses }) =>
      Object.entries(responses)
        .filter(([status]) => status !== "204")
        .every(([, response]) => /"schema"|"\$ref"/.test(JSON.stringify(response))),
    );
    expect(untyped).toEqual([]);
  });

  test("asks for the admin token under /api/v1 and for an access token under /v1", () => {
    const credentials = operations.map(({ name, security }) => [
      name.replace(/^\S+ (\/api\/v1|\/v1|).*$/, "$1"),
      JSON.stringify(security),
    ]);
    expect(new Set(credentials.map((pair) => pair.join(" ")))).toEqual(
      new Set(['/api/v1 [{"adminToken":[]}]', '/v1 [{"accessToken":[]}]', " []"]),
    );
  });

  test("words shapes as people do", () => {
    const { TenantInput, Token, BudgetInput, LimitInput, PriceInput } =
      document.components["schemas"] ?? {};
    expect(TenantInput).toMatchObject({
      type: "object",
      required: ["name"],
      additionalProperties: false,
      properties: {
        status: { type: "string", enum: ["active", "suspended"] },
        metadata: { type: "object", additionalProperties: { type: "string" } },
      },
    });
    expect(Token).toMatchObject({
      properties: {
        expires_at: { type: ["string", "null"], format: "date-time" },
        allowed_models: { type: ["array", "null"], items: { type: "string" } },
      },
    });
    expect(BudgetInput).toMatchObject({
      properties: {
        window: { type: "string", enum: ["hour", "day", "week", "month", "total"] },
        anchor: { type: ["object", "null"], additionalProperties: false },
      },
    });
    expect(LimitInput).toMatchObject({
      properties: {
        scope: {
          properties: {
            type: {
              enum: ["tenant", "project", "token"],
              "x-planned": ["global", "end_user", "provider", "route"],
            },
          },
        },
      },
    });
    expect(PriceInput).toMatchObject({
      properties: {
        tool_call_usd: { type: ["object", "null"] },
        tiers: { type: ["array", "null"] },
      },
    });
    expect(JSON.stringify(document)).not.toContain("x-must");
  });
});

describe("the page", () => {
  test("allows nothing from elsewhere and no script of its own", async () => {
    const page = await get("/docs");
    const html = await page.text();
    expect(page.headers.get("content-type")).toBe("text/html; charset=utf-8");
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self';");
    expect(html).not.toMatch(/https?:\/\//);
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)/);
  });

  test.each([
    ["swagger-ui.css", "text/css; charset=utf-8"],
    ["swagger-ui-bundle.js", "text/javascript; charset=utf-8"],
    ["init.js", "text/javascript; charset=utf-8"],
    ["favicon-32x32.png", "image/png"],
  ])("loads %s from here, compressed where that helps", async (name, type) => {
    const plain = await get(`/docs/assets/${name}`);
    const packed = await get(`/docs/assets/${name}`, { "accept-encoding": "br, gzip" });
    const bytes = Buffer.from(await plain.arrayBuffer());
    expect([plain.status, plain.headers.get("content-type")]).toEqual([200, type]);
    expect(plain.headers.get("content-encoding")).toBeNull();
    if (type === "image/png") {
      expect(packed.headers.get("content-encoding")).toBeNull();
    } else {
      expect(packed.headers.get("content-encoding")).toBe("gzip");
      const unpacked = Bun.gunzipSync(await packed.arrayBuffer());
      expect(Buffer.from(unpacked).equals(bytes)).toBe(true);
    }
    expect(await (await get("/docs")).text()).toContain(`docs/assets/${name}`);
  });
});
