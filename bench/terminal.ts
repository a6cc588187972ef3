/**
 * What the bench says while it works. On a terminal one line is rewritten; elsewhere a line appears
 * when a phase begins and every few seconds, so that a log stays readable. Progress goes to the
 * error output: the results alone are the output.
 */
import type { Clock, Timer } from "../src/base/clock.ts";
import { durationText } from "./quantities.ts";

/** Where the bench writes; the command line passes its own. */
export type BenchIo = {
  /** Results. */
  readonly out: (text: string) => void;
  /** Progress and complaints. */
  readonly err: (text: string) => void;
  /** True when `err` is a terminal that understands a rewritten line. */
  readonly isTerminal: boolean;
};

export const processIo: BenchIo = {
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  isTerminal: process.stderr.isTTY,
};

const redrawMs = 250;
const lineMs = 5_000;
const barWidth = 20;
const lineWidthMax = 100;
const eraseLine = "\r\u001B[2K";

/** The phases of one run, in order. */
export class Progress {
  readonly #io: BenchIo;
  readonly #clock: Clock;
  readonly #phaseCount: number;
  #phase = 0;
  #title = "";
  #note = "";
  #expectedMs = 0;
  #beganAtMs = 0;
  #timer: Timer | undefined;

  constructor(io: BenchIo, clock: Clock, phaseCount: number) {
    this.#io = io;
    this.#clock = clock;
    this.#phaseCount = phaseCount;
  }

  /** A new phase begins; `expectedMs` is an estimate. */
  begin(title: string, expectedMs: number): void {
    this.#timer?.cancel();
    this.#phase += 1;
    this.#title = title;
    this.#note = "";
    this.#expectedMs = expectedMs;
    this.#beganAtMs = this.#clock.monotonicMs();
    if (this.#io.isTerminal) this.#draw();
    else this.#io.err(`${this.#head}: about ${durationText(expectedMs)}\n`);
    const periodMs = this.#io.isTerminal ? redrawMs : lineMs;
    this.#timer = this.#clock.every(periodMs, () => this.#draw());
  }

  readonly note = (text: string): void => {
    this.#note = text;
  };

  /** Leaves a clean line behind. */
  end(): void {
    this.#timer?.cancel();
    if (this.#io.isTerminal) this.#io.err(eraseLine);
  }

  get #head(): string {
    return `[${this.#phase}/${this.#phaseCount}] ${this.#title}`;
  }

  #draw(): void {
    const elapsedMs = this.#clock.monotonicMs() - this.#beganAtMs;
    const share = Math.min(1, elapsedMs / Math.max(1, this.#expectedMs));
    const times = `${durationText(elapsedMs)} of about ${durationText(this.#expectedMs)}`;
    const head = this.#head;
    const note = this.#note === "" ? "" : `, ${this.#note}`;
    if (!this.#io.isTerminal) {
      this.#io.err(`${head}: ${times}${note}\n`);
      return;
    }
    const full = Math.round(share * barWidth);
    const bar = "█".repeat(full) + "░".repeat(barWidth - full);
    this.#io.err(`${eraseLine}${`${head} ${bar} ${times}${note}`.slice(0, lineWidthMax)}`);
  }
}
