/** What a command line means, and that nothing in it is silently ignored. */
import { describe, expect, test } from "bun:test";
import { parseBenchOptions } from "../../bench/options.ts";

const noFiles = { jsonPath: undefined, plotPath: undefined };
const required = ["--target", "http://localhost:8080", "--token", "sk-tg-x"];

const target = {
  name: "target",
  url: new URL("http://localhost:8080"),
  token: "sk-tg-x",
  model: "sim-small",
} as const;

const defaults = {
  kind: "target",
  ways: [target],
  load: { kind: "closed", clients: 1 },
  durationMs: 10_000,
  stream: false,
  tokensMax: 256,
  ...noFiles,
} as const;

function read(...args: readonly string[]): unknown {
  const reading = parseBenchOptions(args);
  return reading.kind === "options" ? reading.options : reading;
}

function complaint(...args: readonly string[]): string {
  const reading = parseBenchOptions(args);
  return reading.kind === "misuse" ? reading.complaint : reading.kind;
}

describe("the bench's options", () => {
  test("without a target ask for the whole run", () => {
    expect(read()).toEqual({ kind: "suite", quick: false, ...noFiles });
    expect(read("--quick", "--json", "a.json", "--plot", "b.html")).toEqual({
      kind: "suite",
      quick: true,
      jsonPath: "a.json",
      plotPath: "b.html",
    });
    expect(read("--help")).toEqual({ kind: "help" });
  });

  test("with a target measure one client for ten seconds unless told otherwise", () => {
    expect(read(...required)).toEqual(defaults);
  });

  test("take a rate with its gaps, a duration and streams", () => {
    const args = ["--rate", "250", "--gaps", "exponential", "--duration", "2.5", "--stream"];
    expect(read(...required, ...args, "--max-tokens", "9")).toEqual({
      ...defaults,
      load: { kind: "open", ratePerSecond: 250, gaps: "exponential", inFlightMax: 4_000 },
      durationMs: 2_500,
      stream: true,
      tokensMax: 9,
    });
  });

  test("never send the target's access token to the direct way", () => {
    const direct = ["--direct", "https://api.example.com/v1", "--model", "m"];
    expect(read(...required, ...direct)).toEqual({
      ...defaults,
      ways: [
        { ...target, model: "m" },
        { name: "direct", url: new URL(direct[1] ?? ""), token: undefined, model: "m" },
      ],
    });
    expect(read(...required, ...direct, "--direct-token", "k", "--direct-model", "n")).toEqual({
      ...defaults,
      ways: [
        { ...target, model: "m" },
        { name: "direct", url: new URL(direct[1] ?? ""), token: "k", model: "n" },
      ],
    });
  });

  test("say what is wrong, with the nearest known flag", () => {
    expect(complaint("--targt", "x")).toBe(
      "unknown flag --targt; the nearest known one is --target",
    );
    expect(complaint("--rate", "5")).toBe("--rate needs --target");
    expect(complaint("--target", "http://x")).toBe("--target needs --token");
    expect(complaint("--target", "localhost:8080", "--token", "t")).toBe(
      "--target must be an http or https address",
    );
    expect(complaint(...required, "--rate", "5", "--concurrency", "2")).toBe(
      "--rate and --concurrency exclude each other",
    );
    expect(complaint(...required, "--gaps", "constant")).toBe("--gaps needs --rate");
    expect(complaint(...required, "--rate", "5", "--gaps", "even")).toBe(
      "--gaps must be constant or exponential",
    );
    expect(complaint(...required, "--concurrency", "2.5")).toBe(
      "--concurrency must be a whole number",
    );
    expect(complaint(...required, "--duration", "soon")).toBe(
      "--duration must be a number from 0.1 to 3600",
    );
    expect(complaint(...required, "--direct-token", "k")).toBe(
      "--direct-token and --direct-model need --direct",
    );
    expect(complaint(...required, "--quick")).toBe("--quick is for a run without --target");
    expect(complaint("--plot", "x.png")).toBe("--plot must name a file that ends in .svg or .html");
    expect(complaint("stray")).toContain("stray");
    expect(complaint(...required, "--rate")).toContain("--rate");
  });
});
