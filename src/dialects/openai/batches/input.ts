/**
 * The input file of a batch, read while it comes: every line is checked, all are for one surface and one
 * model, and what they can cost together is summed up. Held are the sums, where each line names its model,
 * and the one line whose end has not come.
 */
import { LIMITS } from "../../../base/limits.ts";
import type { NamedObject } from "../../../base/object-kind.ts";
import { allow, refuse, type Verdict } from "../../../base/verdict.ts";
import type { BatchFile } from "../../job-contract.ts";
import { type Refused, wrong } from "../../json-body.ts";
import type { Surface } from "../../surfaces.ts";
import { BoundsSum } from "./bounds-sum.ts";
import { type InputLine, readInputLine } from "./input-line.ts";
import { lineUrlOf } from "./line-codecs.ts";
import { type Line, LineSplitter } from "./line-splitter.ts";

type Shared = { readonly surface: Surface; readonly model: string };

export class BatchInput {
  readonly #splitter = new LineSplitter<ArrayBuffer>(LIMITS.bodyBytesMax);
  readonly #modelSpans: number[] = [];
  readonly #objects = new Map<string, NamedObject>();
  readonly #sum = new BoundsSum();
  #first: Shared | null = null;

  /** Bytes of memory that the line takes whose end has not come. */
  get heldBytes(): number {
    return this.#splitter.heldBytes;
  }

  /** Refuses with `invalid_request`, and the line and member that are wrong; then it is done with. */
  push(piece: Uint8Array<ArrayBuffer>): Refused | null {
    return this.#take(this.#splitter.push(piece));
  }

  /** All of it has come; refuses likewise. */
  end(): Verdict<BatchFile> {
    const refused = this.#take(this.#splitter.end());
    if (refused !== null) return refused;
    if (this.#first === null) return wrong("The file holds no requests.", "file");
    const { model, surface } = this.#first;
    return allow({
      model,
      modelSpans: this.#modelSpans,
      objects: [...this.#objects.values()],
      bounds: this.#sum.bounds(surface),
    });
  }

  #take(lines: Iterable<Line<ArrayBuffer>>): Refused | null {
    for (const { number, start, bytes } of lines) {
      const refused = this.#takeLine(start, bytes);
      if (refused !== null) return ofLine(number, refused);
    }
    return null;
  }

  #takeLine(start: number, bytes: Uint8Array<ArrayBuffer> | null): Refused | null {
    if (bytes === null) return wrong(`It is longer than ${LIMITS.bodyBytesMax} bytes.`, "file");
    const line = readInputLine(bytes);
    if (!line.allowed) return line;
    const { request, model } = line.value;
    const refused =
      this.#refuseOther(line.value) ?? this.#name(request.objects ?? []) ?? this.#sum.add(request);
    if (refused !== null) return refused;
    this.#modelSpans.push(start + model.start, start + model.end);
    return null;
  }

  /** One file is priced, held and sent as one thing. */
  #refuseOther({ request: { surface, model } }: InputLine): Refused | null {
    this.#first ??= { surface, model };
    const { surface: firstSurface, model: firstModel } = this.#first;
    if (surface !== firstSurface) {
      return wrong(`'url' must be ${lineUrlOf(firstSurface)}, as in the lines before.`, "url");
    }
    if (model === firstModel) return null;
    const message = `'body.model' must be ${JSON.stringify(firstModel)}, as in the lines before.`;
    return wrong(message, "body.model");
  }

  #name(objects: readonly NamedObject[]): Refused | null {
    for (const object of objects) this.#objects.set(object.id, object);
    if (this.#objects.size <= LIMITS.objectsNamedMax) return null;
    const message = `The lines name more than ${LIMITS.objectsNamedMax} objects that a provider keeps.`;
    return wrong(message, "body");
  }
}

function ofLine(number: number, { refusal }: Refused): Refused {
  const { code, message, param } = refusal;
  return refuse(code, `Line ${number}: ${message}`, param === undefined ? {} : { param });
}
