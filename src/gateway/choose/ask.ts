/** What the selection looks at beside the route: the request, who asks, and the chance to draw. */
import type { TenantHandle } from "../../../actors/tenant.ts";
import type { PriorityClass } from "../../base/priority.ts";
import type { ClientRequest } from "../../dialects/contract.ts";
import type { StrategyChosen } from "./strategy.ts";

export type Ask = {
  readonly request: ClientRequest;
  readonly headers: Headers;
  readonly tenantId: string;
  readonly tokenId: string;
  readonly priorityClass: PriorityClass;
  /** Knows how much output the access token's requests usually need; null: nobody is known to ask. */
  readonly tenant: TenantHandle | null;
  readonly strategy: StrategyChosen;
  /** Draws a number in [0, 1); null: nothing is left to chance, and nothing explored. */
  readonly draw: (() => number) | null;
  readonly atMs: number;
};
