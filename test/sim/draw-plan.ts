/**
 * Draws a plan from a seed. Each class of faults is off in about half of the seeds (swarm testing):
 * rare faults meet each other more often where the common ones keep quiet.
 */
import { Dice } from "./dice.ts";
import { drawEdits, drawBudget, drawLimit } from "./draw-rules.ts";
import {
  CLASSES,
  GOOD,
  STAYING,
  type Arrival,
  type Client,
  type Crash,
  type DiskFault,
  type Exit,
  type Jump,
  type Mix,
  type Plan,
  type Script,
} from "./plan.ts";
import { END_USERS, RESIDENTS, type ProviderHabits } from "./town.ts";

/** A moment without meaning of its own: a Wednesday, midday UTC. */
const MIDDAY_MS = Date.UTC(2026, 8, 16, 12, 0, 0);
/** When hours, days, a week and a month end, in UTC and where clocks are 330 and 345 minutes ahead. */
const BOUNDARIES_MS = [
  Date.UTC(2026, 8, 17),
  Date.UTC(2026, 9, 1),
  Date.UTC(2026, 8, 21),
  Date.UTC(2026, 8, 16, 11),
  Date.UTC(2026, 8, 16, 18, 30),
  Date.UTC(2026, 8, 16, 18, 15),
];

export function drawPlan(seed: number): Plan {
  const dice = new Dice(`plan ${seed}`);
  const mix: Mix = new Set(CLASSES.filter(() => dice.chance(0.5)));
  const activeMs = dice.spread(1_500, 20_000);
  const wallStartMs = mix.has("rollover")
    ? dice.pick(BOUNDARIES_MS) - dice.int(0, Math.round(activeMs * 1.1))
    : MIDDAY_MS + dice.int(0, 10_000_000);
  const budgets = Array.from({ length: dice.int(1, 4) }, (_, index) => drawBudget(dice, index));
  const limitCount = mix.has("limits") ? dice.int(1, 3) : 0;
  const limits = Array.from({ length: limitCount }, (_, index) => drawLimit(dice, index));
  const count = dice.spread(5, 28);
  return {
    seed,
    wallStartMs,
    providers: { near: drawHabits(dice, mix), far: drawHabits(dice, mix) },
    budgets,
    limits,
    arrivals: Array.from({ length: count }, (_, index) => drawArrival(seed, index, mix, activeMs)),
    edits: drawEdits(dice, mix, activeMs, budgets.length, limitCount),
    crashes: mix.has("crashes")
      ? Array.from({ length: dice.int(1, 3) }, () => drawCrash(dice, activeMs))
      : [],
    exits: mix.has("exits") && dice.chance(0.5) ? [drawExit(dice, activeMs)] : [],
    halts: mix.has("halts")
      ? Array.from({ length: dice.int(1, 2) }, () => ({
          atMs: dice.unit() * activeMs,
          durationMs: dice.spread(20, 12_000),
        }))
      : [],
    disk: mix.has("disk")
      ? Array.from({ length: dice.int(1, 4) }, () => drawDiskFault(dice, activeMs))
      : [],
    jumps: mix.has("jumps") ? drawJumps(dice, activeMs) : [],
  };
}

function drawHabits(dice: Dice, mix: Mix): ProviderHabits {
  return {
    onClientDisconnect: dice.chance(0.5) ? "abort" : "drain",
    maxConcurrent: mix.has("limits") && dice.chance(0.3) ? dice.int(1, 4) : null,
  };
}

function drawArrival(seed: number, number: number, mix: Mix, activeMs: number): Arrival {
  const dice = new Dice(`arrival ${seed} ${number}`);
  const atMs = mix.has("bursts")
    ? (dice.int(0, 2) * activeMs) / 3 + dice.unit() * 60
    : dice.unit() * activeMs;
  return {
    number,
    atMs,
    resident: dice.int(0, RESIDENTS.length - 1),
    route: dice.pick(["quick", "quick", "sure", "sure", "eager", "eager", "open"]),
    stream: dice.chance(0.6),
    maxTokens: dice.chance(0.6) ? dice.int(1, 500) : null,
    choices: dice.chance(0.1) ? 2 : 1,
    padding: dice.spread(1, 900),
    endUser: dice.chance(0.6) ? dice.pick(END_USERS) : null,
    client: drawClient(dice, mix),
    scripts: Array.from({ length: 3 }, () => drawScript(dice, mix)),
  };
}

function drawClient(dice: Dice, mix: Mix): Client {
  const leaves = mix.has("leavers") && dice.chance(0.4);
  const kinds = ["leaves_at", "leaves_at", "leaves_after_reads", "leaves_at_end"] as const;
  return {
    ...STAYING,
    kind: leaves ? dice.pick(kinds) : "stays",
    whenMs: dice.spread(1, 3_000),
    reads: dice.int(1, 4),
    slowMs: mix.has("slowness") && dice.chance(0.3) ? dice.spread(1, 1_500) : 0,
    bodyMs: dice.chance(0.2) ? dice.spread(1, 400) : 0,
    timeoutMs: mix.has("silences") && dice.chance(0.2) ? dice.spread(20, 3_000) : null,
    tries: dice.chance(0.3) ? dice.int(2, 3) : 1,
  };
}

function drawScript(dice: Dice, mix: Mix): Script {
  const outputTokens = dice.spread(1, 500);
  const pieces = Math.min(dice.int(1, 6), outputTokens);
  return {
    ...GOOD,
    kind: drawKind(dice, mix),
    status: dice.pick([429, 429, 500, 503, 529, 400, 401, 404, 408]),
    retryAfterS: dice.chance(0.3) ? dice.int(0, 3) : null,
    outputTokens,
    cachedShare: dice.chance(0.3) ? dice.unit() : 0,
    firstByteMs: dice.spread(2, mix.has("slowness") ? 1_800 : 200),
    betweenMs: dice.spread(1, mix.has("slowness") ? 900 : 30),
    pieces,
    brokenAfter: dice.int(0, pieces),
    goesOn: dice.chance(0.7),
    isSplit: dice.chance(0.2),
  };
}

function drawKind(dice: Dice, mix: Mix): Script["kind"] {
  const kinds: Script["kind"][] = [];
  if (mix.has("statuses")) kinds.push("status", "status");
  if (mix.has("connections")) kinds.push("refuse", "reset");
  if (mix.has("cuts")) kinds.push("cut", "garbage");
  if (mix.has("silences")) kinds.push("silent", "endless");
  if (mix.has("usage")) kinds.push("no_usage", "usage_above", "usage_below", "usage_twice");
  if (mix.has("errors")) kinds.push("error_first", "error_later");
  return kinds.length > 0 && dice.chance(0.35) ? dice.pick(kinds) : "ok";
}

function drawCrash(dice: Dice, activeMs: number): Crash {
  return {
    atMs: dice.unit() * activeMs * 1.1,
    effectsLeft: dice.int(0, 3),
    downMs: dice.spread(1, 1_500),
  };
}

function drawExit(dice: Dice, activeMs: number): Exit {
  return {
    atMs: dice.unit() * activeMs * 1.1,
    withinMs: dice.spread(1, 5_000),
    downMs: dice.spread(1, 1_000),
  };
}

function drawDiskFault(dice: Dice, activeMs: number): DiskFault {
  const kinds = [
    "stall",
    "late_answer",
    "fail",
    "doubt_lost",
    "doubt_kept",
    "die_before",
    "die_after",
  ] as const;
  return {
    atMs: dice.unit() * activeMs,
    kind: dice.pick(kinds),
    durationMs: dice.spread(5, 7_000),
  };
}

/** Forward and back, also over the begin of a window. */
function drawJumps(dice: Dice, activeMs: number): Jump[] {
  const times = Array.from({ length: dice.int(1, 3) }, () => dice.unit() * activeMs);
  return times
    .sort((one, other) => one - other)
    .map((atMs) => ({
      atMs,
      byMs: Math.ceil((dice.chance(0.5) ? 1 : -1) * dice.spread(200, 7_200_000)),
    }));
}
