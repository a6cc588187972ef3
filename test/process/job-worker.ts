/**
 * A provider that works on batches and background responses in its own time, and remembers what each of them
 * used: the truth that a ledger is compared with.
 */
import {
  startRecordedUpstream,
  type Recorded,
  type Seen,
} from "../conformance/recorded-upstream.ts";
import type { Dice } from "./load.ts";

type Used = { readonly input: number; readonly output: number };

/** One job that was begun here. */
export type Work = {
  readonly id: string;
  readonly kind: "batches" | "responses";
  readonly model: string;
  /** Of each of its answers. */
  usages: readonly Used[];
  endsAtMs: number;
};

export type Worker = {
  readonly url: string;
  readonly works: readonly Work[];
  readonly requests: () => number;
  /** Whatever is under way ends now. */
  readonly endAll: () => void;
  readonly stop: () => Promise<void>;
};

const WORK_MS_MAX = 4_000;
/** Of each line, and no longer than the limits that clients set. */
const OUTPUT_TOKENS_MAX = 64;

export async function startWorker(chance: Dice): Promise<Worker> {
  const upstream = await startRecordedUpstream();
  const works: Work[] = [];
  const files: { readonly model: string; readonly lines: number }[] = [];
  const begin = (kind: Work["kind"], model: string, lines: number): Recorded => {
    const usages = Array.from({ length: lines }, () => {
      return { input: 1 + chance.whole(30), output: 1 + chance.whole(OUTPUT_TOKENS_MAX) };
    });
    const id = `${kind === "batches" ? "batch" : "resp"}_${works.length}`;
    const work = { id, kind, model, usages, endsAtMs: Date.now() + chance.whole(WORK_MS_MAX) };
    works.push(work);
    return shown(work);
  };
  const answered = ({ method, path, body }: Seen): Recorded => {
    const [, , noun = "", id = "", what] = path.split("/");
    if (noun === "files" && method === "GET") return content(works[numberIn(id)]);
    const text = new TextDecoder().decode(body);
    if (id !== "") {
      const work = works[numberIn(id)];
      if (what === "cancel" && work !== undefined) cancel(work);
      return shown(work);
    }
    if (noun === "files") {
      const models = [...text.matchAll(/"model":"([^"]+)"/g)].map(([, model = ""]) => model);
      files.push({ model: models[0] ?? "", lines: models.length });
      return { pieces: [JSON.stringify({ id: `file_${files.length - 1}`, object: "file" })] };
    }
    const asked = JSON.parse(text);
    if (noun === "responses") return begin("responses", asked.model, 1);
    const file = files[numberIn(asked.input_file_id)];
    return file === undefined ? NOT_FOUND : begin("batches", file.model, file.lines);
  };
  let requests = 0;
  upstream.answer((seen) => {
    requests += 1;
    return answered(seen);
  });
  return {
    url: upstream.url,
    works,
    requests: () => requests,
    endAll: () => {
      for (const work of works) work.endsAtMs = 0;
    },
    stop: upstream.stop,
  };
}

const NOT_FOUND: Recorded = { status: 404, pieces: ['{"error":{"message":"No such thing"}}'] };

function numberIn(id: unknown): number {
  return Number(String(id).split("_").at(-1));
}

function isOver({ endsAtMs }: Work): boolean {
  return Date.now() >= endsAtMs;
}

/** What is answered so far stays so. */
function cancel(work: Work): void {
  if (isOver(work)) return;
  work.usages = work.kind === "batches" ? work.usages.slice(1) : work.usages;
  work.endsAtMs = 0;
}

function shown(work: Work | undefined): Recorded {
  if (work === undefined) return NOT_FOUND;
  const { id, kind, model, usages } = work;
  const over = isOver(work);
  if (kind === "batches") {
    const output_file_id = over && usages.length > 0 ? `file_of_${id}` : null;
    const counts = { total: usages.length, completed: over ? usages.length : 0, failed: 0 };
    const status = over ? "completed" : "in_progress";
    return json({ id, object: "batch", status, output_file_id, request_counts: counts });
  }
  const [used] = usages;
  const usage = used === undefined || !over ? null : usageOf("input_tokens", "output_tokens", used);
  const status = over ? "completed" : "in_progress";
  return json({ id, object: "response", status, background: true, model, output: [], usage });
}

function content(work: Work | undefined): Recorded {
  if (work === undefined) return NOT_FOUND;
  return {
    pieces: work.usages.map((used, place) => {
      const usage = usageOf("prompt_tokens", "completion_tokens", used);
      const body = { id: "chatcmpl-1", object: "chat.completion", choices: [], usage };
      const response = { status_code: 200, request_id: "r", body };
      return `${JSON.stringify({ custom_id: `${place}`, response, error: null })}\n`;
    }),
  };
}

function usageOf(inputName: string, outputName: string, { input, output }: Used): object {
  return { [inputName]: input, [outputName]: output, total_tokens: input + output };
}

function json(value: object): Recorded {
  return { pieces: [JSON.stringify(value)] };
}
