/** Things to administer, made through the admin API itself, each with just what it needs. */
import type { Shape } from "../../src/http/admin/schemas.ts";
import type { TestAdmin } from "./admin.ts";

/** What creating answered. */
type Made = Readonly<Record<string, unknown>> & { readonly id: string };

/** Creates and answers with the body; throws when it is not created. */
export async function make(
  { call }: TestAdmin,
  path: string,
  body: Readonly<Record<string, unknown>>,
): Promise<Made> {
  const answer = await call("POST", path, { body });
  if (answer.status !== 201) {
    throw new Error(`POST ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  }
  return { ...Object(answer.body), id: String(answer.member("id")) };
}

export function makeTenant(api: TestAdmin, body: Partial<Shape<"TenantInput">> = {}) {
  return make(api, "/tenants", { name: "Acme", ...body });
}

export function makeProvider(api: TestAdmin, body: Partial<Shape<"ProviderInput">> = {}) {
  return make(api, "/providers", {
    name: "openai",
    base_url: "https://api.openai.com/v1",
    ...body,
  });
}
