/**
 * Usage as providers report it → what it costs, to the nano-dollar. The reports, the usage they mean,
 * the arithmetic by hand and its result stand in test/dialects/fixtures/usage, a file per provider.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { mergeUsage, readUsage as readAnthropic } from "../../../src/dialects/anthropic/usage.ts";
import { readUsage as readBedrock } from "../../../src/dialects/bedrock/usage.ts";
import type { Usage } from "../../../src/dialects/usage-contract.ts";
import { readUsage as readGoogle } from "../../../src/dialects/google/usage.ts";
import type { JsonObject } from "../../../src/dialects/json.ts";
import { chatCodec } from "../../../src/dialects/openai/chat.ts";
import { exactNanoUsd } from "../../../src/gateway/prices/cost.ts";
import { testPrice } from "./support/price.ts";

type Case = {
  readonly name: string;
  /** Usage objects in the order in which they came. */
  readonly reports?: readonly (JsonObject | null)[];
  /** Whole chunks of a stream instead. */
  readonly chunks?: readonly JsonObject[];
  readonly usage: Usage | null;
  readonly arithmetic: string;
  readonly costNanoUsd: number | null;
};

type Fixture = {
  readonly about: string;
  readonly dialect: "openai" | "anthropic" | "google" | "bedrock";
  readonly price: Parameters<typeof testPrice>[0];
  readonly cases: readonly Case[];
};

const folder = `${import.meta.dir}/../../dialects/fixtures/usage`;
const encoder = new TextEncoder();

const readers: Readonly<Record<Fixture["dialect"], (one: Case) => Usage | null>> = {
  openai: ({ chunks, reports = [] }) =>
    streamed(chunks ?? reports.map((usage) => ({ choices: [], usage }))),
  anthropic: ({ reports = [] }) =>
    readAnthropic(reports.map((report) => report ?? {}).reduce(mergeUsage)),
  google: ({ reports = [] }) => readGoogle(reports.at(-1)),
  bedrock: ({ reports = [] }) => readBedrock(reports.at(-1)),
};

/** What the watch of a stream of these chunks says. */
function streamed(chunks: readonly JsonObject[]): Usage | null {
  const watch = chatCodec.watch({ usageAsked: true, choices: 1 });
  for (const chunk of chunks) watch.push(encoder.encode(`data: ${JSON.stringify(chunk)}\n\n`));
  return watch.usage();
}

/** What a plain answer with this usage says. */
function answered(usage: unknown): Usage | null | undefined {
  return chatCodec.usage(encoder.encode(JSON.stringify({ choices: [], usage })));
}

/** The sum that a text of the form `2 × 3 + 4 × 5 = 6 + 20` ends in. */
function sumOf(arithmetic: string): number {
  const sum = arithmetic.split(" = ").at(-1) ?? "";
  return sum
    .split(" + ")
    .map((part) => part.split(" × ").reduce((product, factor) => product * Number(factor), 1))
    .reduce((total, part) => total + part, 0);
}

const files = readdirSync(folder).filter((name) => name.endsWith(".json"));

test("there are fixtures of every style", () => {
  expect(files.toSorted()).toEqual([
    "anthropic.json",
    "bedrock.json",
    "deepseek.json",
    "google.json",
    "groq.json",
    "openai.json",
    "openrouter.json",
    "perplexity.json",
    "translated.json",
    "xai.json",
  ]);
});

for (const file of files) {
  const fixture: Fixture = await Bun.file(`${folder}/${file}`).json();
  const price = testPrice(fixture.price);
  describe(file, () => {
    for (const one of fixture.cases) {
      test(one.name, () => {
        const usage = readers[fixture.dialect](one);
        const costNanoUsd = usage === null ? null : exactNanoUsd(usage, price);
        expect({ usage, costNanoUsd }).toEqual({ usage: one.usage, costNanoUsd: one.costNanoUsd });
        if (one.costNanoUsd !== null && one.arithmetic !== "nothing") {
          expect(sumOf(one.arithmetic)).toBe(one.costNanoUsd);
        }
        if (fixture.dialect === "openai" && one.reports?.length === 1) {
          expect(answered(one.reports[0])).toEqual(usage);
        }
      });
    }
  });
}
