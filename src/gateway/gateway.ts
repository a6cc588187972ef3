/** What the phases of an exchange work with; assembled once by main. */
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";
import type { Store } from "../store/contract.ts";
import type { Log } from "../telemetry/log.ts";
import type { Metrics } from "../telemetry/metrics.ts";
import type { BodyRoom } from "./load/body-room.ts";
import type { Drains } from "./drains.ts";
import type { Directory } from "./directory.ts";
import type { Hedges } from "./hedges.ts";
import type { Jobs } from "./jobs/jobs.ts";
import type { Lifecycle } from "./lifecycle.ts";
import type { Objects } from "./objects/objects.ts";
import type { Origins } from "./origin.ts";
import type { Shed } from "./load/shed.ts";
import type { TenantShares } from "./load/tenant-shares.ts";
import type { Shadows } from "./shadow/shadows.ts";
import type { Sharing } from "./share/sharing.ts";
import type { Send } from "./transport.ts";
import type { TokenCounter } from "./token-count/token-counter.ts";
import type { Spools } from "./upload/spools.ts";
import type { Watchdog } from "./watchdog.ts";

export type Gateway = {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly store: Store;
  readonly directory: Directory;
  readonly lifecycle: Lifecycle;
  readonly drains: Drains;
  readonly bodyRoom: BodyRoom;
  readonly spools: Spools;
  readonly tenantShares: TenantShares;
  readonly hedges: Hedges;
  readonly shed: Shed;
  readonly objects: Objects;
  readonly jobs: Jobs;
  readonly sharing: Sharing;
  readonly shadows: Shadows;
  readonly tokenCounter: TokenCounter;
  readonly watchdog: Watchdog;
  readonly origins: Origins;
  readonly send: Send;
  /** Keys the hashes of access tokens. */
  readonly tokenPepper: Uint8Array;
  /** Keys the hashes by which a provider's credential is known again. */
  readonly credentialHashSecret: Uint8Array;
};
