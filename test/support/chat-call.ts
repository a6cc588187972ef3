/** What a call of `handle` says of its surface, for tests that make one without HTTP: a chat. */
import { chatCodec } from "../../src/dialects/openai/chat.ts";
import { openaiDialect } from "../../src/dialects/openai/dialect.ts";
import type { ClientCall } from "../../src/gateway/exchange.ts";

export const CHAT_CALL: Pick<ClientCall, "dialect" | "codec" | "place" | "query"> = {
  dialect: openaiDialect,
  codec: chatCodec,
  place: { model: null },
  query: "",
};
