/** What the requests of a batch can cost together, summed up one by one. */
import { LIMITS } from "../../../base/limits.ts";
import type { ClientRequest } from "../../contract.ts";
import type { TokenKindApart } from "../../usage-contract.ts";
import type { BatchBounds } from "../../job-contract.ts";
import { type Refused, wrong } from "../../json-body.ts";
import type { Surface } from "../../surfaces.ts";
import { TOOLS_MAX } from "../extras.ts";

/** No model writes more in one answer (2026-11): sums of larger limits would pass what numbers can tell. */
const OUTPUT_TOKENS_MAX = 2_097_152;

/** Providers' own names have half as many. */
const TOOL_NAME_CHARS_MAX = 64;

type Sums = { -readonly [Name in keyof BatchBounds]: BatchBounds[Name] };

export class BoundsSum {
  readonly #toolCalls = new Map<string, number>();
  readonly #units = new Map<string, number>();
  #without: readonly TokenKindApart[] | null = null;
  readonly #sums: Omit<Sums, "surface" | "without" | "toolCallsMax" | "unitsMax"> = {
    lines: 0,
    textBytes: 0,
    images: 0,
    unsizedLines: 0,
    lineTextBytesMax: 0,
    lineImagesMax: 0,
    outputTokensMax: 0,
    unlimitedChoices: 0,
    choices: 0,
    generates: false,
    beyondPrice: null,
    endUser: null,
  };

  /** Refuses more than a batch can have. */
  add(request: ClientRequest): Refused | null {
    const sums = this.#sums;
    sums.lines += 1;
    if (sums.lines > LIMITS.batchLinesMax) {
      return wrong(`A batch may have ${LIMITS.batchLinesMax} requests at most.`, "file");
    }
    sums.textBytes += request.textBytes;
    sums.images += request.images;
    if (request.hasUnsized) sums.unsizedLines += 1;
    sums.lineTextBytesMax = Math.max(sums.lineTextBytesMax, request.textBytes);
    sums.lineImagesMax = Math.max(sums.lineImagesMax, request.images);
    const { beyondPrice = null } = request;
    // One that names other models is refused to more clients than the rest.
    if (beyondPrice?.isOtherModel === true) sums.beyondPrice = beyondPrice;
    sums.beyondPrice ??= beyondPrice;
    this.#addEndUser(request);
    this.#addOutput(request);
    this.#without = (this.#without ?? request.without).filter((kind) =>
      request.without.includes(kind),
    );
    addAll(this.#units, request.units?.max ?? {});
    return this.#addTools(request);
  }

  /** Their names are whatever clients write, and are remembered with the file. */
  #addTools({ toolCallsMax }: ClientRequest): Refused | null {
    if (Object.keys(toolCallsMax).some((name) => name.length > TOOL_NAME_CHARS_MAX)) {
      const message = `A tool of the provider's has a name of ${TOOL_NAME_CHARS_MAX} characters at most.`;
      return wrong(message, "body.tools");
    }
    addAll(this.#toolCalls, toolCallsMax);
    if (this.#toolCalls.size <= TOOLS_MAX) return null;
    return wrong(`The lines use more than ${TOOLS_MAX} tools of the provider's.`, "body.tools");
  }

  #addEndUser({ endUserId }: ClientRequest): void {
    const sums = this.#sums;
    const isFirst = sums.lines === 1;
    if (isFirst) sums.endUser = endUserId === null ? null : { id: endUserId };
    else if (sums.endUser === "several") return;
    else if ((sums.endUser?.id ?? null) !== endUserId) sums.endUser = "several";
  }

  #addOutput({ generates, outputTokensMax, choices }: ClientRequest): void {
    if (!generates) return;
    const sums = this.#sums;
    sums.generates = true;
    sums.choices += choices;
    if (outputTokensMax === null) sums.unlimitedChoices += choices;
    else sums.outputTokensMax += Math.min(outputTokensMax, OUTPUT_TOKENS_MAX) * choices;
  }

  bounds(surface: Surface): BatchBounds {
    return {
      surface,
      ...this.#sums,
      without: this.#without ?? [],
      toolCallsMax: Object.fromEntries(this.#toolCalls),
      unitsMax: Object.fromEntries(this.#units),
    };
  }
}

function addAll(sums: Map<string, number>, counts: Readonly<Record<string, number>>): void {
  for (const [name, count] of Object.entries(counts)) {
    sums.set(name, (sums.get(name) ?? 0) + count);
  }
}
