/** Flags, variables, file and defaults become one Config; every complaint is asserted as a whole. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Config, type ConfigSources, loadConfig } from "../../src/config/config.ts";
import { takeEnvironment } from "../../src/config/environment.ts";
import {
  flagOf,
  isSettingName,
  SETTING_NAMES,
  SETTINGS,
  variableOf,
} from "../../src/config/settings.ts";

const adminToken = "tg-admin-Vq8mZ2rT5kWn1pXs7dLc4hGy";
const keyText = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=";
const keyBytes = new Uint8Array(Buffer.from(keyText, "base64"));

let cwd = "";
beforeAll(() => {
  cwd = mkdtempSync(join(tmpdir(), "tollgate-config-"));
});
afterAll(() => {
  rmSync(cwd, { recursive: true, force: true });
});

function sources(more: Partial<ConfigSources> = {}): ConfigSources {
  return { flags: {}, environment: {}, cwd, isTerminal: false, ...more };
}

function defaults(): Config {
  return {
    host: "127.0.0.1",
    port: 8080,
    dataDir: join(cwd, "data"),
    adminToken: null,
    encryptionKey: null,
    configPath: null,
    demo: "auto",
    logLevel: "info",
    logFormat: "json",
    production: false,
  };
}

function problemsOf(more: Partial<ConfigSources>): readonly string[] {
  const reading = loadConfig(sources(more));
  return reading.ok ? [] : reading.problems;
}

function withFile<T>(text: string, run: () => T): T {
  const path = join(cwd, "tollgate.yaml");
  writeFileSync(path, text);
  try {
    return run();
  } finally {
    rmSync(path);
  }
}

function formatOnTerminal(flags: ConfigSources["flags"]): unknown {
  const reading = loadConfig(sources({ isTerminal: true, flags }));
  return reading.ok ? reading.config.logFormat : reading.problems;
}

describe("what a Config is made of", () => {
  test("nothing given gives the defaults, frozen", () => {
    const reading = loadConfig(sources());
    expect(reading).toEqual({ ok: true, config: defaults() });
    expect(reading.ok && Object.isFrozen(reading.config)).toBe(true);
  });

  test("on a terminal the log is pretty unless something else is asked for", () => {
    expect([formatOnTerminal({}), formatOnTerminal({ log_format: "json" })]).toEqual([
      "pretty",
      "json",
    ]);
  });

  test("every setting can be given as a flag", () => {
    const file = join(cwd, "other.yaml");
    writeFileSync(file, "");
    const flags = {
      host: "[::1]",
      port: "0",
      data_dir: "/srv/tollgate",
      admin_token: adminToken,
      encryption_key: keyText,
      config: "other.yaml",
      demo: "off",
      log_level: "debug",
      log_format: "pretty",
      database_url: "embedded",
      redis_url: "none",
      workers: "1",
    };
    expect(Object.keys(flags).sort()).toEqual([...SETTING_NAMES].sort());
    expect(loadConfig(sources({ flags }))).toEqual({
      ok: true,
      config: {
        host: "::1",
        port: 0,
        dataDir: "/srv/tollgate",
        adminToken,
        encryptionKey: keyBytes,
        configPath: file,
        demo: "off",
        logLevel: "debug",
        logFormat: "pretty",
        production: false,
      },
    });
  });

  test("NODE_ENV=production is production, anything else is not", () => {
    const productions = ["production", "development", ""].map((value) => {
      const reading = loadConfig(sources({ environment: { NODE_ENV: value } }));
      return reading.ok && reading.config.production;
    });
    expect(productions).toEqual([true, false, false]);
  });

  test("a flag wins over a variable, a variable over the file, the file over the default", () => {
    const rows = withFile("port: 3\nhost: c.test\nlog_level: warn\n", () =>
      [
        sources({ flags: { port: "1" }, environment: { TOLLGATE_PORT: "2" } }),
        sources({ environment: { TOLLGATE_PORT: "2" } }),
        sources(),
      ].map((given) => {
        const reading = loadConfig(given);
        return reading.ok ? [reading.config.port, reading.config.host] : reading.problems;
      }),
    );
    expect(rows).toEqual([
      [1, "c.test"],
      [2, "c.test"],
      [3, "c.test"],
    ]);
  });

  test("the file of the flag is read instead of the one of the variable or the default", () => {
    writeFileSync(join(cwd, "flag.yaml"), "port: 11\n");
    writeFileSync(join(cwd, "variable.yaml"), "port: 12\n");
    const environment = { TOLLGATE_CONFIG: "variable.yaml" };
    const ports = withFile("port: 13\n", () =>
      [
        sources({ flags: { config: "flag.yaml" }, environment }),
        sources({ environment }),
        sources(),
      ].map((given) => {
        const reading = loadConfig(given);
        return reading.ok ? [reading.config.port, reading.config.configPath] : reading.problems;
      }),
    );
    expect(ports).toEqual([
      [11, join(cwd, "flag.yaml")],
      [12, join(cwd, "variable.yaml")],
      [13, join(cwd, "tollgate.yaml")],
    ]);
  });

  test("the file takes a token of digits as it was typed", () => {
    const digits = "80174620953817462950381746295038";
    const reading = withFile(`admin_token: ${digits}\nport: "0"\ndemo: off\n`, () =>
      loadConfig(sources()),
    );
    expect(reading).toEqual({
      ok: true,
      config: {
        ...defaults(),
        adminToken: digits,
        port: 0,
        demo: "off",
        configPath: join(cwd, "tollgate.yaml"),
      },
    });
  });
});

describe("what is complained about", () => {
  const rows: readonly (readonly [name: string, value: string, complaint: string])[] = [
    ["port", "abc", 'must be a whole number from 0 to 65535, not "abc"'],
    ["port", "65536", 'must be a whole number from 0 to 65535, not "65536"'],
    ["port", "-1", 'must be a whole number from 0 to 65535, not "-1"'],
    ["port", "80.0", 'must be a whole number from 0 to 65535, not "80.0"'],
    ["port", " 80", 'must be a whole number from 0 to 65535, not " 80"'],
    ["port", "", "is empty; leave it out"],
    ["host", "http://x", 'must be a host name or an IP address without a port, not "http://x"'],
    ["host", "x:80", 'must be a host name or an IP address without a port, not "x:80"'],
    ["data_dir", "a\0b", "must be a path"],
    ["demo", "on", 'must be auto or off, not "on"'],
    ["log_level", "trace", 'must be debug or info or warn or error, not "trace"'],
    ["log_format", "xml", 'must be json or pretty, not "xml"'],
    ["admin_token", "short-secret", "must have at least 32 characters, not 12"],
    ["admin_token", `${adminToken} x`, "must be printable ASCII without spaces"],
    ...[
      "tg-admin-CHANGE-ME-Vq8mZ2rT5kWn1pXs",
      "your-admin-token-Vq8mZ2rT5kWn1pXs7d",
      "0123456789abcdef0123456789abcdef",
      "abcdefghijklmnopqrstuvwxyz012345",
      "k3v9x2m7k3v9x2m7k3v9x2m7k3v9x2m7",
      "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    ].map(
      (sample) =>
        [
          "admin_token",
          sample,
          "is a sample value; make your own, for example with `openssl rand -hex 32`",
        ] as const,
    ),
    ...["c2hvcnQ=", `${keyText}AAAA`, "not base64!", `${keyText.slice(0, 42)}==`].map(
      (text) =>
        [
          "encryption_key",
          text,
          "must be 32 bytes in base64, as `openssl rand -base64 32` prints them",
        ] as const,
    ),
    [
      "encryption_key",
      "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
      "is a sample value; make your own with `openssl rand -base64 32`",
    ],
    [
      "database_url",
      "postgres://user:hidden@db/tollgate",
      "asks for a shared database, which this version cannot use yet; leave it out or say `embedded`",
    ],
    [
      "redis_url",
      "redis://:hidden@cache",
      "asks for Redis, which this version cannot use yet; leave it out or say `none`",
    ],
    ["workers", "0", 'must be a whole number from 1, not "0"'],
    ["workers", "4", "asks for 4 processes, but this version runs one; leave it out or say 1"],
  ];

  for (const [name, value, complaint] of rows) {
    test(`${name} ${JSON.stringify(value.slice(0, 24))}: ${complaint}`, () => {
      if (!isSettingName(name)) throw new Error(`${name} is no setting`);
      const place = flagOf(name);
      const variable = variableOf(name);
      expect(problemsOf({ flags: { [name]: value } })).toEqual([`${place} ${complaint}`]);
      expect(problemsOf({ environment: { [variable]: value } })).toEqual([
        `${variable} ${complaint}`,
      ]);
      if (value === "" || value.includes("\0")) return;
      const inFile = withFile(`# first\n${name}: ${JSON.stringify(value)}\n`, () => problemsOf({}));
      expect(inFile).toEqual([`tollgate.yaml:2:1: ${name} ${complaint}`]);
    });
  }

  test("a secret is repeated in no complaint", () => {
    const secrets = SETTING_NAMES.filter((name) => SETTINGS[name].secret);
    for (const name of secrets) {
      expect(problemsOf({ flags: { [name]: "canary-5f1c" } }).join()).not.toContain("canary");
    }
    expect(secrets).toEqual(["admin_token", "encryption_key", "database_url", "redis_url"]);
  });

  test("unknown variables are named with the nearest known one, other programs' are not ours", () => {
    const environment = { TOLLGATE_PROT: "1", TOLLGATE_LOGLEVEL: "info", PATH: "/bin", HOME: "/" };
    expect(problemsOf({ environment })).toEqual([
      "unknown variable TOLLGATE_PROT; the nearest known one is TOLLGATE_PORT",
      "unknown variable TOLLGATE_LOGLEVEL; the nearest known one is TOLLGATE_LOG_LEVEL",
    ]);
  });

  test("everything wrong is said at once", () => {
    const problems = withFile("hots: x\nport: 99999\n", () =>
      problemsOf({ flags: { demo: "x" }, environment: { TOLLGATE_X: "1", TOLLGATE_HOST: "" } }),
    );
    expect(problems).toEqual([
      "unknown variable TOLLGATE_X; the nearest known one is TOLLGATE_HOST",
      "tollgate.yaml:1:1: unknown member hots; the nearest known one is host",
      "TOLLGATE_HOST is empty; leave it out",
      'tollgate.yaml:2:1: port must be a whole number from 0 to 65535, not "99999"',
      '--demo must be auto or off, not "x"',
    ]);
  });

  test("a named file that is missing, a directory or empty-named is an error", () => {
    expect([
      problemsOf({ flags: { config: "missing.yaml" } }),
      problemsOf({ environment: { TOLLGATE_CONFIG: "." } }),
      problemsOf({ flags: { config: "" } }),
    ]).toEqual([
      ["missing.yaml cannot be read: no such file"],
      [". cannot be read: it is a directory"],
      ["--config is empty; leave it out"],
    ]);
  });
});

describe("the environment", () => {
  test("is copied for our names only, and gives up its secrets", () => {
    const from: Record<string, string | undefined> = {
      TOLLGATE_PORT: "1",
      TOLLGATE_ADMIN_TOKEN: adminToken,
      TOLLGATE_ENCRYPTION_KEY: keyText,
      TOLLGATE_PROVIDER_CREDENTIAL: "sk-provider",
      TOLLGATE_PROT: "2",
      NODE_ENV: "production",
      NO_COLOR: "1",
      PATH: "/bin",
      UNSET: undefined,
    };
    expect(takeEnvironment(from)).toEqual({
      TOLLGATE_PORT: "1",
      TOLLGATE_ADMIN_TOKEN: adminToken,
      TOLLGATE_ENCRYPTION_KEY: keyText,
      TOLLGATE_PROVIDER_CREDENTIAL: "sk-provider",
      TOLLGATE_PROT: "2",
      NODE_ENV: "production",
      NO_COLOR: "1",
    });
    expect(from).toEqual({
      TOLLGATE_PORT: "1",
      TOLLGATE_PROT: "2",
      NODE_ENV: "production",
      NO_COLOR: "1",
      PATH: "/bin",
      UNSET: undefined,
    });
  });
});
