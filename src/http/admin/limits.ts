/** `/api/v1/limits`. */
import type { Admin } from "../../admin/admin.ts";
import { LimitFilter } from "../../admin/shapes/limit.ts";
import { pageExample, TENANT_ID, TOKEN_ID, VERSIONED } from "./examples.ts";
import type { AdminHttp } from "./operation.ts";
import { resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Limit"> = {
  id: "lim_019ab3f134c77d05b476182930415263",
  tenant_id: TENANT_ID,
  scope: { type: "token", id: TOKEN_ID },
  requests_per_minute: 600,
  tokens_per_minute: 200_000,
  max_concurrent: 20,
  burst: 50,
  current: { requests_remaining: 48, tokens_remaining: 198_500, in_flight: 2 },
  ...VERSIONED,
};

export function limitRoutes(http: AdminHttp, admin: Admin) {
  return resource(
    http,
    {
      path: "limits",
      one: "limit",
      many: "limits",
      idExample: example.id,
      about: {
        create:
          "Requests and model tokens per minute, and requests at once, of a tenant, project or access token.",
        remove: "Nothing is refused by this limit any more.",
      },
      shapes: {
        input: "LimitInput",
        change: "LimitChange",
        one: "Limit",
        made: "Limit",
        many: "LimitPage",
        filter: LimitFilter,
      },
      examples: {
        input: {
          scope: { type: "token", id: TOKEN_ID },
          requests_per_minute: 600,
          tokens_per_minute: 200_000,
          max_concurrent: 20,
          burst: 50,
        },
        change: { max_concurrent: null },
        one: example,
        made: example,
        many: pageExample(example),
      },
    },
    admin.limits,
  );
}
