/** `/api/v1/providers`. */
import type { Admin } from "../../admin/admin.ts";
import { ProviderFilter } from "../../admin/shapes/provider.ts";
import { pageExample, PROVIDER_ID, VERSIONED } from "./examples.ts";
import type { AdminHttp } from "./operation.ts";
import { resource } from "./resource.ts";
import type { Shape } from "./schemas.ts";

const example: Shape<"Provider"> = {
  id: PROVIDER_ID,
  name: "openai",
  company: "openai",
  dialect: "openai",
  base_url: "https://api.openai.com/v1",
  parameters: {},
  authentication: { kind: "bearer", name: null, scope: null },
  surfaces: ["chat", "embeddings"],
  has_credential: true,
  credential_count: 1,
  breaker: "auto",
  throughput_min: null,
  queue: null,
  allow_private_network: false,
  timeouts_ms: {
    connect: 5_000,
    first_byte: 300_000,
    first_token: 300_000,
    idle: 300_000,
    total: 3_600_000,
  },
  max_concurrent: null,
  on_client_disconnect: "abort",
  enabled: true,
  simulated: false,
  health: {
    breaker: "closed",
    available_at: null,
    in_flight: 3,
    lanes: [
      {
        family: "gpt-5.2",
        credential: 1,
        breaker: "closed",
        available_at: null,
        rests_for: null,
        in_flight: 3,
        first_token_ms: 412,
        failure_share: 0.004,
      },
    ],
  },
  ...VERSIONED,
};

export function providerRoutes(http: AdminHttp, admin: Admin) {
  return resource(
    http,
    {
      path: "providers",
      one: "provider",
      many: "providers",
      idExample: example.id,
      about: {
        create:
          "A company or server that speaks a dialect. The credential is stored encrypted and never shown.",
        remove: "Refused while routes or prices name it.",
      },
      shapes: {
        input: "ProviderInput",
        change: "ProviderChange",
        one: "Provider",
        made: "Provider",
        many: "ProviderPage",
        filter: ProviderFilter,
      },
      examples: {
        input: {
          company: "openai",
          credential: "sk-your-openai-key",
          more_credentials: ["sk-your-other-openai-key"],
          max_concurrent: 64,
          queue: { waiting_max: 200, wait_ms: 5_000 },
        },
        change: { max_concurrent: 64, timeouts_ms: { first_byte: 60_000 } },
        one: example,
        made: example,
        many: pageExample(example),
      },
    },
    admin.providers,
  );
}
