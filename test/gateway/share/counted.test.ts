/** Who got another one's answer is counted by the way to it, and nobody else is. */
import { expect, test } from "bun:test";
import { startScene, idOf } from "./scene.ts";

const SLOWLY = { body: { stream: true, temperature: 0 }, script: "tokens=3&token_delay_ms=60" };
const KEY = { headers: { "idempotency-key": "one" } };

test("each way to another one's answer counts once for each who went it", async () => {
  const scene = await startScene({ singleFlight: { cost: "first" }, resumable: true });
  const { gateway, stop } = scene.tollgate;
  try {
    const counts = async (): Promise<readonly string[]> => {
      const lines = (await gateway.metrics.render()).split("\n");
      const name = "tollgate_answers_shared_total";
      return lines.filter((line) => line.startsWith(name)).map((line) => line.slice(name.length));
    };
    const first = await scene.ask(SLOWLY);
    expect(await counts()).toEqual([]);
    await Promise.all([SLOWLY, SLOWLY, SLOWLY].map((one) => scene.ask(one)));
    await Promise.all([KEY, KEY].map((one) => scene.ask({ ...SLOWLY, ...one })));
    await scene.ask({ ...SLOWLY, ...KEY });
    for (const from of [scene.ann, scene.bob]) {
      // Another tenant's stream is unknown: a refusal is nobody's answer.
      await scene.ask({ from, headers: { "last-event-id": `${idOf(first)}:1` } });
    }
    expect((await counts()).toSorted()).toEqual([
      '{way="attached"} 1',
      '{way="replayed"} 1',
      '{way="resumed"} 1',
      '{way="single_flight"} 2',
    ]);
  } finally {
    await stop();
  }
});
