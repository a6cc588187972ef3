/** The commands that are small enough to run here: the simulator and the way to the bench. */
import { describe, expect, test } from "bun:test";
import { bench } from "../../src/cli/commands/bench.ts";
import { simulate } from "../../src/cli/commands/simulator.ts";
import { createTerminal, type Terminal } from "../../src/cli/terminal.ts";

type Recording = {
  readonly terminal: Terminal;
  readonly out: () => string;
  readonly err: () => string;
  /** Resolves with the first text that is written to the output. */
  readonly written: Promise<string>;
};

function record(): Recording {
  let out = "";
  let err = "";
  const { promise: written, resolve } = Promise.withResolvers<string>();
  const terminal = createTerminal(
    {
      write: (text) => {
        out += text;
        resolve(text);
      },
    },
    { write: (text) => (err += text) },
    false,
  );
  return { terminal, out: () => out, err: () => err, written };
}

const anyPort = { host: "127.0.0.1", port: 0, script: "" };

describe("the simulator command", () => {
  test("serves until it is told to end, and then its port is free", async () => {
    const { terminal, written, err } = record();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    const exit = simulate({ ...anyPort, script: "status=418" }, terminal, ended);
    const line = await written;
    const url = /^Simulated provider listening on (http:\/\/127\.0\.0\.1:\d+)\n$/.exec(line)?.[1];
    expect(url).toBeString();
    const chat = await fetch(`${url}/v1/chat/completions`, {
      method: "POST",
      body: JSON.stringify({ model: "sim-small", messages: [{ role: "user", content: "hi" }] }),
    });
    expect(chat.status).toBe(418);
    end();
    expect([await exit, err()]).toEqual([0, ""]);
    const afterwards = await fetch(`${url}/v1/models`).catch(() => "refused");
    expect(afterwards).toBe("refused");
  });

  test("fails with 1 and the reason when its port is taken or its script is wrong", async () => {
    const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    try {
      const { terminal, out, err } = record();
      const port = taken.port ?? 0;
      const never = new Promise<void>(() => {});
      expect(await simulate({ ...anyPort, port }, terminal, never)).toBe(1);
      expect(await simulate({ ...anyPort, script: "tokns=1" }, terminal, never)).toBe(1);
      const [first, second] = err().split("\n");
      expect([out(), first]).toEqual([
        "",
        `error: the simulator cannot start: Failed to start server. Is port ${port} in use?`,
      ]);
      expect(second).toStartWith("error: the simulator cannot start: ");
      expect(second).toContain("tokns");
    } finally {
      await taken.stop(true);
    }
  });
});

describe("the bench command", () => {
  test("hands its arguments on and answers with the bench's exit code", async () => {
    const [help, misuse] = [record(), record()];
    expect([
      await bench(["--help"], help.terminal),
      await bench(["--targt", "x"], misuse.terminal),
    ]).toEqual([0, 2]);
    expect(help.out()).toContain("--target URL");
    expect([misuse.out(), misuse.err().includes("--targt")]).toEqual(["", true]);
  });
});
