/** Names of the wire languages that clients and providers may speak. */
export type DialectName = "openai" | "anthropic" | "google";
