/**
 * Everything a script may say: one table that is the grammar, the type and the help text at once,
 * so none of the three can fall behind the others. Members keep the names they have on the wire.
 */

import { assertNever } from "../../src/base/assert.ts";

type MemberGroup = "answer" | "usage" | "time" | "bytes" | "fault";

/** What a member may be set to, where it belongs in the help text, and its line there. */
export type Member = { readonly group: MemberGroup; readonly help: string } & (
  | { readonly kind: "whole"; readonly min: number; readonly max: number }
  | { readonly kind: "flag" }
  | { readonly kind: "text" }
  | { readonly kind: "value" }
  | { readonly kind: "header" }
  | { readonly kind: "choice"; readonly of: readonly string[] }
);

// Bounds of a script's numbers: generous, but none may overflow or wait for ever.
const dayMs = 86_400_000;
const bytesMax = 1_073_741_824;
const tokensMax = 100_000_000;

function whole<const G extends MemberGroup>(group: G, min: number, max: number, help: string) {
  return { kind: "whole", group, min, max, help } as const;
}

function flag<const G extends MemberGroup>(group: G, help: string) {
  return { kind: "flag", group, help } as const;
}

function text<const G extends MemberGroup>(group: G, help: string) {
  return { kind: "text", group, help } as const;
}

/** The grammar. The order is that of the help text. */
export const SCRIPT_MEMBERS = {
  tokens: whole(
    "answer",
    0,
    tokensMax,
    "model tokens to answer with, cut by the request's own maximum",
  ),
  ignore_max_tokens: flag("answer", "write all tokens, past the request's own maximum"),
  token_bytes: whole("answer", 1, 1_048_576, "UTF-8 bytes of one token's text"),
  unicode: flag("answer", "text with characters of two, three and four bytes"),
  echo: flag("answer", "text is `sha256:HEX bytes:N` of the request body received"),
  tool: text("answer", "call a tool: 1 for the first one offered, or its name"),
  parallel_tools: whole(
    "answer",
    1,
    32,
    "number of tool calls in one answer, over the tools in turn",
  ),
  refusal: flag("answer", "refuse: `refusal` instead of `content`"),
  content_filter: flag("answer", "finish_reason `content_filter`"),
  answer_model: text("answer", "the `model` that the answer names"),
  fingerprint: text("answer", "the `system_fingerprint` that the answer names"),
  status: whole(
    "answer",
    200,
    599,
    "HTTP status; from 300 on with an error body unless `body` is given",
  ),
  body: text("answer", "exact body to answer with"),
  header: {
    kind: "header",
    group: "answer",
    help: "response header `name:value`; may be repeated",
  },
  retry_after: { kind: "value", group: "answer", help: "the `retry-after` header" },
  content_encoding: {
    kind: "choice",
    of: ["gzip"],
    group: "answer",
    help: "compress, when the client accepts it",
  },

  prompt_tokens: whole("usage", 0, tokensMax, "reported prompt tokens"),
  completion_tokens: whole("usage", 0, tokensMax, "reported completion tokens"),
  total_tokens: whole("usage", 0, tokensMax, "reported total tokens"),
  cached_tokens: whole("usage", 0, tokensMax, "reported cached prompt tokens"),
  reasoning_tokens: whole(
    "usage",
    0,
    tokensMax,
    "reported reasoning tokens, added to the completion",
  ),
  omit_usage: flag("usage", "report no usage"),
  usage_twice: flag("usage", "send the usage chunk of a stream twice"),
  refuse_stream_options: flag("usage", "answer 400 to a request with `stream_options`"),

  delay_ms: whole("time", 0, dayMs, "short for headers_delay_ms"),
  headers_delay_ms: whole("time", 0, dayMs, "wait before the response headers"),
  first_token_delay_ms: whole("time", 0, dayMs, "wait between the headers and the first token"),
  comment_every_ms: whole("time", 1, dayMs, "stream: a comment this often until the first token"),
  token_delay_ms: whole("time", 0, dayMs, "wait between two tokens"),

  split_at: whole("bytes", 1, bytesMax, "two network writes, parted after this byte of the body"),
  split_every: whole("bytes", 1, bytesMax, "network writes of this many bytes"),
  split_pause_ms: whole("bytes", 0, dayMs, "pause between the writes (5; with split_every 0)"),

  cut_at: whole(
    "fault",
    0,
    bytesMax,
    "drop the connection after exactly this many bytes of the body",
  ),
  stall_after: whole(
    "fault",
    0,
    tokensMax,
    "silence after this many tokens (bytes, if not a stream)",
  ),
  error_after: whole(
    "fault",
    0,
    tokensMax,
    "stream: an error event after this many tokens, then the end",
  ),
  omit_done: flag("fault", "stream: no `data: [DONE]`"),
  garbage: flag("fault", "a body that cannot be decoded"),
  connection_reset: flag("fault", "drop the connection before the first byte"),
  hang: flag("fault", "never answer"),
  fail_times: whole(
    "fault",
    1,
    tokensMax,
    "only the first K requests fail (status 500 if no fault is named)",
  ),
  key: text("fault", "what fail_times counts by (the model)"),
  only_credential: text("fault", "only requests with this bearer credential meet the fault"),
} as const satisfies Record<string, Member>;

/** The type a member's value has once it was read. */
type ValueOf<M> = M extends { kind: "whole" }
  ? number
  : M extends { kind: "flag" }
    ? boolean
    : M extends { kind: "header" }
      ? readonly (readonly [name: string, value: string])[]
      : M extends { kind: "choice"; of: readonly (infer Choice)[] }
        ? Choice
        : string;

/** What one request asked the simulated provider to do; an absent member asks for nothing. */
export type Script = {
  readonly [Name in keyof typeof SCRIPT_MEMBERS]?: ValueOf<(typeof SCRIPT_MEMBERS)[Name]>;
};

const groupTitles: Record<MemberGroup, string> = {
  answer: "What is answered",
  usage: "What is reported as used",
  time: "When (milliseconds; an answer that is no stream waits for all its tokens)",
  bytes: "How the bytes leave (counted in the body as sent, without chunk framing)",
  fault: "What goes wrong",
};

/** How a member is written, for the help text. */
function formOf(name: string, member: Member): string {
  switch (member.kind) {
    case "whole":
      return `${name}=N`;
    case "flag":
      return `${name}=1`;
    case "header":
      return `${name}=NAME:VALUE`;
    case "choice":
      return `${name}=${member.of.join("|")}`;
    case "text":
    case "value":
      return `${name}=TEXT`;
    default:
      return assertNever(member);
  }
}

/** The members by group, one line each. */
function describeMembers(): string {
  const members = Object.entries<Member>(SCRIPT_MEMBERS);
  const groups = Object.entries(groupTitles).map(([group, title]) => {
    const lines = members
      .filter(([, member]) => member.group === group)
      .map(([name, member]) => `  ${formOf(name, member).padEnd(26)}${member.help}`);
    return [`${title}:`, ...lines].join("\n");
  });
  return groups.join("\n\n");
}

/** The help text of the script grammar, as `tollgate simulator --help` prints it. */
export const SCRIPT_GRAMMAR = `A script tells the simulated provider how to answer one request. It is a list of members
joined by \`&\`, values percent-encoded: tokens=20&token_delay_ms=50&cut_at=300

It travels after a \`?\` in the model name ("model": "sim-small?tokens=20"), or in the request
header \`x-sim-script\`; where both name a member, the header wins. Flags are 1 or 0. An unknown
member is answered with 400. Models: sim-small (16 tokens), sim-large (256 tokens), sim-slow (48
tokens, one every 40 ms), sim-embed; any name that does not begin with \`sim-\` answers as sim-small.

${describeMembers()}

The truth is kept under GET /sim/stats, GET /sim/requests?limit&cursor, POST /sim/reset, and
POST /sim/record {"keep_bodies": true}.
`;
