/** Chat completions through Tollgate are those of the provider, byte for byte but for the splices. */
import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { cutAt, cutPlaces } from "./pieces.ts";
import { conformanceStageForFile, PUBLIC_MODEL, UPSTREAM_MODEL } from "./stage.ts";

const { direct, through, upstream } = await conformanceStageForFile("openai", "/v1");

const bodyFor = (model: string): string =>
  `{"model" : "${model}","messages":[{"role":"user","content":"hi"}],"x_unknown":1.50}`;

/** As OpenAI's chat completion (API reference, 2026-11), with a member that nobody knows. */
const ANSWER = `{
  "id": "chatcmpl-1", "object": "chat.completion", "created": 1763631000, "model": "${UPSTREAM_MODEL}",
  "choices": [{"index": 0, "message": {"role": "assistant", "content": "Grüße 🙂"}, "finish_reason": "stop"}],
  "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12}, "x_unknown": [1.0, null]
}`;

test("a plain answer has the same bytes in any pieces, and the provider sees the client's", async () => {
  await fc.assert(
    fc.asyncProperty(cutPlaces, async (places) => {
      upstream.answer({ pieces: cutAt(ANSWER, places) });
      const path = "/v1/chat/completions";
      const past = await direct({ path, body: bodyFor(UPSTREAM_MODEL) });
      const relayed = await through({ path, body: bodyFor(PUBLIC_MODEL) });
      expect(relayed.bytes).toEqual(past.bytes);
      expect(relayed.seen?.body).toEqual(past.seen?.body);
      expect([relayed.status, relayed.seen?.path]).toEqual([200, past.seen?.path]);
      expect(relayed.seen?.headers["authorization"]).toBe(past.seen?.headers["authorization"]);
    }),
    { numRuns: 20 },
  );
});
