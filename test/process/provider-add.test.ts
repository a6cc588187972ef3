/**
 * `tollgate provider` as people run it: real processes, a real terminal, and a credential that comes in by
 * every way there is and comes out by none.
 */
import { expect, test } from "bun:test";
import { readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unsealCredential } from "../../src/admin/credential.ts";
import { deriveKey } from "../../src/base/seal.ts";
import { systemClock } from "../../src/base/clock.ts";
import { openStore } from "../../src/store/open.ts";
import { copyRepository } from "./fresh-clone.ts";
import { ADMIN_TOKEN, MAIN, REPOSITORY, Stage } from "./harness.ts";
import { addAccess, ask } from "./operator.ts";

const SECRET = "gsk_canary_credential_4711";
const KEY = Buffer.from(Array.from({ length: 32 }, (_, place) => (place * 37 + 11) % 256));

type Ran = { readonly code: number; readonly out: string; readonly err: string };
type Given = {
  readonly args: readonly string[];
  readonly stdin?: string;
  readonly env?: Readonly<Record<string, string>>;
};

async function run(stage: Stage, url: string, { args, stdin = "", env }: Given): Promise<Ran> {
  const child = Bun.spawn([process.execPath, MAIN, "provider", ...args, "--url", url], {
    cwd: stage.folder,
    env: { PATH: process.env["PATH"], TOLLGATE_ADMIN_TOKEN: ADMIN_TOKEN, ...env },
    stdin: new TextEncoder().encode(stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ]);
  return { code, out, err };
}

const PROMPT_END = "): ";

/** At a terminal: `keys` are typed at the prompt; everything that it shows. */
async function type(stage: Stage, url: string, args: readonly string[], keys: string) {
  let shown = "";
  const child = Bun.spawn([process.execPath, MAIN, "provider", "add", ...args, "--url", url], {
    cwd: stage.folder,
    env: { PATH: process.env["PATH"], NO_COLOR: "1", TOLLGATE_ADMIN_TOKEN: ADMIN_TOKEN },
    terminal: {
      cols: 200,
      rows: 24,
      data: (terminal, bytes) => {
        const before = shown;
        shown += new TextDecoder().decode(bytes);
        if (shown.includes(PROMPT_END) && !before.includes(PROMPT_END)) terminal.write(keys);
      },
    },
  });
  const code = await child.exited;
  child.terminal?.close();
  return { code, shown };
}

/** The credentials in the database, by the provider's name, once the gateway has ended. */
async function stored(dataDir: string): Promise<Readonly<Record<string, string>>> {
  const store = await openStore({ dataDir, clock: systemClock });
  try {
    const { providers } = await store.configuration();
    const key = deriveKey(KEY, "credential");
    return Object.fromEntries(
      providers.map(({ id, name, credentialSealed }) => [
        name,
        credentialSealed === null ? "" : unsealCredential(key, id, credentialSealed),
      ]),
    );
  } finally {
    await store.close();
  }
}

test("a credential comes by file, variable, pipe or prompt, and is shown nowhere", async () => {
  await using stage = new Stage();
  const dataDir = stage.path("data");
  const gateway = stage.serve(dataDir, {
    env: { TOLLGATE_ENCRYPTION_KEY: KEY.toString("base64") },
  });
  const url = await gateway.url();
  writeFileSync(stage.path("credential"), `${SECRET}-file\n`);
  const account = `{\n  "access_key_id": "AKID",\n  "secret_access_key": "${SECRET}-aws"\n}`;
  const add = (args: readonly string[], more: Omit<Given, "args"> = {}) =>
    run(stage, url, { args: ["add", ...args], ...more });

  const told = await add(["groq", "--credential-file", "credential"]);
  expect(told).toEqual({
    code: 0,
    out: "groq is there: Groq at https://api.groq.com/openai/v1, for chat, speech, transcriptions, translations, files, file, file_delete, file_content, batches, batch, batch_cancel, responses.\nClients call groq/MODEL, or the model of a route to it.\n",
    err: "",
  });
  const all = [
    told,
    await add(["groq", "--name", "piped"], { stdin: `${SECRET}-pipe\n` }),
    await add(["groq", "--name", "dash", "--credential-file", "-"], {
      stdin: `${SECRET}-dash`,
      env: { TOLLGATE_PROVIDER_CREDENTIAL: "not this one" },
    }),
    await add(["groq", "--name", "variable"], {
      env: { TOLLGATE_PROVIDER_CREDENTIAL: `${SECRET}-variable` },
    }),
    await add(["ollama", "--json"]),
    await add(["bedrock", "--set", "region=us-east-1"], { stdin: account }),
  ];
  expect(all.map(({ code, err }) => [code, err])).toEqual(all.map(() => [0, ""]));
  const typed = await type(stage, url, ["groq", "--name", "typed"], `${SECRET}-x\u007ftyped\r`);
  expect(typed).toEqual({
    code: 0,
    shown: expect.stringMatching(/^Credential of Groq \(API key\): \r\ntyped is there: /),
  });
  const pasted = await type(
    stage,
    url,
    ["bedrock", "--name", "pasted", "--set", "region=us-east-1"],
    `${account.replaceAll("\n", "\r")}\r`,
  );
  expect(pasted.code).toBe(0);
  const given = await type(stage, url, ["groq", "--name", "given-up"], "half\u0003");
  expect([given.code, given.shown]).toEqual([
    1,
    expect.stringContaining("no credential was given"),
  ]);

  const shown = JSON.stringify([...all, typed, pasted, gateway.out, gateway.err]);
  expect(shown).not.toContain(SECRET);
  expect((await gateway.stop()).code).toBe(0);
  expect(await stored(dataDir)).toEqual({
    groq: `${SECRET}-file`,
    piped: `${SECRET}-pipe`,
    dash: `${SECRET}-dash`,
    variable: `${SECRET}-variable`,
    ollama: "",
    bedrock: account,
    typed: `${SECRET}-typed`,
    pasted: account,
  });
}, 60_000);

test("what is wrong is said before a credential is asked for, and no secret is repeated", async () => {
  await using stage = new Stage();
  const gateway = stage.serve(stage.path("data"));
  const url = await gateway.url();
  const add = async (args: readonly string[], stdin = SECRET) => {
    const { code, out, err } = await run(stage, url, { args: ["add", ...args], stdin });
    expect([out, err.includes(SECRET)]).toEqual(["", false]);
    return [code, err];
  };
  expect(await add(["grok"])).toEqual([
    1,
    "error: unknown company grok; the nearest known one is groq; `provider companies` lists them\n",
  ]);
  expect(await add(["azure"])).toEqual([
    1,
    "error: Azure OpenAI needs --set resource=…: Name of the Azure resource, the first part of its host name.\n",
  ]);
  expect(await add(["groq"], "")).toEqual([
    1,
    "error: no credential was given; give it by --credential-file, TOLLGATE_PROVIDER_CREDENTIAL, a pipe or at the prompt\n",
  ]);
  expect(await add(["groq", "--credential-file", "absent"])).toEqual([
    1,
    "error: absent cannot be read: no such file\n",
  ]);
  expect(await add(["groq"], `${SECRET} ${SECRET}`)).toEqual([
    1,
    "error: credential must be printable ASCII characters without spaces, as it is sent in a header\n",
  ]);
  expect(await add(["bedrock", "--set", "region=eu-west-1"])).toEqual([
    1,
    "error: credential must be a JSON object with access_key_id, secret_access_key\n",
  ]);
  const listed = await run(stage, url, { args: ["companies"] });
  expect(listed.out).toMatch(/^COMPANY +NAME +DIALECT +TO SET +CREDENTIAL +ADDRESS$/m);
  expect(listed.out).toMatch(
    /^groq +Groq +openai +API key +https:\/\/api\.groq\.com\/openai\/v1$/m,
  );
  expect(listed.out).toMatch(/^azure-deployments .* resource, \[api_version\] +API key /m);
  expect(listed.out).toMatch(/^ollama .* none needed /m);
}, 60_000);

test("a company that speaks OpenAI's API is one row of a list, and no code", async () => {
  await using stage = new Stage();
  const upstream = await stage.upstream();
  const house = copyRepository(stage.path("house"));
  symlinkSync(join(REPOSITORY, "node_modules"), join(house, "node_modules"));
  const list = join(house, "src/providers/hosted.ts");
  const row = `  company({
    id: "newcomer",
    displayName: "Newcomer",
    baseUrl: "${upstream.url}/v1",
    isLocal: true,
    reference: "https://example.com/reference",
  }),
`;
  const before = readFileSync(list, "utf8");
  const begin = "export const HOSTED: readonly Company[] = [\n";
  expect(before).toContain(begin);
  writeFileSync(list, before.replace(begin, begin + row));

  const command = [process.execPath, join(house, "src/main.ts")];
  const gateway = stage.serve(stage.path("data"), { command });
  const url = await gateway.url();
  const { code } = await run(stage, url, { args: ["add", "newcomer"], stdin: SECRET });
  expect(code).toBe(0);
  const rates = { input_usd_per_million: 1, output_usd_per_million: 1 };
  await ask(url, "POST", "/prices", { provider: "newcomer", model: "sim-small", ...rates });
  const { token } = await addAccess(url, "acme");
  const reply = await fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({
      model: "newcomer/sim-small",
      messages: [{ role: "user", content: "hi" }],
    }),
  });
  expect(reply.status).toBe(200);
  expect(upstream.requests().map(({ headers }) => headers.authorization)).toEqual([
    `Bearer ${SECRET}`,
  ]);
}, 60_000);
