/**
 * The three ways to the same upstream that a run compares: directly, through the bare relay, and
 * through Tollgate with every control on. Each is a process of its own, on loopback, started in an
 * empty folder and with an environment that the caller's settings cannot bend.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { systemRandom } from "../src/base/random.ts";
import { type ChatWorkload, chatEndpoint, chatRequest } from "./chat-request.ts";
import { type Profile, upstreamModel, type WorkloadName } from "./profile.ts";
import { setUpTollgate } from "./setup-tollgate.ts";
import { environment, onCpus, type ProgramContext, projectRoot, startProgram } from "./programs.ts";

export type SubjectName = "direct" | "relay" | "tollgate";

/** As people read it. */
export const SUBJECT_LABELS: Record<SubjectName, string> = {
  direct: "direct",
  relay: "bare relay",
  tollgate: "Tollgate",
};

/** One way under measurement. */
export type Subject = {
  readonly name: SubjectName;
  readonly endpoint: URL;
  /** The process in the middle; undefined for the direct way, which has none. */
  readonly pid: number | undefined;
  /** The complete request of a workload, ready to be sent. */
  readonly request: (workload: WorkloadName) => Uint8Array;
};

/** Everything that runs. */
export type Subjects = {
  readonly all: readonly Subject[];
  readonly upstreamPid: number;
  /** From the start of Tollgate's process to its ready line. */
  readonly tollgateStartMs: number;
};

export type StartOptions = ProgramContext & { readonly profile: Profile };

/** Starts and configures everything; throws with the reason when something does not come up. */
export async function startSubjects(options: StartOptions): Promise<Subjects> {
  const { profile, signal } = options;
  const upstream = await startProgram(options, { name: "upstream", file: "upstream/main.ts" });
  const relay = await startProgram(options, {
    name: "relay",
    file: "relay.ts",
    args: ["--to", upstream.url.origin],
  });
  const modelOf = (workload: WorkloadName): string => upstreamModel(profile, workload);
  const startedAtMs = performance.now();
  const { adminToken, running } = await startTollgate(options);
  const tollgateStartMs = performance.now() - startedAtMs;
  const access = await setUpTollgate({
    gateway: running.url,
    adminToken,
    upstreamBase: `${upstream.url.origin}/v1`,
    upstreamModel: modelOf,
    signal,
  });
  const all: readonly Subject[] = [
    subject("direct", { url: upstream.url, pid: undefined, token: undefined, modelOf }),
    subject("relay", { url: relay.url, pid: relay.pid, token: undefined, modelOf }),
    subject("tollgate", {
      url: running.url,
      pid: running.pid,
      token: access.token,
      modelOf: access.model,
    }),
  ];
  return { all, upstreamPid: upstream.pid, tollgateStartMs };
}

/**
 * A Tollgate of its own on the folder's data directory, made if missing, and its admin token;
 * `cpus`: the only ones that it may run on, as taskset lists them.
 */
export async function startTollgate(options: ProgramContext, cpus?: string) {
  const adminToken = systemRandom.uuid() + systemRandom.uuid();
  const dataDir = join(options.folder, "data");
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const running = await options.processes.start(
    {
      name: "tollgate",
      command: onCpus([process.execPath, "--no-install", join(projectRoot, "src/main.ts")], cpus),
      env: {
        ...environment,
        TOLLGATE_HOST: "127.0.0.1",
        TOLLGATE_PORT: "0",
        TOLLGATE_DATA_DIR: dataDir,
        TOLLGATE_ADMIN_TOKEN: adminToken,
        TOLLGATE_DEMO: "off",
      },
      // Not the project's folder: a tollgate.yaml there would be read.
      cwd: options.folder,
      readyPattern: /Tollgate listening on (http:\/\/\S+)/,
    },
    options.signal,
  );
  return { adminToken, running };
}

type Way = {
  readonly url: URL;
  readonly pid: number | undefined;
  readonly token: string | undefined;
  readonly modelOf: (workload: WorkloadName) => string;
};

/** What a client asks for at most: close to the answer when it is short, more than it when long. */
const tokensMax = { plain: 64, stream: 1_000 } as const;

function subject(name: SubjectName, way: Way): Subject {
  const endpoint = chatEndpoint(way.url);
  const requests = new Map<WorkloadName, Uint8Array>();
  return {
    name,
    endpoint,
    pid: way.pid,
    request: (workload) => {
      const model = way.modelOf(workload);
      const stream = workload !== "plain";
      const bound = stream ? tokensMax.stream : tokensMax.plain;
      const shape: ChatWorkload = { model, stream, tokensMax: bound };
      const known = requests.get(workload);
      const request = known ?? chatRequest({ endpoint, token: way.token }, shape);
      requests.set(workload, request);
      return request;
    },
  };
}

/** The subjects in another order each round, so that none always runs first or after the same. */
export function inTurn<T>(all: readonly T[], round: number): readonly T[] {
  const from = round % Math.max(1, all.length);
  return [...all.slice(from), ...all.slice(0, from)];
}
