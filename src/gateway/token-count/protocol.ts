/** What the event loop asks the counting thread and what it answers. */

export type CountQuestion = {
  readonly id: number;
  /** The client's body, or as much of it as was kept; null: the input is not to be counted. */
  readonly body: string | null;
  /** The text that was generated, as far as it was kept. */
  readonly output: string;
};

export type CountAnswer = {
  readonly id: number;
  /** null: not asked for, or the body was no whole JSON text. */
  readonly inputTokens: number | null;
  readonly outputTokens: number;
};
