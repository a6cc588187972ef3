/** The catalogue of companies: every row can be used as it stands, and each address has one owner. */
import { describe, expect, test } from "bun:test";
import { COMPANIES, companyById, companyOf, listedAddress } from "../../src/providers/companies.ts";
import { type Company, USUAL_QUIRKS } from "../../src/providers/company.ts";
import { surfacesOf, surfacesOfDialect } from "../../src/providers/surfaces.ts";
import { readBaseUrl } from "../../src/admin/address.ts";

const usual: Readonly<Record<string, unknown>> = USUAL_QUIRKS;

const filled = ({ baseUrl, parameters }: Company): string =>
  parameters.reduce((url, { name }) => url.replaceAll(`{${name}}`, "some-name"), baseUrl);

test("there are more than 25 companies, each with an id and a name of its own", () => {
  expect(COMPANIES.length).toBeGreaterThan(25);
  for (const member of ["id", "displayName"] as const) {
    expect(new Set(COMPANIES.map((one) => one[member])).size).toBe(COMPANIES.length);
  }
  for (const { id } of COMPANIES) {
    expect(id).toMatch(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/);
    expect(companyById(id)?.id).toBe(id);
  }
  expect(companyById("nobody")).toBeNull();
});

describe.each(COMPANIES.map((one) => [one.id, one] as const))("%s", (_, one) => {
  test("has an address that providers may have, once its parameters are filled in", () => {
    const url = filled(one);
    expect(readBaseUrl(url, one.isLocal)).toEqual({ allowed: true, value: url });
    // Everybody but an operator's own server is reached over TLS, on a public name.
    expect(url.startsWith(one.isLocal ? "http://127.0.0.1:" : "https://")).toBe(true);
  });

  test("names the parameters of its address, each once", () => {
    const named = one.parameters.map(({ name }) => name);
    const used = [...one.baseUrl.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "");
    expect(new Set(named).size).toBe(named.length);
    expect(used.filter((name) => !named.includes(name))).toEqual([]);
    const unused = one.parameters.filter(({ name }) => !used.includes(name));
    // What is no part of the address is of the way requests are put, and has a standard.
    expect(unused.filter(() => one.wire === null)).toEqual([]);
    expect(unused.filter(({ standard }) => standard === null)).toEqual([]);
  });

  test("serves surfaces of its own dialect alone", () => {
    const ofDialect = surfacesOfDialect(one.dialect);
    const { surfaces } = one;
    if (surfaces !== "all") {
      expect(surfaces.length).toBeGreaterThan(0);
      expect(surfaces.filter((surface) => !ofDialect.includes(surface))).toEqual([]);
    }
    const served = surfacesOf({ dialect: one.dialect, company: one.id });
    expect([...served]).toEqual(
      ofDialect.filter((surface) => surfaces === "all" || surfaces.includes(surface)),
    );
  });

  test("refers to its documentation, and says when it was looked up", () => {
    expect(new URL(one.reference).protocol).toBe("https:");
    expect(one.referenceSeenOn).toMatch(/^202\d-\d\d-\d\d$/);
    expect(Date.parse(one.referenceSeenOn)).toBeLessThanOrEqual(Date.now());
  });

  test("differs in nothing from others at the same address", () => {
    const { dialect } = one;
    const found = companyOf({ dialect, baseUrl: filled(one) });
    expect(found?.quirks ?? null).toEqual(one.isLocal ? null : one.quirks);
  });
});

test("each that differs from most does so in what was found of it, and in nothing else", () => {
  const differences = COMPANIES.map(({ id, quirks }) => {
    const own = Object.entries(quirks).filter(([name, value]) => usual[name] !== value);
    return [id, Object.fromEntries(own)] as const;
  }).filter(([, own]) => Object.keys(own).length > 0);
  const newerLimit = { outputCapMember: "max_completion_tokens" } as const;
  const ofMistral = { repeatsText: true, tellsUsageUnasked: true };
  const ofQwen = { keepsBatchFilesOnly: true, thinksBeyondLimit: true };
  expect(Object.fromEntries(differences)).toEqual({
    openai: newerLimit,
    xai: newerLimit,
    azure: newerLimit,
    "azure-entra": newerLimit,
    "azure-deployments": newerLimit,
    snowflake: newerLimit,
    cerebras: { ...newerLimit, keepsBatchFilesOnly: true },
    mistral: ofMistral,
    codestral: ofMistral,
    databricks: { tellsUsageUnasked: true },
    "databricks-azure": { tellsUsageUnasked: true },
    perplexity: { endsWithFinish: true },
    "perplexity-agent": { endsWithFinish: true },
    nous: { endsWithFinish: true },
    gmi: { endsWithFinish: true },
    alibaba: ofQwen,
    "alibaba-workspace": ofQwen,
    "alibaba-cn": ofQwen,
    "alibaba-anthropic": { thinksBeyondLimit: true },
    volcengine: { thinksBeyondLimit: true },
    siliconflow: { thinksBeyondLimit: true },
    "siliconflow-cn": { thinksBeyondLimit: true },
    "siliconflow-anthropic": { thinksBeyondLimit: true },
    groq: { keepsBatchFilesOnly: true, soundSecondsLeast: 10 },
  });
});

test("a provider is its operator's word's, else its address's, else nobody's", () => {
  const dialect = "openai";
  const of = (baseUrl: string, company?: string): string | null =>
    companyOf({ dialect, baseUrl, company })?.id ?? null;
  expect(of("https://api.mistral.ai/v1")).toBe("mistral");
  expect(of("https://api.mistral.ai:8443/other")).toBe("mistral");
  expect(of("https://a.b.openai.azure.com/openai/v1")).toBe("azure");
  expect(of("https://proxy.example.com/v1", "groq")).toBe("groq");
  expect(of("https://api.openai.com/v1", "gone-from-the-catalogue")).toBe("openai");
  expect(of("https://w1.eu-central-1.maas.aliyuncs.com/compatible-mode/v1")).toBe(
    "alibaba-workspace",
  );
  expect(of("https://adb-1.2.azuredatabricks.net/serving-endpoints")).toBe("databricks-azure");
  for (const foreign of [
    "https://proxy.example.com/v1",
    "https://api.openai.com.example.com/v1",
    "https://openai.azure.com/v1",
    "https://xapi.openai.com/v1",
    "http://127.0.0.1:11434/v1",
  ]) {
    expect(of(foreign)).toBeNull();
  }
  // The address of another language's API is another company's row.
  expect(companyOf({ dialect: "google", baseUrl: "https://api.openai.com/v1" })).toBeNull();
});

test("price lists know a provider by its company's address, whatever lies in between", () => {
  const baseUrl = "https://proxy.example.com/v1";
  expect(listedAddress({ company: "groq", baseUrl })).toBe("https://api.groq.com/openai/v1");
  expect(listedAddress({ company: "bedrock", baseUrl })).toBe(
    "https://bedrock-runtime.any.amazonaws.com",
  );
  for (const company of [undefined, "ollama", "gone"]) {
    expect(listedAddress({ company, baseUrl })).toBe(baseUrl);
  }
});

test("what an operator leaves of a company's surfaces is all that may be asked", () => {
  const openai = { dialect: "openai", company: "openai" } as const;
  expect(surfacesOf(openai)).toEqual(new Set(surfacesOfDialect("openai")));
  expect(surfacesOf({ ...openai, surfaces: ["embeddings", "gone"] })).toEqual(
    new Set(["embeddings"]),
  );
  expect(surfacesOf({ dialect: "openai", company: "groq", surfaces: ["embeddings"] })).toEqual(
    new Set(),
  );
  expect(surfacesOf({ dialect: "openai" })).toEqual(new Set(surfacesOfDialect("openai")));
});
