/**
 * A multipart form of OpenAI's API, checked as far as the gateway depends on it: each field that matters
 * comes once, as text that can be read, and the model is replaced where its value stands.
 */
import { assert } from "../../base/assert.ts";
import { allow, type Verdict } from "../../base/verdict.ts";
import type { ClientRequest, Codec, FormSpec } from "../contract.ts";
import { type Refused, refuseModelName, repeated, wrong } from "../json-body.ts";
import type { ClientForm } from "../multipart.ts";
import { type Edit, splice } from "../splice.ts";
import type { Surface } from "../surfaces.ts";
import { endUserOf } from "./body-checks.ts";

/** Texts of the wanted fields that came. */
export type FormFields<Name extends string> = ReadonlyMap<Name, string>;

/** As FastAPI reads them, which OpenAI's API and many servers are made with; the SDKs write `true`. */
const TRUE = /^(?:true|1|on|yes|t|y)$/i;

/** The form of a surface that takes nothing else. */
export function formOf(form: ClientForm | undefined): ClientForm {
  assert(form !== undefined, "a surface of forms was handed a body that is none");
  return form;
}

/** What every form says in the same fields; the rest is its surface's to say. */
type Told = "surface" | "bytes" | "form" | "model" | "endUserId";

/** What a surface makes of a form. */
export type FormAsked = Omit<ClientRequest, Told>;

type FormBody<Name extends string> = {
  readonly surface: Surface;
  /** Those that the gateway depends on, the model among them. */
  readonly fields: readonly Name[];
  readonly refuse?: (fields: FormFields<Name>) => Refused | null;
  readonly asks: (fields: FormFields<Name>, form: ClientForm) => FormAsked;
};

/** As a surface of forms accepts one. Refuses with `invalid_request` and the field's name. */
export function acceptForm<Name extends string>({
  surface,
  fields,
  refuse,
  asks,
}: FormBody<Name>): Codec["accept"] {
  return (bytes, _place, body) => {
    const form = formOf(body);
    const read = readFields(form, fields);
    if (!read.allowed) return read;
    const model = modelIn(read.value);
    if (!model.allowed) return model;
    const refused = refuse?.(read.value) ?? null;
    if (refused !== null) return refused;
    return allow({
      ...asks(read.value, form),
      surface,
      bytes,
      form,
      model: model.value,
      endUserId: endUserOf(Object.fromEntries(read.value)),
    });
  };
}

/** Refuses with `invalid_request` and the field's name. */
export function readFields<Name extends string>(
  form: ClientForm,
  wanted: readonly Name[],
): Verdict<FormFields<Name>> {
  const fields = new Map<Name, string>();
  for (const name of wanted) {
    // Many readers of forms take `model[]` for one `model` more, and `model[0]`.
    const isList = form.parts.some((one) => one.name.startsWith(`${name}[`));
    if (isList) return wrong(`'${name}' must not be a list.`, name);
    const [part, second] = form.parts.filter((one) => one.name === name);
    if (second !== undefined) return repeated(name);
    if (part === undefined) continue;
    if (part.value === null) return wrong(`'${name}' must be a short text.`, name);
    fields.set(name, part.value);
  }
  return allow(fields);
}

/** Refuses a model that is missing or cannot be a name. */
function modelIn(fields: ReadonlyMap<string, string>): Verdict<string> {
  const model = fields.get("model") ?? "";
  if (model === "") return wrong("Missing required parameter: 'model'.", "model");
  return refuseModelName(model) ?? allow(model);
}

export function isTrue(value: string | undefined): boolean {
  return value !== undefined && TRUE.test(value);
}

/** Bytes of all fields, which may become input tokens. */
export function fieldBytes({ parts }: ClientForm): number {
  return parts.reduce((sum, { filename, start, end }) => {
    return filename === null ? sum + end - start : sum;
  }, 0);
}

const edits: FormSpec["edits"] = ({ form, model }, { model: asked }): readonly Edit[] => {
  const part = form?.parts.find(({ name }) => name === "model");
  if (part === undefined || asked === model) return [];
  return [{ start: part.start, end: part.end, text: asked }];
};

/** What every surface of forms does alike. */
export function formCodec(
  bodyBytesMax: number,
): Required<Pick<Codec, "form">> &
  Pick<Codec, "request" | "isDeterministic" | "watchContinuable" | "continued"> {
  return {
    form: { bodyBytesMax, edits },
    request: (request: ClientRequest, asked) => splice(request.bytes, edits(request, asked)),
    isDeterministic: () => false,
    watchContinuable: () => null,
    continued: () => null,
  };
}
