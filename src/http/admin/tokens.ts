/** `/api/v1/tokens`, with rotation and revocation. */
import type { Admin } from "../../admin/admin.ts";
import { TokenFilter } from "../../admin/shapes/token.ts";
import { noBody, optionalBody } from "./body.ts";
import { answerOf } from "./describe.ts";
import { pageExample, PROJECT_ID, TENANT_ID, TOKEN_ID, VERSIONED } from "./examples.ts";
import { type AdminHttp, operation } from "./operation.ts";
import { NO_QUERY, resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Token"> = {
  id: TOKEN_ID,
  tenant_id: TENANT_ID,
  project_id: PROJECT_ID,
  name: "Production",
  hint: "4Xc9",
  status: "active",
  expires_at: "2027-11-20T09:30:00.000Z",
  max_requests: null,
  allowed_models: ["gpt-5-mini"],
  priority_class: null,
  request_count: 0,
  last_used_at: null,
  metadata: {},
  ...VERSIONED,
};
const issued: Shape<"IssuedToken"> = {
  ...example,
  token: "sk-tg-EXAMPLEonlyEXAMPLEonlyEXAMPLEo…",
};

const plain = {
  tag: "tokens",
  idOf: { one: "access token", example: TOKEN_ID },
  query: NO_QUERY,
};

function rotateOperation(http: AdminHttp, { tokens }: Admin) {
  return operation(
    http,
    {
      ...plain,
      id: "rotate_access_token",
      summary: "Give an access token a new text",
      description: "The answer alone holds the new one; the old one works for `grace_seconds`.",
      body: optionalBody("TokenRotation", { grace_seconds: 3_600 }),
      answer: answerOf(200, "IssuedToken", "The access token with its new text.", issued),
      refusals: [400, 404, 409],
    },
    ({ id, body }) => tokens.rotate(id, body),
  );
}

function revokeOperation(http: AdminHttp, { tokens }: Admin) {
  const revoked: Shape<"Token"> = { ...example, status: "revoked" };
  return operation(
    http,
    {
      ...plain,
      id: "revoke_access_token",
      summary: "Revoke an access token for good",
      body: noBody,
      answer: answerOf(200, "Token", "The revoked access token.", revoked),
      refusals: [400, 404],
    },
    ({ id }) => tokens.revoke(id),
  );
}

export function tokenRoutes(http: AdminHttp, admin: Admin) {
  const rotate = rotateOperation(http, admin);
  const revoke = revokeOperation(http, admin);
  return resource(
    http,
    {
      path: "tokens",
      one: "access token",
      many: "access tokens",
      idExample: example.id,
      about: {
        create: "The answer alone holds the access token; Tollgate keeps only a keyed hash of it.",
        remove:
          "Refused while budgets or limits are attached to it. To end its use, revoke it instead.",
      },
      shapes: {
        input: "TokenInput",
        change: "TokenChange",
        one: "Token",
        made: "IssuedToken",
        many: "TokenPage",
        filter: TokenFilter,
      },
      examples: {
        input: {
          tenant_id: TENANT_ID,
          project_id: PROJECT_ID,
          name: "Production",
          duration_minutes: 525_600,
          allowed_models: ["gpt-5-mini"],
        },
        change: { max_requests: 10_000, expires_at: null },
        one: example,
        made: issued,
        many: pageExample(example),
      },
    },
    admin.tokens,
  )
    .post("/:id/rotate", rotate.handle, rotate.hooks)
    .post("/:id/revoke", revoke.handle, revoke.hooks);
}
