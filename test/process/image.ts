/**
 * As much of `docker build` as our Dockerfile uses, in a folder: each stage gets a folder that stands
 * for the root of its file system, COPY copies there, RUN runs there. What only matters to a running
 * container (environment, user, command, health check) is collected. An instruction that is not
 * known here is an error, so that nothing in the file goes untried.
 */
import { cpSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";

type Instruction = { readonly name: string; readonly rest: string };

export type Image = {
  readonly base: string;
  /** The folder that stands for `/`. */
  readonly root: string;
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly volumes: readonly string[];
  readonly ports: readonly string[];
  readonly command: readonly string[];
  readonly healthCheck: readonly string[];
  /** What came from the repository, not from another stage. */
  readonly copied: readonly string[];
};

type Stage = { -readonly [Member in keyof Image]: Image[Member] } & { readonly name: string };

export type Build = {
  readonly dockerfile: string;
  /** The folder whose files COPY takes. */
  readonly context: string;
  /** An empty folder for the stages. */
  readonly folder: string;
  /** Runs a shell command in a folder and throws when it fails. */
  readonly run: (command: string, cwd: string) => Promise<void>;
};

/** Builds every stage; the last one is the image. */
export async function buildImage(build: Build): Promise<readonly Image[]> {
  const stages: Stage[] = [];
  for (const { name, rest } of instructionsOf(build.dockerfile)) {
    if (name === "FROM") {
      stages.push(newStage(rest, join(build.folder, `stage-${stages.length}`)));
      continue;
    }
    const stage = stages.at(-1);
    if (stage === undefined) throw new Error(`${name} before FROM`);
    if (name === "COPY") copy(stage, rest, stages, build.context);
    else if (name === "RUN") await build.run(insideOf(stage, rest), insideOf(stage, stage.workdir));
    else configure(stage, name, rest);
  }
  return stages;
}

function instructionsOf(dockerfile: string): readonly Instruction[] {
  return dockerfile
    .replaceAll(/^\s*#.*\n/gm, "")
    .replaceAll(/\\\n\s*/g, "")
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => ({
      name: /^\S+/.exec(line)?.[0] ?? "",
      rest: line.replace(/^\S+\s*/, "").trim(),
    }));
}

function newStage(rest: string, root: string): Stage {
  const [base = "", , name = ""] = rest.split(/\s+/);
  mkdirSync(root, { recursive: true });
  const nothing: readonly string[] = [];
  const settings = { volumes: nothing, ports: nothing, command: nothing, healthCheck: nothing };
  return { base, name, root, workdir: "/", env: {}, user: "root", copied: nothing, ...settings };
}

/** Absolute paths of the image become paths below its root; its user becomes us. */
function insideOf(stage: Stage, text: string): string {
  return text
    .replaceAll(
      /(^|[\s=])(\/(?:app|data)\b)/g,
      (_, before, path) => `${before}${stage.root}${path}`,
    )
    .replaceAll(/\bbun:bun\b/g, '"$(id -u):$(id -g)"');
}

function copy(stage: Stage, rest: string, stages: readonly Stage[], context: string): void {
  const words = rest.split(/\s+/);
  const from = words[0]?.startsWith("--from=") === true ? words.shift()?.slice(7) : undefined;
  const target = words.pop() ?? "";
  const origin = from === undefined ? context : stages.find((one) => one.name === from)?.root;
  if (origin === undefined) throw new Error(`COPY from a stage that is not there: ${from}`);
  for (const source of words) {
    const name = target.endsWith("/") ? join(target, basename(source)) : target;
    // A folder is moved with its links as they are, or the copy would not be the tree that was made.
    cpSync(join(origin, source), join(stage.root, stage.workdir, name), {
      recursive: true,
      verbatimSymlinks: true,
    });
    if (from === undefined) stage.copied = [...stage.copied, source];
  }
}

function configure(stage: Stage, name: string, rest: string): void {
  switch (name) {
    case "WORKDIR":
      stage.workdir = rest;
      mkdirSync(join(stage.root, rest), { recursive: true });
      break;
    case "ENV":
      stage.env = {
        ...stage.env,
        ...Object.fromEntries(rest.split(/\s+/).map((pair) => pair.split("=", 2))),
      };
      break;
    case "USER":
      stage.user = rest;
      break;
    case "VOLUME":
      stage.volumes = [...stage.volumes, rest];
      break;
    case "EXPOSE":
      stage.ports = [...stage.ports, rest];
      break;
    case "CMD":
      stage.command = wordsOf(rest);
      break;
    case "HEALTHCHECK":
      stage.healthCheck = wordsOf(rest.slice(rest.indexOf("CMD") + 3));
      break;
    default:
      throw new Error(`the Dockerfile says ${name}, which this test does not know`);
  }
}

/** The exec form; the shell form would put a shell between the server and its signals. */
function wordsOf(json: string): readonly string[] {
  const words: unknown = JSON.parse(json);
  if (!Array.isArray(words)) throw new Error(`not in the exec form: ${json}`);
  return words.map(String);
}
