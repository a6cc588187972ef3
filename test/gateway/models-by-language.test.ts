/** A client sees the models that it can call in its own language: those of the others would all be refused. */
import { afterAll, expect, test } from "bun:test";
import { startTestGateway } from "../support/gateway.ts";

const tollgate = await startTestGateway();
afterAll(() => tollgate.stop());

const price = { inputPicoUsd: 1, outputPicoUsd: 1 };
const perPicture = { inputPicoUsd: 0, outputPicoUsd: 0, imagePicoUsd: 1 };

async function addProvider(
  name: string,
  dialect: "openai" | "anthropic" | "google",
  prices: object = price,
  surfaces?: readonly string[],
) {
  const terms = surfaces === undefined ? {} : { terms: { surfaces } };
  const provider = await tollgate.addProvider({ name, dialect, ...terms });
  await tollgate.addPrice(provider.id, "m", prices);
  return provider;
}

const openai = await addProvider("openai", "openai");
const anthropic = await addProvider("anthropic", "anthropic");
const google = await addProvider("google", "google");
const paints = await addProvider("paints", "openai", perPicture);
const chats = await addProvider("chats", "openai", perPicture, ["chat", "files"]);
const embeds = await addProvider("embeds", "google", price, ["embed_content"]);
const counts = await addProvider("counts", "anthropic", price, ["count_tokens"]);

const to = (...providers: readonly { readonly id: string }[]) =>
  providers.map(({ id }, priority) => ({ providerId: id, model: "m", weight: 1, priority }));
await tollgate.addRoute("gpt", to(openai));
await tollgate.addRoute("claude", to(anthropic));
await tollgate.addRoute("gemini", to(google));
await tollgate.addRoute("everywhere", to(google, openai, anthropic));
await tollgate.addRoute("paints", to(paints));
await tollgate.addRoute("priced-for-nothing-it-does", to(chats));
await tollgate.addRoute("embeds", to(embeds));
await tollgate.addRoute("counts", to(counts));
const { token } = await tollgate.addToken((await tollgate.addTenant()).id);

const CLIENTS = {
  openai: { authorization: `Bearer ${token}` },
  anthropic: { "x-api-key": token, "anthropic-version": "2023-06-01" },
  google: { "x-goog-api-key": token },
} as const;
type Language = keyof typeof CLIENTS;

async function get(language: Language, path = ""): Promise<readonly [number, unknown]> {
  const answer = await fetch(`${tollgate.url}/v1/models${path}`, { headers: CLIENTS[language] });
  return [answer.status, await answer.json()];
}

/** Names, as each language has them. */
function namesIn(list: unknown): readonly string[] {
  const { data, models } = Object(list);
  return (data ?? models).map(({ id, name }: Readonly<Record<string, string>>) => id ?? name);
}

const LISTED = [
  ["openai", ["everywhere", "gpt", "paints"]],
  ["anthropic", ["claude", "everywhere"]],
  ["google", ["models/embeds", "models/everywhere", "models/gemini"]],
] as const;

test.each(LISTED)("in the language of %s: %j", async (language, names) => {
  const [status, list] = await get(language);
  expect([status, namesIn(list)]).toEqual([200, [...names]]);
});

const FOUND = [
  ["openai", ["gpt", "everywhere", "openai/m"]],
  ["anthropic", ["claude", "everywhere", "anthropic/m"]],
  ["google", ["gemini", "everywhere", "embeds/m"]],
] as const;

test.each(FOUND)("one by one, in the language of %s: %j", async (language, expected) => {
  const found = [];
  for (const { 1: names } of FOUND) {
    for (const name of names) {
      const [status] = await get(language, `/${name}`);
      if (status === 200) found.push(name);
      else expect([name, status]).toEqual([name, 404]);
    }
  }
  expect([...new Set(found)].toSorted()).toEqual([...expected].toSorted());
});

test("of a route for several languages each is told of the target that serves it", async () => {
  expect(await get("openai", "/everywhere")).toEqual([
    200,
    expect.objectContaining({ id: "everywhere", owned_by: "openai" }),
  ]);
});

test("Google's clients read what each can be asked", async () => {
  expect(await get("google", "/gemini")).toEqual([
    200,
    {
      name: "models/gemini",
      displayName: "gemini",
      supportedGenerationMethods: expect.arrayContaining(["generateContent", "countTokens"]),
    },
  ]);
  expect(await get("google", "/embeds")).toEqual([
    200,
    {
      name: "models/embeds",
      displayName: "embeds",
      supportedGenerationMethods: ["embedContent"],
    },
  ]);
});

const CALLS = [
  ["openai", "/v1/chat/completions"],
  ["anthropic", "/v1/messages"],
  ["google", "/v1beta/models/{model}:generateContent"],
] as const;

test.each(CALLS)(
  "who is not listed in the language of %s is refused at %s",
  async (language, path) => {
    const [, list] = await get(language);
    const names = new Set(namesIn(list).map((name) => name.replace("models/", "")));
    for (const model of ["gpt", "claude", "gemini", "everywhere"]) {
      const messages = [{ role: "user", content: "hi" }];
      const body = language === "google" ? {} : { model, messages, max_tokens: 1 };
      const answer = await fetch(`${tollgate.url}${path.replace("{model}", model)}`, {
        method: "POST",
        headers: CLIENTS[language],
        body: JSON.stringify(body),
      });
      const isRefused = answer.headers.get("x-tollgate-error") === "model_not_found";
      expect([model, isRefused]).toEqual([model, !names.has(model)]);
    }
  },
);
