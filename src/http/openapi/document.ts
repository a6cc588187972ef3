/**
 * What the OpenAPI document holds beside the operations: who we are, the tags in reading order, the
 * two credentials, the shapes, and the errors that operations share.
 */
import type { ElysiaSwaggerConfig } from "@elysiajs/swagger/types";
import type { REFUSAL_RESPONSES } from "../admin/describe.ts";
import { ACCESS_TOKEN_SCANNER } from "../../base/access-token.ts";
import { plainSchema } from "../admin/plain-schema.ts";
import { SCHEMAS } from "../admin/schemas.ts";
import { SURFACES } from "../../dialects/surfaces.ts";
import { googleModelDetail } from "../v1/google-operations.ts";
import { ALL_PATHS } from "../v1/mounts.ts";
import { modelDetail, SURFACE_DETAILS } from "../v1/operations.ts";
import { CLIENT_SCHEMAS } from "./client-schemas.ts";

type Documentation = NonNullable<ElysiaSwaggerConfig["documentation"]>;

const ABOUT = `Tollgate is an LLM gateway: clients call \`/v1\` with access tokens that it issues, and operators
configure it under \`/api/v1\` with the admin token.

**Try it out:** press *Authorize* and paste the admin token, which was shown at the first start, or, for
the operations under *client*, an access token. Then open an operation and press *Try it out* and *Execute*.
Ids in the examples are made up: put those of your own things in their place.

Money is decimal text in US dollars (\`"5.00"\`), times are RFC 3339 in UTC, ids sort by time. Every answer
has \`x-request-id\`; every error is an object \`error\` with \`message\`, \`type\`, \`code\` and \`param\`,
or has the shape of the dialect whose path was called.`;

const TAGS = [
  ["tenants", "The isolation boundary: owns projects, access tokens and budgets."],
  ["projects", "Groups of access tokens inside a tenant."],
  [
    "tokens",
    `Access tokens for clients of \`/v1\`. Secret scanners find them by \`${ACCESS_TOKEN_SCANNER}\`.`,
  ],
  ["providers", "Companies and servers that are called, with their credentials."],
  ["companies", "What Tollgate knows of companies, for adding providers."],
  ["routes", "Public model names and the targets that serve them."],
  ["prices", "Prices that the operator sets."],
  ["budgets", "Money per window."],
  ["alerts", "Thresholds of budgets that were passed."],
  ["limits", "Requests and model tokens per minute, and requests at once."],
  ["jobs", "Batches and background responses that have not ended, and what is held for them."],
  ["ledger", "What was held and posted, as a whole."],
  ["usage", "Requests, model tokens and cost, added up."],
  ["requests", "The request log, and why a request was refused."],
  ["client", "What clients call, in the dialect of their choice."],
  ["health", "For orchestrators and monitoring."],
] as const;

const REFUSAL_TEXTS = {
  Invalid: [
    "The request is not valid; `param` names the member.",
    "name must be a text.",
    "invalid_request",
    "/name",
  ],
  Unauthorized: [
    "The admin token is missing or wrong.",
    "The admin token is not valid.",
    "invalid_admin_token",
    "authorization",
  ],
  NotFound: ["There is no such thing.", "There is no tenant ten_0.", "not_found", null],
  Conflict: [
    "Changed meanwhile, in use, or a name that is taken.",
    "The tenant is in use by tokens tok_0; remove those first.",
    "in_use",
    null,
  ],
  TooLarge: [
    "The body is too large.",
    "The body is larger than 1048576 bytes.",
    "body_too_large",
    null,
  ],
  NotJson: [
    "The body is not declared as JSON.",
    "The body must be JSON.",
    "unsupported_media_type",
    "content-type",
  ],
  Impossible: [
    "Valid in form, but it names something that does not exist or is not available.",
    "There is no provider acme.",
    "unprocessable",
    "/provider",
  ],
  Broken: [
    "A failure of ours; quote the request id.",
    "The gateway failed; quote the request id.",
    "internal_error",
    null,
  ],
  Unavailable: [
    "The ledger cannot take this now; `retry-after` says when to come back.",
    "The ledger cannot take this request now.",
    "ledger_unavailable",
    null,
  ],
} as const satisfies Record<
  (typeof REFUSAL_RESPONSES)[keyof typeof REFUSAL_RESPONSES],
  readonly [description: string, message: string, code: string, param: string | null]
>;

export function documentation(version: string): Documentation {
  return {
    // The plugin says 3.0.3, but writes schemas that only 3.1 has.
    openapi: "3.1.0",
    // Relative to /docs/json: right on every host and port, and behind a proxy's prefix.
    servers: [{ url: "..", description: "This gateway" }],
    info: {
      title: "Tollgate",
      version,
      description: ABOUT,
      license: { name: "Apache-2.0", url: "https://www.apache.org/licenses/LICENSE-2.0" },
    },
    tags: TAGS.map(([name, description]) => ({ name, description })),
    paths: modelPaths(),
    components: {
      schemas: { ...adminSchemas(), ...CLIENT_SCHEMAS },
      responses: Object.fromEntries(Object.entries(REFUSAL_TEXTS).map(refusalResponse)),
      headers: {
        RequestId: {
          description: "Names this request in the log.",
          schema: { type: "string" },
        },
        RetryAfter: {
          description: "Seconds after which to come back.",
          schema: { type: "integer" },
        },
      },
      securitySchemes: {
        // Swagger UI puts the cursor into the last field: the one that this page is mostly about.
        accessToken: {
          type: "http",
          scheme: "bearer",
          description: "For `/v1`: an access token, `sk-tg-…`, as `POST /api/v1/tokens` issues it.",
        },
        adminToken: {
          type: "http",
          scheme: "bearer",
          description: "For `/api/v1`: the admin token, `tg-admin-…` unless you set your own.",
        },
      },
    },
  };
}

/** Mounted as wildcards, because names of models hold slashes; the plugin leaves wildcards out. */
function modelPaths(): NonNullable<Documentation["paths"]> {
  const methods = ALL_PATHS.filter(({ path }) => path.includes("{model}")).map(
    ({ path, surface }) => {
      const detail = SURFACE_DETAILS[surface];
      const [first] = SURFACES[surface].paths;
      // The same operation at another address is to have an id of its own.
      const id = path === first ? detail.operationId : `${detail.operationId}_beta`;
      return [path, { post: { ...detail, operationId: id } }];
    },
  );
  return Object.fromEntries([
    ["/v1/models/{model}", { get: modelDetail }],
    ["/v1beta/models/{model}", { get: googleModelDetail }],
    ...methods,
  ]);
}

function adminSchemas() {
  return Object.fromEntries(
    Object.entries(SCHEMAS).map(([name, schema]) => [name, plainSchema(schema)]),
  );
}

function refusalResponse([name, [description, message, code, param]]: [
  string,
  (typeof REFUSAL_TEXTS)[keyof typeof REFUSAL_TEXTS],
]) {
  const type =
    name === "Broken" || name === "Unavailable" ? "server_error" : "invalid_request_error";
  const response = {
    description,
    headers: {
      "x-request-id": { $ref: "#/components/headers/RequestId" },
      ...(name === "Unavailable" && { "retry-after": { $ref: "#/components/headers/RetryAfter" } }),
    },
    content: {
      "application/json": {
        schema: { $ref: "#/components/schemas/Error" },
        example: { error: { message, type, code, param } },
      },
    },
  };
  return [name, response] as const;
}
