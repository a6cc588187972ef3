/**
 * Makes a failing plan small: leaves out ever smaller pieces of each of its lists, then makes what is
 * left ordinary, as long as the same invariant still breaks (delta debugging).
 */
import { GOOD, LISTS, STAYING, type Arrival, type Plan } from "./plan.ts";

/** True when the plan breaks the invariant that is looked for. */
export type Fails = (plan: Plan) => Promise<boolean>;

export async function shrink(plan: Plan, fails: Fails, runsMax = 400): Promise<Plan> {
  let runs = 0;
  const stillFails = async (candidate: Plan): Promise<boolean> => {
    runs += 1;
    return runs <= runsMax && (await fails(candidate));
  };
  let smallest = plan;
  for (;;) {
    const before = size(smallest);
    for (const name of LISTS) smallest = await shrinkList(smallest, name, stillFails);
    smallest = await simplify(smallest, stillFails);
    if (size(smallest) === before || runs > runsMax) return smallest;
  }
}

function size(plan: Plan): number {
  return JSON.stringify(plan).length;
}

async function shrinkList(plan: Plan, name: (typeof LISTS)[number], fails: Fails): Promise<Plan> {
  let kept = plan;
  let piece = Math.ceil(plan[name].length / 2);
  while (piece >= 1) {
    let from = 0;
    while (from < kept[name].length) {
      const list = [...kept[name].slice(0, from), ...kept[name].slice(from + piece)];
      const candidate = { ...kept, [name]: list };
      if (await fails(candidate)) kept = candidate;
      else from += piece;
    }
    piece = piece === 1 ? 0 : Math.ceil(piece / 2);
  }
  return kept;
}

/** Makes each arrival as ordinary as it can be. */
async function simplify(plan: Plan, fails: Fails): Promise<Plan> {
  let kept = plan;
  for (const [place, arrival] of plan.arrivals.entries()) {
    for (const change of simpler(arrival)) {
      const arrivals = kept.arrivals.with(place, {
        ...arrival,
        ...kept.arrivals[place],
        ...change,
      });
      const candidate = { ...kept, arrivals };
      if (size(candidate) < size(kept) && (await fails(candidate))) kept = candidate;
    }
  }
  return kept;
}

function simpler({ scripts }: Arrival): Partial<Arrival>[] {
  const changes: Partial<Arrival>[] = [{ client: STAYING }, { padding: 1 }, { scripts: [] }];
  for (const [place, { kind }] of scripts.entries()) {
    changes.push({ scripts: scripts.slice(0, place + 1).with(place, { ...GOOD, kind }) });
  }
  return changes;
}

/** The plan as a person reads it: one line for each thing in it. */
export function describePlan(plan: Plan): string {
  const { seed, wallStartMs, providers } = plan;
  const lines = [
    `seed ${seed}, begins ${new Date(wallStartMs).toISOString()}, providers ${JSON.stringify(providers)}`,
  ];
  for (const name of LISTS) {
    for (const one of plan[name]) lines.push(`  ${name}: ${JSON.stringify(plainer(one))}`);
  }
  return lines.join("\n");
}

/** Without what is as it always is. */
function plainer(one: object): object {
  if (!("scripts" in one)) return one;
  const { scripts, client, ...rest } = one as Arrival;
  return {
    ...rest,
    client: differing(client, STAYING),
    scripts: scripts.map((script) => differing(script, GOOD)),
  };
}

function differing<T extends object>(one: T, usual: T): object {
  const common = new Map<string, unknown>(Object.entries(usual));
  return Object.fromEntries(
    Object.entries(one).filter(([name, value]) => common.get(name) !== value),
  );
}
