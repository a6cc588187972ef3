/**
 * What a simulated provider says and charges: how long its answers are, what it reports of them, and
 * how they look on the wire. Arithmetic and text; when things happen is in `upstream.ts`.
 */
import { RATES } from "./town.ts";
import type { Script } from "./plan.ts";
import type { CallFacts, ModelName } from "./oracle-types.ts";
import type { Wire } from "./wire.ts";

/** A request as a provider reads it. */
export type Body = {
  readonly model: ModelName;
  /** The number of the exchange: nobody between us cares for it. */
  readonly seed: number;
  readonly messages: readonly { readonly content: string; readonly prefix?: boolean }[];
  readonly stream?: boolean;
  readonly n?: number;
  readonly max_tokens?: number;
  readonly max_completion_tokens?: number;
  readonly stream_options?: { readonly include_usage?: boolean };
};

/** One call at work. */
export type Job = {
  readonly facts: CallFacts;
  readonly script: Script;
  readonly body: Body;
  readonly wire: Wire;
  /** Tokens it will generate when nothing stops it, over all choices. */
  readonly goal: number;
  /** In so many events; each holds a token at least. */
  readonly pieces: number;
};

/** What a chat costs beyond its text. */
const OVERHEAD_TOKENS = 8;

/** Tokens of a request: four bytes of text each, and what every chat has beside it. */
export function inputSizeOf({ messages }: Body): number {
  const bytes = messages.reduce((sum, { content }) => sum + content.length, 0);
  return OVERHEAD_TOKENS + Math.ceil(bytes / 4);
}

/** What an honest provider generates: no more than it was asked for, for each choice. */
export function goalOf(body: Body, script: Script): number {
  const cap = Math.max(body.max_tokens ?? 0, body.max_completion_tokens ?? 0);
  const most = RATES[body.model].outputMax ?? Number.POSITIVE_INFINITY;
  const each = Math.min(script.outputTokens, cap === 0 ? most : Math.min(cap, most));
  return each * (body.n ?? 1);
}

export function shareOf(goal: number, pieces: number, done: number): number {
  return Math.floor((goal * (done + 1)) / pieces) - Math.floor((goal * done) / pieces);
}

export function reportOf({ facts, script, goal }: Job): NonNullable<CallFacts["reported"]> | null {
  const factor = script.kind === "usage_above" ? 3 : script.kind === "usage_below" ? 0.4 : 1;
  if (script.kind === "no_usage") return null;
  const input = Math.round(facts.inputSize * factor);
  return {
    input,
    output: Math.round(goal * factor),
    cached: Math.min(input, facts.cachedTokens),
  };
}

export function usageOf(job: Job): object | undefined {
  const report = reportOf(job);
  if (report === null) return undefined;
  return {
    prompt_tokens: report.input,
    completion_tokens: report.output,
    total_tokens: report.input + report.output,
    prompt_tokens_details: { cached_tokens: report.cached },
  };
}

export function plainBody(job: Job): string {
  const usage = usageOf(job);
  const content = textOf(job.goal);
  const choices = [{ index: 0, message: { role: "assistant", content }, finish_reason: "stop" }];
  return JSON.stringify({ id: "c", object: "chat.completion", choices, ...(usage && { usage }) });
}

/** Four bytes a token. */
function textOf(tokens: number): string {
  return "abc ".repeat(tokens);
}

export function contentEvent(tokens: number): string {
  return event({ choices: [{ index: 0, delta: { content: textOf(tokens) } }] });
}

export function event(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`;
}

export function headersOf({ retryAfterS }: Script): Record<string, string> {
  return {
    "content-type": "application/json",
    ...(retryAfterS === null ? {} : { "retry-after": String(retryAfterS) }),
  };
}

export function refused(): Error {
  return Object.assign(new Error("connection refused"), { code: "ConnectionRefused" });
}
